"""A small town's past, generated once for all tests of the room."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rapport.kernel.clock import DAY, from_iso
from rapport.world.messages import Delivery
from rapport.world.timeline import Town, World

NOW = from_iso("2025-11-20T12:00:00Z")


@dataclass(frozen=True)
class Past:
    world: World
    deliveries: list[Delivery]

    @property
    def firsts(self) -> list[Delivery]:
        """Without second copies of the same message, in the order in which they happened."""
        seen: dict[str, Delivery] = {}
        for delivery in self.deliveries:
            seen.setdefault(delivery.message["messageId"], delivery)
        return sorted(seen.values(), key=lambda delivery: delivery.occurred_at)


@pytest.fixture(scope="package")
def past() -> Past:
    world = World(Town.until(NOW, seed=7, people=500, days=90))
    return Past(world, list(world.history(NOW + 7 * DAY)))
