"""Whole visits as the log tells them: which products somebody met one after the other, oldest visit first.

Read in one pass over the log with bounded memory: a step is twenty-four bytes, and only the newest are kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import numpy as np

from rapport.capabilities.recommendations.learning.rows import Bools, Ints, Longs
from rapport.capabilities.recommendations.model import PAUSE
from rapport.decide.products import product_ids_of
from rapport.kernel.clock import DAY
from rapport.kernel.facts import name_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log
from rapport.storage.engine import Database

__all__ = ["MOST_STEPS", "Visits", "read_visits"]

MOST_STEPS = 2_000_000
"""The newest; what is learnt from them needs about a gigabyte."""

LEARNT_FROM = 365 * DAY
LONGEST = 200
"""Steps of one visit; whoever takes more is no shopper but a machine."""

TOLD = frozenset({"Product Viewed", "Product Added"})

_CHUNK = 5_000
_ASKED = 1_000

May = Callable[[Collection[Key]], Collection[Key]]
"""Those of the strands whose visits may be learnt from."""


class Visits(NamedTuple):
    """Whole visits, the one that ended first in front."""

    products: list[str]
    """By number."""
    sessions: list[list[int]]
    ended_at: Longs
    left_out: int
    """Visits of people that may not be learnt from."""

    def before(self, moment: int) -> int:
        """How many of them had ended by then."""
        return int(np.searchsorted(self.ended_at, moment, side="right"))


class _Steps:
    """Steps as they are read: whose, when, what."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.high, self.low, self.at, self.item = array("Q"), array("Q"), array("q"), array("l")
        self.numbers: dict[str, int] = {}

    def add(self, strand: bytes, at: int, product_id: str) -> None:
        self.high.append(int.from_bytes(strand[:8], "big"))
        self.low.append(int.from_bytes(strand[8:16], "big"))
        self.at.append(at)
        self.item.append(self.numbers.setdefault(product_id, len(self.numbers)))
        if len(self.at) >= 2 * self.most:
            self._forget()

    def _forget(self) -> None:
        kept = np.sort(np.argsort(np.asarray(self.at), kind="stable")[-self.most :])
        for name in ("high", "low", "at", "item"):
            old = getattr(self, name)
            setattr(self, name, array(old.typecode, np.asarray(old)[kept].tobytes()))


def read_visits(
    db: Database, workspace: WorkspaceId, *, now: int, may: May, most: int = MOST_STEPS,
    tell: Callable[[float], None] = lambda share: None,
) -> Visits:  # fmt: skip
    """The visits of a shop within a year, at most so many steps. `tell` hears how much of the log is read."""
    steps = _Steps(most)
    for row in _rows(db, tell):
        if row.workspace == workspace and name_of(row.body) in TOLD and row.occurred_at >= now - LEARNT_FROM:
            for product_id in product_ids_of(log.to_fact(row))[:1]:
                steps.add(row.strand, row.occurred_at, product_id)
    if len(steps.at) > most:
        steps._forget()
    return _visits(steps, may)


def _rows(db: Database, tell: Callable[[float], None]) -> Iterator[log.StoredRow]:
    with db.read() as conn:
        newest, after = log.newest_seq(conn), 0
    while after < newest:
        with db.read() as conn:  # short transactions: a long one would hold up vacuum and checkpoints
            rows = log.read_after(conn, after=after, upto=newest, buckets=None, limit=_CHUNK)
        if not rows:
            break
        yield from rows
        after = rows[-1].seq
        tell(after / newest)


def _visits(steps: _Steps, may: May) -> Visits:
    if not steps.at:
        return Visits([], [], np.zeros(0, dtype=np.int64), 0)
    high, low, at = np.asarray(steps.high), np.asarray(steps.low), np.asarray(steps.at)
    order = np.lexsort((at, low, high))
    high, low, at, item = high[order], low[order], at[order], np.asarray(steps.item)[order]
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1]) | (at[1:] - at[:-1] > PAUSE)
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(at)))
    allowed = _allowed(high[starts], low[starts], may)
    kept = np.flatnonzero(allowed & (lengths <= LONGEST))
    ended_at = at[starts[kept] + lengths[kept] - 1].astype(np.int64)
    kept = kept[np.argsort(ended_at, kind="stable")]
    sessions = [_walked(item[starts[one] : starts[one] + lengths[one]]) for one in kept.tolist()]
    met = np.unique(np.fromiter((one for session in sessions for one in session), dtype=np.int64))
    places = {int(number): place for place, number in enumerate(met)}
    names = list(steps.numbers)
    return Visits(
        products=[names[number] for number in met],
        sessions=[[places[number] for number in session] for session in sessions],
        ended_at=np.sort(ended_at),
        left_out=int((~allowed).sum()),
    )


def _walked(items: Ints) -> list[int]:
    """Without what was looked at twice running: a page loaded again is no step."""
    moved = np.ones(len(items), dtype=bool)
    moved[1:] = items[1:] != items[:-1]
    walked: list[int] = items[moved].tolist()
    return walked


def _allowed(high: Ints, low: Ints, may: May) -> Bools:
    strands = [
        Key(int(one).to_bytes(8, "big") + int(other).to_bytes(8, "big"))
        for one, other in zip(high.tolist(), low.tolist(), strict=True)
    ]  # fmt: skip
    unique = list(dict.fromkeys(strands))
    allowed: set[Key] = set()
    for start in range(0, len(unique), _ASKED):
        allowed |= set(may(unique[start : start + _ASKED]))
    return np.fromiter((strand in allowed for strand in strands), dtype=bool, count=len(strands))
