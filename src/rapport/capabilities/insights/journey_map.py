"""Journeys as a directly-follows graph: which touchpoint comes after which, how often, how long after, and where they
end. No I/O.

A *journey* is what one customer did without a break that is longer than is asked for; the same kind of touchpoint
twice in a row is one visit of it. Of each kind: visits = ways on + ends, whatever the detail, for kinds that are not
told apart are folded into one before anything is counted (`told_apart`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import msgspec

from rapport.capabilities.insights.touchpoints import OTHER
from rapport.kernel.clock import SECOND

__all__ = [
    "Edge",
    "Journey",
    "JourneyMap",
    "Kind",
    "Point",
    "Variant",
    "folded",
    "frequent",
    "journeys_of",
    "map_of",
    "roots_of",
    "told_apart",
]

ALWAYS = "Order"
"""Told apart at any detail."""

LONGEST_VARIANT = 12
"""Touchpoints of a variant that are told; of a longer one its first."""

MOST_VARIANTS = 20


class Point(NamedTuple):
    """One touchpoint of somebody; points come by customer, and in the order of time."""

    root: bytes
    at: int
    kind: str


class Visit(NamedTuple):
    """A kind of touchpoint, from when to when."""

    kind: str
    began_at: int
    ended_at: int


class Journey(NamedTuple):
    """What one customer did in one go."""

    root: bytes
    visits: Sequence[Visit]

    def has(self, kind: str) -> bool:
        """Whether it came through this kind."""
        return any(visit.kind == kind for visit in self.visits)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of touchpoint. `visits` = the counts of its edges + `ends`."""

    name: str
    visits: int
    customers: int
    starts: int
    """Journeys that begin with it."""
    ends: int
    """Journeys that end with it."""
    drop_off: float
    """`ends` of `visits`."""
    place: float
    """Where it lies in journeys of several touchpoints on average, from 0 (their beginning) to 1."""


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """From one kind to the one that follows it."""

    source: str
    target: str
    times: int
    customers: int
    share: float
    """Of the visits of its source."""
    median_seconds: int
    p90_seconds: int
    """After so long half, and nine tenths, had gone this way."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One course of journeys."""

    kinds: list[str]
    """The first twelve."""
    longer: bool
    journeys: int
    customers: int


class JourneyMap(msgspec.Struct, frozen=True, kw_only=True):
    """All journeys together."""

    journeys: int
    customers: int
    kinds: list[Kind]
    edges: list[Edge]
    variants: list[Variant]


def journeys_of(points: Iterable[Point], *, apart: int) -> Iterator[Journey]:
    """The journeys, broken where nothing happens for longer than `apart` microseconds."""
    for root, of_root in groupby(points, key=lambda point: point.root):
        visits: list[Visit] = []
        for point in of_root:
            if visits and point.at - visits[-1].ended_at > apart:
                yield Journey(root, visits)
                visits = []
            _visit(visits, Visit(point.kind, point.at, point.at))
        yield Journey(root, visits)


def _visit(visits: list[Visit], one: Visit) -> None:
    """Go on to it, or stay where it is of the same kind."""
    if visits and visits[-1].kind == one.kind:
        visits[-1] = visits[-1]._replace(ended_at=one.ended_at)
    else:
        visits.append(one)


def told_apart(journeys: Iterable[Journey], kinds: int) -> list[Journey]:
    """The same journeys with the most frequent kinds, and the order, told apart, all others as one."""
    held = list(journeys)
    return folded(held, frequent(held, kinds))


def frequent(journeys: Iterable[Journey], kinds: int) -> frozenset[str]:
    """The kinds that are told apart where so many are: the most frequent, and the order."""
    found = Counter(visit.kind for journey in journeys for visit in journey.visits)
    if len(found) <= kinds:
        return frozenset(found)
    ranked = sorted(found, key=lambda kind: (kind != ALWAYS, -found[kind], kind))
    return frozenset(ranked[: kinds - 1])


def folded(journeys: Iterable[Journey], known: frozenset[str]) -> list[Journey]:
    """The same journeys with these kinds told apart, all others as one."""
    found = []
    for journey in journeys:
        visits: list[Visit] = []
        for visit in journey.visits:
            _visit(visits, visit if visit.kind in known else visit._replace(kind=OTHER))
        found.append(Journey(journey.root, visits))
    return found


