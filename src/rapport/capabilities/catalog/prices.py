"""What a price was before it was reduced: the lowest of the 30 days before the reduction. Pure.

**Source:** Directive 98/6/EC, article 6a: whoever announces a reduction states the lowest price of at least 30 days
*before the reduction*. Of several reductions in a row the last one counts, which no market allows less than.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rapport.kernel.clock import DAY

__all__ = ["LOOKED_BACK", "PricePoint", "Reduction", "reduction_of"]

LOOKED_BACK = 30 * DAY


class PricePoint(NamedTuple):
    """From this time on a piece cost so much, until the next point."""

    at: int
    price_minor: int


class Reduction(NamedTuple):
    """A price that is lower than the one before it."""

    since: int
    prior_minor: int
    """The lowest price of the 30 days before."""
    price_minor: int

    @property
    def may_be_announced(self) -> bool:
        """Whether the price is below all of those 30 days."""
        return self.price_minor < self.prior_minor


def reduction_of(points: Iterable[PricePoint]) -> Reduction | None:
    """The reduction that the last price is, or None where the price last went up or never changed.

    80, then 100, then 90 is no reduction that may be announced: within the 30 days it cost 80.

    >>> reduction_of([PricePoint(0, 80), PricePoint(10 * DAY, 100), PricePoint(20 * DAY, 90)]).may_be_announced
    False
    >>> reduction_of([PricePoint(0, 80), PricePoint(10 * DAY, 100), PricePoint(45 * DAY, 90)]).prior_minor
    100
    """
    changes: list[PricePoint] = []
    for point in sorted(points):
        if not changes or changes[-1].price_minor != point.price_minor:
            changes.append(point)
    if len(changes) < 2 or changes[-1].price_minor > changes[-2].price_minor:
        return None
    since, now = changes[-1]
    before = changes[:-1]
    lowest = min(
        price for (at, price), ended in zip(before, [p.at for p in changes[1:]], strict=True)
        if ended > since - LOOKED_BACK
    )  # fmt: skip
    return Reduction(since, lowest, now)
