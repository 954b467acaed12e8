"""What prediction brings: models fitted to the shop by a job, and traits that segments can ask."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.prediction import store
from rapport.capabilities.prediction.command import COMMANDS
from rapport.capabilities.prediction.facts import FACT_KINDS
from rapport.capabilities.prediction.jobs import jobs
from rapport.capabilities.prediction.traits import PARTS, TRAITS
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice

__all__ = ["PREDICTION"]

PREDICTION = Slice(
    name="prediction",
    title="Prediction",
    facts=FACT_KINDS,
    parts=PARTS,
    traits=TRAITS,
    holds=(
        of_shop(store.fits, "what was learnt of all customers together, and how good it was"),
        of_person(store.predictions, "what was last said of what somebody will probably do"),
    ),
    migrations=Path(__file__).parent / "migrations",
    joint_jobs=jobs,
    web="rapport.capabilities.prediction.web:WEB",
    commands=COMMANDS,
)