class _Counted:
    """What is counted while journeys go by."""

    def __init__(self) -> None:
        self.visits: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.places: defaultdict[str, float] = defaultdict(float)
        self.placed: Counter[str] = Counter()
        self.customers: defaultdict[str, set[bytes]] = defaultdict(set)
        self.gaps: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.on_edge: defaultdict[tuple[str, str], set[bytes]] = defaultdict(set)
        self.variants: Counter[tuple[str, ...]] = Counter()
        self.on_variant: defaultdict[tuple[str, ...], set[bytes]] = defaultdict(set)
        self.everybody: set[bytes] = set()

    def add(self, journey: Journey) -> None:
        root, visits = journey.root, journey.visits
        self.everybody.add(root)
        for number, visit in enumerate(visits):
            self.visits[visit.kind] += 1
            self.customers[visit.kind].add(root)
            if len(visits) > 1:
                self.places[visit.kind] += number / (len(visits) - 1)
                self.placed[visit.kind] += 1
        self.starts[visits[0].kind] += 1
        self.ends[visits[-1].kind] += 1
        for one, following in pairwise(visits):
            self.gaps[one.kind, following.kind].append(following.began_at - one.ended_at)
            self.on_edge[one.kind, following.kind].add(root)
        course = tuple(visit.kind for visit in visits)[: LONGEST_VARIANT + 1]
        self.variants[course] += 1
        self.on_variant[course].add(root)


def map_of(journeys: Iterable[Journey]) -> JourneyMap:
    """Count journeys. Cost: that of their touchpoints."""
    counted = _Counted()
    for journey in journeys:
        counted.add(journey)
    return JourneyMap(
        journeys=sum(counted.starts.values()), customers=len(counted.everybody), kinds=_kinds(counted),
        edges=_edges(counted), variants=_variants(counted),
    )  # fmt: skip


def _kinds(counted: _Counted) -> list[Kind]:
    ranked = sorted(counted.visits.items(), key=lambda pair: (-pair[1], pair[0]))
    return [
        Kind(
            name=name, visits=visits, customers=len(counted.customers[name]), starts=counted.starts[name],
            ends=counted.ends[name], drop_off=round(counted.ends[name] / visits, 6),
            place=round(counted.places[name] / counted.placed[name], 6) if counted.placed[name] else 0.5,
        )
        for name, visits in ranked
    ]  # fmt: skip


def _edges(counted: _Counted) -> list[Edge]:
    ranked = sorted(counted.gaps.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    found = []
    for (source, target), gaps in ranked:
        gaps.sort()
        found.append(Edge(
            source=source, target=target, times=len(gaps), customers=len(counted.on_edge[source, target]),
            share=round(len(gaps) / counted.visits[source], 6), median_seconds=_quantile(gaps, 1, 2),
            p90_seconds=_quantile(gaps, 9, 10),
        ))  # fmt: skip
    return found


def _quantile(ordered: Sequence[int], above: int, below: int) -> int:
    """The smallest value that this share (`above` of `below`) does not exceed, in whole seconds."""
    return ordered[(len(ordered) * above + below - 1) // below - 1] // SECOND


def _variants(counted: _Counted) -> list[Variant]:
    ranked = sorted(counted.variants.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_VARIANTS]
    return [
        Variant(
            kinds=list(course[:LONGEST_VARIANT]), longer=len(course) > LONGEST_VARIANT, journeys=number,
            customers=len(counted.on_variant[course]),
        )
        for course, number in ranked
    ]  # fmt: skip


def roots_of(journeys: Iterable[Journey], *, source: str = "", target: str = "", ended: bool = False) -> list[bytes]:
    """The customers who came through `source`, who went on from it to `target`, or whose journey `ended` there."""
    wanted: Callable[[Journey], bool]
    if target:
        wanted = lambda one: any((a.kind, b.kind) == (source, target) for a, b in pairwise(one.visits))  # noqa: E731
    elif ended:
        wanted = lambda one: one.visits[-1].kind == source  # noqa: E731
    else:
        wanted = lambda one: not source or one.has(source)  # noqa: E731
    return sorted({journey.root for journey in journeys if wanted(journey)})
