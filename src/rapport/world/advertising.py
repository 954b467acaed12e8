"""What the shop's advertising cost, as its accounts report it: each campaign by day, paid by the click."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

from rapport.kernel.clock import to_datetime, to_iso
from rapport.world.browsing import CAMPAIGNS
from rapport.world.messages import Delivery

__all__ = ["spend_told"]

_CLICKS = 0.02
"""Of a campaign, by day and person of the town: some lead to a first visit, most to none that anybody sees."""
_LINES = 150
"""Days of campaigns in one message."""


def spend_told(now: int, *, seed: int, people: int, first: int) -> Iterator[Delivery]:
    """What was spent since the moment `first` until yesterday, in pounds; within a day it is the same messages."""
    last = to_datetime(now).date().toordinal()
    costs = [
        _spent(seed, people, day, campaign)
        for day in range(to_datetime(first).date().toordinal(), last)
        for campaign in CAMPAIGNS
    ]  # fmt: skip
    for start in range(0, len(costs), _LINES):
        message = {
            "type": "track", "event": "Campaign Cost Stated", "messageId": f"spend-{last}-{start}",
            "timestamp": to_iso(now), "properties": {"costs": costs[start : start + _LINES]},
        }  # fmt: skip
        yield Delivery(now, now, "store", message, "", 0)


def _spent(seed: int, people: int, day: int, campaign: tuple[str, str, str, str, str, int]) -> dict[str, Any]:
    source, _, name, _, _, pence = campaign
    rng = random.Random(f"{seed}/{day}/{name}")
    clicks = round(people * _CLICKS * (0.5 + rng.random()))
    return {
        "campaign": name, "platform": source, "day": date.fromordinal(day).isoformat(), "clicks": clicks,
        "cost": round(clicks * pence * (0.85 + 0.3 * rng.random())) / 100, "currency": "GBP",
    }  # fmt: skip
