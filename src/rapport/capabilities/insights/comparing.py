"""Two journey maps held against each other: which ways the customers of one go more often than those of the other.

Compared are shares of customers, not of visits: somebody who goes a way ten times is one. As many ways are compared,
a share of the differences would be chance: which are surely none is by Benjamini and Hochberg's procedure
(`patterns.accepted`). Who is in both segments is on both sides, which makes differences look smaller, never larger.
No I/O.
"""

from __future__ import annotations

import math

import msgspec

from rapport.capabilities.insights.journey_map import Edge, JourneyMap
from rapport.capabilities.insights.patterns import accepted

__all__ = ["FEWEST", "Difference", "differences"]

FEWEST = 20
"""Customers at the beginning of a way, on either side, from which on it is compared."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A way as the customers of two segments go it."""

    source: str
    target: str
    share: float
    """Of the customers who came to `source`, those who went on to `target`."""
    other_share: float
    customers: int
    other_customers: int
    median_seconds: int | None
    """After so long half had; None where nobody went."""
    other_median_seconds: int | None
    is_sure: bool
    """Whether so large a difference is hardly chance."""


def differences(one: JourneyMap, other: JourneyMap) -> list[Difference]:
    """The ways of either, those that surely differ first, then the largest difference."""
    visitors, others = ({kind.name: kind.customers for kind in each.kinds} for each in (one, other))
    ways, other_ways = ({(edge.source, edge.target): edge for edge in each.edges} for each in (one, other))
    names = [
        name for name in sorted(ways.keys() | other_ways.keys())
        if min(visitors.get(name[0], 0), others.get(name[0], 0)) >= FEWEST
    ]  # fmt: skip
    counts = [(_customers(ways.get(name)), _customers(other_ways.get(name))) for name in names]
    sure = accepted([
        _chance(here, visitors[source], there, others[source])
        for (source, _), (here, there) in zip(names, counts, strict=True)
    ])  # fmt: skip
    found = [
        Difference(
            source=source, target=target, share=round(here / visitors[source], 6),
            other_share=round(there / others[source], 6), customers=here, other_customers=there,
            median_seconds=_median(ways.get((source, target))),
            other_median_seconds=_median(other_ways.get((source, target))), is_sure=number in sure,
        )
        for number, ((source, target), (here, there)) in enumerate(zip(names, counts, strict=True))
    ]  # fmt: skip
    return sorted(
        found, key=lambda way: (not way.is_sure, -abs(way.share - way.other_share), way.source, way.target)
    )  # fmt: skip


def _customers(edge: Edge | None) -> int:
    return 0 if edge is None else edge.customers


def _median(edge: Edge | None) -> int | None:
    return None if edge is None else edge.median_seconds


def _chance(here: int, of: int, there: int, of_other: int) -> float:
    """How likely two shares differ so much by chance (two-sided, pooled).

    >>> round(_chance(30, 100, 10, 100), 4), _chance(5, 50, 10, 100), _chance(0, 50, 0, 50)
    (0.0004, 1.0, 1.0)
    """
    pooled = (here + there) / (of + of_other)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_other))
    return math.erfc(abs(here / of - there / of_other) / error / math.sqrt(2)) if error else 1.0
