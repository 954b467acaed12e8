"""What goals bring: what each product is expected to bring, in every decision; and the mix a shop wants."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.goals import store
from rapport.capabilities.goals.service.reckoning import RECKONING
from rapport.capabilities.goals.service.scoring import by_goals
from rapport.capabilities.goals.settings import GOALS_SETTINGS
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice
from rapport.decide.model import PRODUCT, Scorer
from rapport.web.permissions import Permission

__all__ = ["GOALS"]

GOALS = Slice(
    name="goals",
    title="Goals",
    scorers=(Scorer(name="goals.mixed", order=800, rate=by_goals, kinds=(PRODUCT,)),),
    jobs=(RECKONING,),
    holds=(of_shop(store.figures, "what showing each product is worth, in figures"),),
    migrations=Path(__file__).parent / "migrations",
    settings=GOALS_SETTINGS,
    permissions=(
        Permission(
            name="goals:read", words="see what products bring and what the order of placements is to bring",
            roles=("marketer", "analyst"), people=False,
        ),
        Permission(name="goals:write", words="change what the order of placements is to bring", roles=("marketer",),
                   people=False),
    ),
    web="rapport.capabilities.goals.web:WEB",
)  # fmt: skip
