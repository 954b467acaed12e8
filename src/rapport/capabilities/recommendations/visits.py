"""Whole visits as the log tells them: which products somebody met one after the other, oldest visit first.

Read in one pass over the log with bounded memory: a step is forty bytes, and only the newest are kept. Beside it stand
its surroundings; of place and weather, which no page tells, those that the visit's latest decision was asked in.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import numpy as np

from rapport.capabilities.recommendations.learning.rows import Bools, Ints, Longs
from rapport.capabilities.recommendations.model import PAUSE
from rapport.capabilities.recommendations.surroundings import NOWHERE, Surroundings, said_by, surroundings_of
from rapport.decide.facts import DECISION_MADE
from rapport.decide.products import product_ids_of
from rapport.kernel.clock import DAY, SECOND, zone_named
from rapport.kernel.facts import name_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.inputs import ReadingSettings
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.workspaces import workspace_of

__all__ = ["MOST_STEPS", "Visits", "read_visits"]

MOST_STEPS = 2_000_000
"""The newest; what is learnt from them needs about a gigabyte."""

LEARNT_FROM = 365 * DAY
LONGEST = 200
"""Steps of one visit; whoever takes more is no shopper but a machine."""

TOLD = frozenset({"Product Viewed", "Product Added"})

MOST_AROUNDS = 60_000
_SAME_PAGE = 30 * SECOND

_CHUNK = 5_000
_ASKED = 1_000

May = Callable[[Collection[Key]], Collection[Key]]
"""Those of the strands whose visits may be learnt from."""


class Visits(NamedTuple):
    """Whole visits, the one that ended first in front."""

    products: list[str]
    """By number."""
    sessions: list[list[int]]
    arounds: list[list[Surroundings]]
    """Of each step of each visit."""
    ended_at: Longs
    left_out: int
    """Visits of people that may not be learnt from."""

    def before(self, moment: int) -> int:
        """How many of them had ended by then."""
        return int(np.searchsorted(self.ended_at, moment, side="right"))


class _Arounds:
    """Surroundings by number, each once; of more than are kept nothing is known."""

    def __init__(self) -> None:
        self.all: list[Surroundings] = [NOWHERE]
        self._numbers: dict[Surroundings, int] = {NOWHERE: 0}

    def number(self, around: Surroundings) -> int:
        found = self._numbers.get(around)
        if found is None:
            if len(self.all) >= MOST_AROUNDS:
                return 0
            found = self._numbers[around] = len(self.all)
            self.all.append(around)
        return found


class _Steps:
    """Steps as they are read: whose, when, what."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.high, self.low, self.at, self.item = array("Q"), array("Q"), array("q"), array("l")
        self.around = array("l")
        self.numbers: dict[str, int] = {}

    def add(self, strand: bytes, at: int, product_id: str, around: int) -> None:
        self.around.append(around)
        self.high.append(int.from_bytes(strand[:8], "big"))
        self.low.append(int.from_bytes(strand[8:16], "big"))
        self.at.append(at)
        self.item.append(self.numbers.setdefault(product_id, len(self.numbers)))
        if len(self.at) >= 2 * self.most:
            self._forget()

    def _forget(self) -> None:
        kept = np.sort(np.argsort(np.asarray(self.at), kind="stable")[-self.most :])
        for name in ("high", "low", "at", "item", "around"):
            old = getattr(self, name)
            setattr(self, name, array(old.typecode, np.asarray(old)[kept].tobytes()))


