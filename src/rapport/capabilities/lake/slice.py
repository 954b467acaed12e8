"""What the lake brings: facts archived to open files by a job, and forgotten there with the person."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.lake import saved, store
from rapport.capabilities.lake.command import COMMANDS
from rapport.capabilities.lake.jobs import ARCHIVING, COMPACTING, FORGETTING, RECORDING, REFILING
from rapport.capabilities.lake.service import forget_in_asides
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.web.permissions import Permission

__all__ = ["LAKE"]

LAKE = Slice(
    name="lake",
    title="Lake",
    holds=(
        of_shop(store.lake_home, "which lake the facts are archived to"),
        of_shop(
            store.lake_refilings, "the numbers of facts that were taken back or put back, until the lake has followed"
        ),
        of_shop(saved.lake_queries, "queries of the lake that people here keep under names", mentions=True),
        of_person(
            store.lake_forgettings,
            "who was erased and is still to be forgotten in the lake; a row goes when that is done",
            by=(),
            export=lambda *_: (),  # the same facts stand in the log, which tells them
            erase=store.to_forget,
        ),
    ),
    migrations=Path(__file__).parent / "migrations",
    jobs=(ARCHIVING, COMPACTING, RECORDING, FORGETTING, REFILING),
    refiled=store.to_refile,
    sift_files=lambda db, *_: forget_in_asides(db),
    permissions=(
        Permission(
            name="lake:query",
            words="ask the lake in SQL: every fact of the shop, personal data included",
            roles=("analyst",),
        ),
    ),
    web="rapport.capabilities.lake.web:WEB",
    commands=COMMANDS,
)
