"""What fit brings: orders and refunds line by line, and what they say of an item and of a customer."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.fit import store
from rapport.capabilities.fit.stage import stage
from rapport.compose.holding import of_person
from rapport.compose.slice import Slice
from rapport.kernel.work import Retelling
from rapport.web.permissions import Permission

__all__ = ["FIT"]

FIT = Slice(
    name="fit",
    title="Sizes and returns",
    stage=stage,
    retelling=Retelling(version=2),
    unsay=store.unsay,
    holds=(
        of_person(store.bought, "what somebody bought, line by line"),
        of_person(store.came_back, "what of that somebody sent back"),
    ),
    migrations=Path(__file__).parent / "migrations",
    permissions=(
        Permission(
            name="fit:read", words="ask whether an item would be kept, and in which size",
            roles=("marketer", "agent", "analyst"),
        ),
    ),
    web="rapport.capabilities.fit.web:WEB",
)  # fmt: skip
