"""From what people looked at and bought one after another to counts of which products go together. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, Literal, NamedTuple

import msgspec

from rapport.capabilities.recommendations.surroundings import NOWHERE, WEEK, Surroundings, moments_of
from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.ids import WorkspaceId

__all__ = [
    "BOUGHT_WEIGHT",
    "PAUSE",
    "RECENT",
    "VISIT",
    "Counts",
    "Neighbour",
    "Pair",
    "Recent",
    "Step",
    "StepKind",
    "Steps",
    "follow",
    "running_visit",
    "similarity",
]

RECENT = 10
"""Products a strand's next one is paired with."""

VISIT = DAY
"""Two products belong together if one person met them within this time."""

PAUSE = 30 * MINUTE
"""After so long without a step a visit has ended."""

BOUGHT_WEIGHT = 3
"""How many common visits one common order counts for."""

_SHRINKAGE = 5
"""Added to each product's own count, so that a pair seen once is no certainty."""

_BASKET = 20
"""Products of one order that are paired with each other."""

_AGAIN = 4
"""Times that are remembered of a product somebody came back to."""

StepKind = Literal["viewed", "added", "bought"]
_LEVEL: dict[StepKind, int] = {"viewed": 1, "added": 2, "bought": 3}


class Recent(msgspec.Struct, array_like=True, gc=False):
    """A product somebody met lately, and how far they went with it: 1 viewed, 2 added to the cart, 3 bought."""

    product_id: str
    at: int
    level: int
    before: list[int] = []
    """When it was met earlier, with others in between; the newest few."""


class Step(NamedTuple):
    """Somebody met products."""

    workspace: WorkspaceId
    strand: bytes
    kind: StepKind
    at: int
    product_ids: Sequence[str]
    fact: str = ""
    order_id: str = ""
    """Of `bought`, where the fact says it: an order that two systems report is one."""
    said: Mapping[str, Any] = {}
    """What the fact says of its surroundings."""
    around: Surroundings = NOWHERE


class Pair(NamedTuple):
    """Two products, in the order of their ids."""

    workspace: WorkspaceId
    product: str
    other: str


class Counts(NamedTuple):
    """How often something was viewed, added and bought."""

    viewed: int = 0
    added: int = 0
    bought: int = 0


class Neighbour(NamedTuple):
    """A product that goes with another, and how often they were met together."""

    product_id: str
    viewed: int
    bought: int
    popularity: int
    """The product's own: how often it was viewed, and bought times BOUGHT_WEIGHT."""

    @property
    def weight(self) -> int:
        return self.viewed + BOUGHT_WEIGHT * self.bought


class Steps(NamedTuple):
    """What a batch of steps adds to the counts."""

    pairs_viewed: Counter[Pair]
    pairs_bought: Counter[Pair]
    viewed: Counter[tuple[WorkspaceId, str]]
    added: Counter[tuple[WorkspaceId, str]]
    bought: Counter[tuple[WorkspaceId, str]]
    moments: Counter[tuple[WorkspaceId, str, int, str]]
    """Meetings by shop, key of a moment, week and product."""


def follow(steps: Iterable[Step], recents: Mapping[tuple[WorkspaceId, bytes], list[Recent]]) -> Steps:
    """Count the steps and move each strand's recent products on; `recents` must hold a list for every strand.

    A product met again within a visit counts once. Cost: at most RECENT pairs a step.
    """
    found = Steps(Counter(), Counter(), Counter(), Counter(), Counter(), Counter())
    for step in steps:
        recent = recents[step.workspace, step.strand]
        if step.kind == "bought":
            _buy(step, recent, found)
        else:
            for product_id in step.product_ids:
                _meet(step, product_id, recent, found)
    return found


def similarity(weight: int, count: int, other_count: int) -> float:
    """How strongly two products go together, from 0: common visits over the geometric mean of each one's own.

    **Source:** cosine of item vectors (Sarwar and others, WWW 2001), shrunk as in Koren & Bell (2011).
    """
    return weight / sqrt((count + _SHRINKAGE) * (other_count + _SHRINKAGE))


def running_visit(recents: Iterable[Recent]) -> list[str]:
    """The products of somebody's latest visit in the order they were met; those they came back to more than once."""
    met = sorted({(at, entry.product_id) for entry in recents for at in (*entry.before, entry.at)}, reverse=True)
    visit: list[str] = []
    last = met[0][0] if met else 0
    for at, product_id in met:
        if last - at > PAUSE:
            break
        last = at
        if not visit or visit[-1] != product_id:
            visit.append(product_id)
    return visit[::-1]


def _meet(step: Step, product_id: str, recent: list[Recent], found: Steps) -> None:
    known = _find(recent, product_id)
    level = _LEVEL[step.kind]
    fresh = known is None or abs(step.at - known.at) > VISIT
    if fresh:
        found.viewed[step.workspace, product_id] += 1
        _meet_then(step, product_id, 1, found)
        for other in recent:
            if abs(step.at - other.at) <= VISIT and other.product_id != product_id:
                found.pairs_viewed[_pair(step.workspace, product_id, other.product_id)] += 1
    if level == 2 and (fresh or known is None or known.level < 2):
        found.added[step.workspace, product_id] += 1
    _remember(recent, known, product_id, step.at, level if fresh or known is None else max(level, known.level))


def _meet_then(step: Step, product_id: str, number: int, found: Steps) -> None:
    for moment in moments_of(step.around):
        found.moments[step.workspace, moment.key, step.at // WEEK, product_id] += number


def _buy(step: Step, recent: list[Recent], found: Steps) -> None:
    basket = list(dict.fromkeys(step.product_ids))[:_BASKET]
    for position, product_id in enumerate(basket):
        found.bought[step.workspace, product_id] += 1
        _meet_then(step, product_id, BOUGHT_WEIGHT, found)
        for other in basket[:position]:
            found.pairs_bought[_pair(step.workspace, product_id, other)] += 1
    for product_id in basket[-RECENT:]:
        _remember(recent, _find(recent, product_id), product_id, step.at, 3)


def _remember(recent: list[Recent], known: Recent | None, product_id: str, at: int, level: int) -> None:
    before: list[int] = []
    if known is not None:
        before = known.before if recent[-1] is known else [*known.before, known.at][-_AGAIN:]
        recent.remove(known)
        at = max(at, known.at)
    recent.append(Recent(product_id, at, level, before))
    del recent[:-RECENT]


def _find(recent: list[Recent], product_id: str) -> Recent | None:
    for entry in recent:
        if entry.product_id == product_id:
            return entry
    return None


def _pair(workspace: WorkspaceId, product: str, other: str) -> Pair:
    return Pair(workspace, product, other) if product < other else Pair(workspace, other, product)
