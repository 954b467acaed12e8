"""What acquisition brings: what advertising cost, from facts, and what it brought, as numbers and a page."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.acquisition import metrics, store
from rapport.capabilities.acquisition.facts import FACT_KINDS
from rapport.capabilities.acquisition.service.reckoning import cost_rows, payback_rows
from rapport.capabilities.acquisition.stage import stage
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.kernel.work import Retelling
from rapport.measure.model import Measured
from rapport.web.permissions import Permission

__all__ = ["ACQUISITION"]

ACQUISITION = Slice(
    name="acquisition",
    title="Acquisition",
    facts=FACT_KINDS,
    stage=stage,
    retelling=Retelling(),
    holds=(of_shop(store.costs, "what each campaign cost on each day", mentions=True),),
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(name="campaigns:write", words="state what campaigns cost", roles=("marketer",), people=False),
    ),
    metrics=(
        Measured(metric=metrics.ACQUISITION_COST, read=cost_rows),
        Measured(metric=metrics.PAYBACK, read=payback_rows),
    ),
    web="rapport.capabilities.acquisition.web:WEB",
)  # fmt: skip