def read_visits(
    db: Database, workspace: WorkspaceId, *, now: int, may: May, most: int = MOST_STEPS,
    tell: Callable[[float], None] = lambda share: None,
) -> Visits:  # fmt: skip
    """The visits of a shop within a year, at most so many steps. `tell` hears how much of the log is read."""
    steps, asked, arounds = _Steps(most), _Steps(most), _Arounds()
    with db.read() as conn:
        shop = workspace_of(conn, workspace).settings
    zone, settings = zone_named(shop.time_zone), ReadingSettings(currency=shop.currency, region=shop.region)
    for row in _rows(db, tell):
        if row.workspace != workspace or row.occurred_at < now - LEARNT_FROM:
            continue
        name = name_of(row.body)
        if name in TOLD:
            fact = log.to_fact(row)
            for product_id in product_ids_of(fact)[:1]:
                around = surroundings_of(row.occurred_at, zone, said_by(fact, settings))
                steps.add(row.strand, row.occurred_at, product_id, arounds.number(around))
        elif name == DECISION_MADE:
            said = log.to_fact(row).properties.get("context")
            around = surroundings_of(row.occurred_at, zone, said if isinstance(said, dict) else {})
            if around.place or around.weather:
                asked.add(row.strand, row.occurred_at, "", arounds.number(around))
    for one in (steps, asked):
        if len(one.at) > most:
            one._forget()
    return _visits(steps, may, _AskedIn(asked, arounds))


class _AskedIn:
    """What the decisions of somebody's visits were asked in, for the steps that followed."""

    def __init__(self, asked: _Steps, arounds: _Arounds) -> None:
        self._arounds = arounds
        self._of: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for high, low, at, around in zip(asked.high, asked.low, asked.at, asked.around, strict=True):
            self._of.setdefault((high, low), []).append((at, around))
        for told in self._of.values():
            told.sort()

    def step(self, high: int, low: int, at: int, around: int) -> Surroundings:
        """The surroundings of a step: its own, and place and weather of the latest decision within a PAUSE of it.

        A decision is asked while the page loads whose view is stated, so one of the same moments counts too.
        """
        own, told = self._arounds.all[around], self._of.get((high, low))
        if not told:
            return own
        latest = bisect_right(told, (at + _SAME_PAGE, len(self._arounds.all))) - 1
        if latest < 0 or told[latest][0] < at - PAUSE:
            return own
        other = self._arounds.all[told[latest][1]]
        return own._replace(place=own.place or other.place, weather=own.weather or other.weather)


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


def _visits(steps: _Steps, may: May, asked: _AskedIn) -> Visits:
    if not steps.at:
        return Visits([], [], [], np.zeros(0, dtype=np.int64), 0)
    high, low, at = np.asarray(steps.high), np.asarray(steps.low), np.asarray(steps.at)
    order = np.lexsort((at, low, high))
    high, low, at, item = high[order], low[order], at[order], np.asarray(steps.item)[order]
    around = np.asarray(steps.around)[order]
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1]) | (at[1:] - at[:-1] > PAUSE)
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(at)))
    allowed = _allowed(high[starts], low[starts], may)
    kept = np.flatnonzero(allowed & (lengths <= LONGEST))
    ended_at = at[starts[kept] + lengths[kept] - 1].astype(np.int64)
    kept = kept[np.argsort(ended_at, kind="stable")]
    sessions: list[list[int]] = []
    arounds: list[list[Surroundings]] = []
    for one in kept.tolist():
        span = np.arange(starts[one], starts[one] + lengths[one])
        span = span[_moved(item[span])]
        sessions.append(item[span].tolist())
        told = (column[span].tolist() for column in (high, low, at, around))
        arounds.append([asked.step(*step) for step in zip(*told, strict=True)])
    met = np.unique(np.fromiter((one for session in sessions for one in session), dtype=np.int64))
    places = {int(number): place for place, number in enumerate(met)}
    names = list(steps.numbers)
    return Visits(
        products=[names[number] for number in met],
        sessions=[[places[number] for number in session] for session in sessions],
        arounds=arounds,
        ended_at=np.sort(ended_at),
        left_out=int((~allowed).sum()),
    )


def _moved(items: Ints) -> Bools:
    """Without what was looked at twice running: a page loaded again is no step."""
    moved = np.ones(len(items), dtype=bool)
    moved[1:] = items[1:] != items[:-1]
    return moved


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
