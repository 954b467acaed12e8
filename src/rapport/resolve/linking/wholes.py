"""How likely it is that all records of a customer are one person: not the mean of the pairs, but the weakest joint.

The strongest pairs that hold all records together are its joints. Each parts the records in two; how sure it is follows
from its own log2 odds and from the mean of all pairs across it, since of ten pairs that could agree nine may be against
it. The joints must all hold, so their probabilities are multiplied. Three numbers are fitted to persons of simulated
shops (seeds 0 to 9 of `world.tables`, persons formed at three bounds), whose truth is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.linking.clusters import CLIP
from rapport.resolve.linking.comparer import Comparer
from rapport.resolve.linking.model import probability
from rapport.resolve.linking.models import active_model
from rapport.resolve.linking.records import fields_among
from rapport.resolve.linking.units import units_of

__all__ = ["Whole", "joints_of", "probability_of_all", "whole_of"]

_MOST = 40
"""Records that are looked at, since all pairs are; a customer of more is told nothing."""
_CONSTANT, _OF_JOINT, _OF_MEAN = -0.83, 0.41, 1.19
"""Bits, and shares of the joint's own log2 odds and of the mean across it."""

Odds = Callable[[int, int], float]
"""Log2 odds of two records by number."""


class Joint(NamedTuple):
    """A pair that holds two groups of records together."""

    a: int
    b: int
    odds: float
    mean: float
    """Of all pairs across it, each clipped."""


class Whole(NamedTuple):
    """What is to be said of all records of a customer together."""

    records: int
    probability: float
    weakest: tuple[Key, Key]
    """The two records by which it hangs together least."""


def whole_of(conn: Connection, workspace: WorkspaceId, root: Key) -> Whole | None:
    """Of a customer of three records or more that a shop's model ties; None of any other. Four statements."""
    units = sorted(units_of(conn, workspace, [root]).get(root, {}))
    if not 3 <= len(units) <= _MOST:
        return None
    active, fields = active_model(conn, workspace), fields_among(conn, workspace, units)
    keys = [unit for unit in units if unit in fields]
    if active is None or not active[1].shop or len(keys) < 3:
        return None
    comparer = Comparer.of_model(active[1])
    prepared = [comparer.prepare(fields[key]) for key in keys]
    joints = joints_of(len(keys), lambda a, b: comparer.cautious(prepared[a], prepared[b]))
    weakest = min(joints, key=_sure)
    return Whole(len(keys), probability_of_all(joints), (keys[weakest.a], keys[weakest.b]))


def probability_of_all(joints: Sequence[Joint]) -> float:
    """That none of the joints is wrong.

    >>> probability_of_all([])
    1.0
    """
    likely = 1.0
    for joint in joints:
        likely *= probability(_sure(joint))
    return likely


def joints_of(records: int, odds: Odds) -> list[Joint]:
    """The strongest pairs that hold all records together, one fewer than records. Looks at every pair once.

    >>> [(joint.a, joint.b) for joint in joints_of(3, lambda a, b: 9.0 if 0 in (a, b) else 1.0)]
    [(0, 1), (0, 2)]
    """
    known = {(a, b): odds(a, b) for a in range(records) for b in range(a + 1, records)}
    ties = _strongest(records, known)
    found = []
    for a, b in ties:
        one = _side_of(a, [tie for tie in ties if tie != (a, b)])
        across = [max(-CLIP, min(CLIP, odds)) for pair, odds in known.items() if (pair[0] in one) != (pair[1] in one)]
        found.append(Joint(a, b, known[a, b], sum(across) / len(across)))
    return found


def _sure(joint: Joint) -> float:
    return _CONSTANT + _OF_JOINT * max(-CLIP, min(CLIP, joint.odds)) + _OF_MEAN * joint.mean


def _strongest(records: int, known: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    group = list(range(records))
    ties = []
    for a, b in sorted(known, key=lambda pair: (-known[pair], pair)):
        if group[a] != group[b]:
            ties.append((a, b))
            before, now = group[b], group[a]
            group = [now if each == before else each for each in group]
    return ties


def _side_of(record: int, ties: Sequence[tuple[int, int]]) -> set[int]:
    """All records that these ties hold together with one."""
    side = {record}
    while more := {end for tie in ties for end in tie if side & set(tie)} - side:
        side |= more
    return side
