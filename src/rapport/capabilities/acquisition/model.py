"""What advertising cost: statements of a campaign's day, and what follows from costs and what customers left. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import UNKNOWN_CURRENCY
from rapport.remember import inputs

__all__ = ["COSTS_A_FACT", "Cost", "costs_of", "counted", "day_read", "paid_back_after", "said_costs"]

COSTS_A_FACT = 200
_LONG = 120
_MOST_COUNTED = 10**12
_COUNT = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(?:([.,' \u00a0\u202f])[0-9]{3})(?:\1[0-9]{3})*")


class Cost(NamedTuple):
    """What one statement says a campaign cost on one day. The latest by (time, fact) holds."""

    workspace: WorkspaceId
    campaign: str
    platform: str
    """Where it ran (`google`, `meta`), so that two campaigns of one name are two; empty where nobody says."""
    day: int
    """The local start of the day (`measure/days.py`), as the platform calls it."""
    currency: str
    cost_minor: int
    clicks: int | None
    impressions: int | None
    stated_at: int
    fact: str


def costs_of(workspace: WorkspaceId, fact: Fact, currency: str) -> list[Cost]:
    """The costs that a fact states, in the shop's `currency` where it names none; what cannot be read is left out."""
    found = []
    for said in said_costs(fact):
        campaign, day = inputs.text(said.get("campaign"), _LONG), day_read(said.get("day"))
        code = inputs.stated_currency(said) or currency
        minor = inputs.amount(said.get("cost"), code)
        if campaign is None or day is None or minor is None or minor < 0 or code == UNKNOWN_CURRENCY:
            continue
        found.append(Cost(
            workspace, campaign, (inputs.text(said.get("platform"), _LONG) or "").casefold(), day, code, minor,
            counted(said.get("clicks")), counted(said.get("impressions")), fact.received_at, fact.id,
        ))  # fmt: skip
    return found


def said_costs(fact: Fact) -> list[dict[str, Any]]:
    """The statements of a fact: its own properties, or at most `COSTS_A_FACT` under `costs`."""
    several = fact.properties.get("costs")
    if not isinstance(several, list):
        return [fact.properties]
    return [said for said in several[:COSTS_A_FACT] if isinstance(said, dict)]


def day_read(value: object) -> int | None:
    """The local start of a day given as ISO date, a time behind it left aside; None for what is none.

    >>> from rapport.kernel.clock import to_iso
    >>> to_iso(day_read("2026-11-20T10:00:00+02:00"))[:10], day_read("20.11."), day_read("1969-12-31")
    ('2026-11-20', None, None)
    """
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None
    start = int(datetime(found.year, found.month, found.day, tzinfo=UTC).timestamp()) * 1_000_000
    return start if start >= 0 else None


def paid_back_after(left: Iterable[tuple[int, int]], cost: int) -> int | None:
    """Days after their first orders on which what customers had left reached the cost; None where it has not.

    `left` are (days after the first order, minor units left by orders of that age).

    >>> paid_back_after([(0, 30), (40, 50), (90, 40)], 100), paid_back_after([(0, 30)], 100)
    (90, None)
    """
    so_far, by_age = 0, _summed(left)
    for age in sorted(by_age):
        so_far += by_age[age]
        if so_far >= cost:
            return age
    return None


def _summed(pairs: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    found: dict[int, int] = {}
    for key, number in pairs:
        found[key] = found.get(key, 0) + number
    return found


def counted(value: object) -> int | None:
    """How often, given as a number or as text with or without separators of thousands; None for what is no count.

    >>> counted(7), counted("1.234"), counted("1,234,567"), counted("1.5"), counted("--")
    (7, 1234, 1234567, None, None)
    """
    if isinstance(value, str) and len(value) < 24 and _COUNT.fullmatch(value.strip()):
        value = int("".join(sign for sign in value if sign.isdigit()))
    return value if type(value) is int and 0 <= value <= _MOST_COUNTED else None
