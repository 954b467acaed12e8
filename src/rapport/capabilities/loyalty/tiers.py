"""In which tier somebody is: by what they bought or earned, never by what is left of it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from rapport.capabilities.loyalty.programme import Benefit, Programme
from rapport.kernel.clock import DAY

__all__ = ["Progress", "Standing", "benefits_of"]


class Progress(NamedTuple):
    """How far somebody is."""

    tier: str
    """Empty where the programme has none."""
    until: int
    """The tier is kept until then at least; 0 for the first tier."""
    next_tier: str
    missing: int
    """Minor units, orders or points to the next tier; 0 in the last."""

    def way(self, terms: Programme) -> int:
        """How many hundredths of the way to the next tier are done, from nothing on; -1 in the last."""
        found = terms.tier_named(self.next_tier)
        if found is None or found.at <= 0:
            return -1
        return max(0, min(99, 100 * (found.at - self.missing) // found.at))


class _Counted(NamedTuple):
    at: int
    minor: int
    points: int
    is_kept: bool


class Standing:
    """What somebody's orders have reached, told one after another in the order of their times."""

    def __init__(self) -> None:
        self._orders: list[_Counted] = []
        self._reached: list[tuple[int, int, int]] = []
        """At an order: when, the threshold of the tier it reached, until when that is kept."""

    @property
    def orders(self) -> int:
        """How many orders there were."""
        return len(self._orders)

    def add(self, terms: Programme, at: int, *, minor: int, points: int, kept: bool) -> None:
        """One more order, not earlier than the last."""
        self._orders.append(_Counted(at, minor, points, kept))
        reached = self._threshold(terms, self._sum(terms, at))
        self._reached.append((at, reached, at + terms.tier_keep_days * DAY))

    def tier_at(self, terms: Programme, at: int) -> str:
        """The name of the tier at a time; empty where the programme has none."""
        return self.progress_at(terms, at).tier

    def progress_at(self, terms: Programme, at: int) -> Progress:
        """The tier at a time, until when, and what is missing to the next."""
        if not terms.tiers:
            return Progress("", 0, "", 0)
        held = [(reached, until) for when, reached, until in self._reached if when <= at < until]
        best = max((reached for reached, _ in held), default=0)
        tier = max((t for t in terms.tiers if t.at <= best), key=lambda t: t.at)
        until = max((u for reached, u in held if reached >= tier.at and tier.at > 0), default=0)
        above = [t for t in terms.tiers if t.at > tier.at]
        if not above:
            return Progress(tier.name, until, "", 0)
        missing = max(0, above[0].at - self._sum(terms, at))
        border = 1 if terms.counting.border == "above" else 0
        return Progress(tier.name, until, above[0].name, missing + border)

    def _sum(self, terms: Programme, at: int) -> int:
        since = at - terms.tier_window_days * DAY
        within = [one for one in self._orders if since < one.at <= at]
        if terms.tiers_by == "orders":
            return sum(one.is_kept for one in within)
        return sum(one.points if terms.tiers_by == "points" else one.minor for one in within)

    @staticmethod
    def _threshold(terms: Programme, reached: int) -> int:
        is_above = terms.counting.border == "above"
        return max((t.at for t in terms.tiers if t.at == 0 or (reached > t.at if is_above else reached >= t.at)),
                   default=0)  # fmt: skip


def benefits_of(terms: Programme, tier: str, plans: Collection[str]) -> list[Benefit]:
    """What a tier and the memberships bring together."""
    found = terms.tier_named(tier)
    return [
        *(found.benefits if found else ()),
        *(b for plan in terms.plans if plan.name in plans for b in plan.benefits),
    ]
