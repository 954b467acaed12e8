"""What supply brings: locations and levels from facts, and the rule that nothing is offered which cannot be had."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.supply import store
from rapport.capabilities.supply.facts import FACT_KINDS
from rapport.capabilities.supply.service import barred
from rapport.capabilities.supply.settings import SUPPLY_SETTINGS
from rapport.capabilities.supply.stage import stage
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.decide.model import PRODUCT, EligibilityRule
from rapport.kernel.work import Retelling
from rapport.web.permissions import Permission

__all__ = ["SUPPLY"]

SUPPLY = Slice(
    name="supply",
    title="Stock",
    facts=FACT_KINDS,
    stage=stage,
    retelling=Retelling(version=2),  # 2: levels say whether they are net
    eligibility=(
        EligibilityRule(
            name="can_be_had", title="Can be handed over where the customer is", order=300, barred=barred,
            kinds=(PRODUCT,),
        ),
    ),
    holds=(
        of_shop(store.locations, "places where goods lie, and what they do"),
        of_shop(store.bundles, "what bundles are made of"),
        of_shop(store.levels, "how much of each product lies where"),
    ),
    migrations=Path(__file__).parent / "migrations",
    settings=SUPPLY_SETTINGS,
    permissions=(
        Permission(
            name="supply:read", words="see stock and locations", roles=("marketer", "agent", "analyst"), people=False
        ),
        Permission(name="supply:write", words="state stock and locations", people=False),
    ),
    web="rapport.capabilities.supply.web:WEB",
)  # fmt: skip
