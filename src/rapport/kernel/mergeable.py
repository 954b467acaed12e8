"""Mergeable values: what a strand remembers of its facts, small and independent of the order in which they came.

A kind of value knows `zero`, `fold` (one more fact), `merge` (two sets of facts), `trim` (its one canonical form) and
`read`. For every kind, whatever the order and the grouping of distinct facts, the trimmed state is the same:

    trim(fold all of A + B in any order) == trim(merge(fold all of A, fold all of B)) == trim(merge(b, a))

Therefore nothing here adds floats, every container is bounded by a rule that only looks at the whole (the newest n by
`(occurred_at, fact_id)`, the k smallest hashes, a window below the newest time), and ties are broken by
`(occurred_at, fact_id)`. A state is a plain list that MessagePack can hold; `fold` changes it in place and may let a
container grow a quarter above its bound before it trims, so that the bound costs nothing per fact.

A *stamp* is `[occurred_at, fact_id, source]` of the fact that determined the value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from rapport.kernel.clock import DAY, HOUR, MINUTE

__all__ = [
    "EVER",
    "NEVER",
    "Activity",
    "Count",
    "Counted",
    "Decayed",
    "Distinct",
    "First",
    "Histogram",
    "KeyedLatest",
    "Latest",
    "Max",
    "Mergeable",
    "Min",
    "Presence",
    "Recent",
    "Stamp",
    "State",
    "Sum",
    "hash64",
    "wrap64",
]

State = list[Any]
Stamp = list[Any]
"""`[occurred_at, fact_id, source]`."""

NEVER = -(1 << 63)
EVER = (1 << 63) - 1
_HALF = 1 << 63
_FULL = (1 << 64) - 1


@lru_cache(maxsize=65_536)
def hash64(text: str) -> int:
    """64 bits of BLAKE2b of the text: the order in which bounded containers keep their keys."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def wrap64(number: int) -> int:
    """The number in 64 bits with sign, as addition in a register would leave it: exact for any sum that fits, and
    still independent of order where a hostile client makes one that does not.
    """
    return ((number + _HALF) & _FULL) - _HALF


def _keep_smallest(entries: dict[str, Any], limit: int) -> None:
    """Keep the keys with the smallest hashes. A key that is dropped can never come back into the final choice."""
    if len(entries) > limit:
        for key in sorted(entries, key=lambda k: (hash64(k), k))[limit:]:
            del entries[key]


class Mergeable(ABC):
    """One kind of mergeable value. Instances hold settings only; states are passed in."""

    __slots__ = ()

    @abstractmethod
    def zero(self) -> State:
        """A new state that has seen no fact."""

    @abstractmethod
    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        """Take one fact's value into `state`, in place."""

    @abstractmethod
    def merge(self, left: State, right: State) -> State:
        """The state of both sets of facts together, trimmed; the arguments stay as they are."""

    @abstractmethod
    def read(self, state: State) -> Any:
        """The value as plain data, None where there is none. Expects a trimmed state."""

    @abstractmethod
    def stamp(self, state: State) -> Stamp:
        """Which fact determined the value. Expects a trimmed state."""

    def trim(self, state: State) -> State:
        """The canonical form of `state`, in place where possible."""
        return state


def _newer(left: State, right: State, start: int) -> Stamp:
    """The later of the stamps that begin at `start`."""
    a, b = left[start : start + 3], right[start : start + 3]
    return a if (a[0], a[1]) >= (b[0], b[1]) else b


class Count(Mergeable):
    """How many facts. State: `[n, *stamp of the latest]`; the value folded is ignored."""

    __slots__ = ()

    def zero(self) -> State:
        return [0, NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        state[0] += 1
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        return [left[0] + right[0], *_newer(left, right, 1)]

    def read(self, state: State) -> int | None:
        return state[0] or None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


class Sum(Mergeable):
    """Integer totals by unit, such as minor units by currency. Folds `(unit, amount)`.

    State: `[{unit: total}, *stamp of the latest]`; at most `limit` units, those with the smallest hashes.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 64) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [{}, NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: tuple[str, int]) -> None:
        unit, amount = value
        totals = state[0]
        totals[unit] = wrap64(totals.get(unit, 0) + amount)
        if len(totals) > self.limit + self.limit // 4:
            _keep_smallest(totals, self.limit)
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        totals = dict(left[0])
        for unit, amount in right[0].items():
            totals[unit] = wrap64(totals.get(unit, 0) + amount)
        return self.trim([totals, *_newer(left, right, 1)])

    def trim(self, state: State) -> State:
        _keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> dict[str, int] | None:
        return dict(sorted(state[0].items())) or None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


class Min(Mergeable):
    """The smallest integer; among equals the earliest fact. State: `[] | [value, *stamp]`."""

    __slots__ = ()

    def zero(self) -> State:
        return []

    def fold(self, state: State, at: int, fact_id: str, source: str, value: int) -> None:
        if not state or (value, at, fact_id) < (state[0], state[1], state[2]):
            state[:] = (value, at, fact_id, source)

    def merge(self, left: State, right: State) -> State:
        return list(left if not right or (left and left[:3] <= right[:3]) else right)

    def read(self, state: State) -> int | None:
        return state[0] if state else None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


class Max(Min):
    """The largest integer; among equals the earliest fact. State: `[] | [value, *stamp]`."""

    __slots__ = ()

    def fold(self, state: State, at: int, fact_id: str, source: str, value: int) -> None:
        if not state or (-value, at, fact_id) < (-state[0], state[1], state[2]):
            state[:] = (value, at, fact_id, source)

    def merge(self, left: State, right: State) -> State:
        return list(left if not right or (left and (-left[0], *left[1:3]) <= (-right[0], *right[1:3])) else right)


class First(Mergeable):
    """The value of the earliest fact. State: `[*stamp, value]`."""

    __slots__ = ()

    def zero(self) -> State:
        return [EVER, "", "", None]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        if at < state[0] or (at == state[0] and fact_id < state[1]):
            state[:] = (at, fact_id, source, value)

    def merge(self, left: State, right: State) -> State:
        return list(left if (left[0], left[1]) <= (right[0], right[1]) else right)

    def read(self, state: State) -> Any:
        return state[3]

    def stamp(self, state: State) -> Stamp:
        return state[:3]


class Latest(Mergeable):
    """The value of the latest fact among those of the highest rank. Folds `(rank, value)`.

    With the rank a stated address outweighs one guessed from the network, however old. State: `[*stamp, value, rank]`.
    """

    __slots__ = ()

    def zero(self) -> State:
        return [NEVER, "", "", None, -1]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: tuple[int, Any]) -> None:
        rank = value[0]
        if rank == state[4]:
            if at < state[0] or (at == state[0] and fact_id <= state[1]):
                return
        elif rank < state[4]:
            return
        state[:] = (at, fact_id, source, value[1], rank)

    def merge(self, left: State, right: State) -> State:
        return list(left if (left[4], left[0], left[1]) >= (right[4], right[0], right[1]) else right)

    def read(self, state: State) -> Any:
        return state[3]

    def stamp(self, state: State) -> Stamp:
        return state[:3]


class Counted(Mergeable):
    """How often each text occurred; the first one read is the most frequent. Folds a text.

    State: `[{text: [n, *stamp of its latest]}]`; at most `limit` texts, those with the smallest hashes.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 32) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [{}]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: str) -> None:
        counts = state[0]
        entry = counts.get(value)
        if entry is None:
            counts[value] = [1, at, fact_id, source]
            if len(counts) > self.limit + self.limit // 4:
                _keep_smallest(counts, self.limit)
            return
        entry[0] += 1
        if at > entry[1] or (at == entry[1] and fact_id > entry[2]):
            entry[1] = at
            entry[2] = fact_id
            entry[3] = source

    def merge(self, left: State, right: State) -> State:
        counts = {text: list(entry) for text, entry in left[0].items()}
        for text, entry in right[0].items():
            mine = counts.get(text)
            counts[text] = list(entry) if mine is None else [mine[0] + entry[0], *_newer(mine, entry, 1)]
        return self.trim([counts])

    def trim(self, state: State) -> State:
        _keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> list[tuple[str, int]] | None:
        """Texts with their numbers, most frequent first, the more recent of equals first."""
        ranked = sorted(state[0].items(), key=lambda item: (item[1][:3], item[0]), reverse=True)
        return [(text, entry[0]) for text, entry in ranked] or None

    def stamp(self, state: State) -> Stamp:
        entry = max(state[0].values(), key=lambda e: e[:3])
        return list(entry[1:4])


class KeyedLatest(Mergeable):
    """The latest value of each key: flags, wishes, products seen. Folds pairs `(key, value)`.

    State: `[{key: [*stamp, value]}]`; the `limit` keys that were stated last.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [{}]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Iterable[tuple[str, Any]]) -> None:
        entries = state[0]
        for key, content in value:
            entry = entries.get(key)
            if entry is None:
                entries[key] = [at, fact_id, source, content]
                if len(entries) > self.limit + self.limit // 4:
                    _keep_newest_keys(entries, self.limit)
            elif at > entry[0] or (at == entry[0] and fact_id > entry[1]):
                entry[:] = (at, fact_id, source, content)

    def merge(self, left: State, right: State) -> State:
        entries = {key: list(entry) for key, entry in left[0].items()}
        for key, entry in right[0].items():
            mine = entries.get(key)
            if mine is None or (mine[0], mine[1]) < (entry[0], entry[1]):
                entries[key] = list(entry)
        return self.trim([entries])

    def trim(self, state: State) -> State:
        _keep_newest_keys(state[0], self.limit)
        return state

    def read(self, state: State) -> list[tuple[str, Any, int]] | None:
        """`(key, value, occurred_at)`, newest first."""
        ranked = sorted(state[0].items(), key=lambda item: (item[1][0], item[1][1], item[0]), reverse=True)
        return [(key, entry[3], entry[0]) for key, entry in ranked] or None

    def stamp(self, state: State) -> Stamp:
        return list(max(state[0].values(), key=lambda e: (e[0], e[1]))[:3])


def _keep_newest_keys(entries: dict[str, State], limit: int) -> None:
    """Keep the keys with the newest stamps; one fact may state several keys, so the key itself breaks the tie."""
    if len(entries) > limit:
        ranked = sorted(entries, key=lambda k: (entries[k][0], entries[k][1], k))
        for key in ranked[: len(entries) - limit]:
            del entries[key]


class Recent(Mergeable):
    """The newest `limit` values with their stamps. State: `[[*stamp, value], …]`, trimmed oldest first."""

    __slots__ = ("limit",)

    def __init__(self, *, limit: int) -> None:
        self.limit = limit

    def zero(self) -> State:
        return []

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        state.append([at, fact_id, source, value])
        if len(state) > self.limit + self.limit // 4:
            self.trim(state)

    def merge(self, left: State, right: State) -> State:
        return self.trim([*left, *right])

    def trim(self, state: State) -> State:
        state.sort(key=lambda e: (e[0], e[1]))
        del state[: -self.limit]
        return state

    def read(self, state: State) -> list[tuple[Any, int]] | None:
        """`(value, occurred_at)`, newest first."""
        return [(entry[3], entry[0]) for entry in reversed(state)] or None

    def stamp(self, state: State) -> Stamp:
        return list(state[-1][:3])


class Decayed(Mergeable):
    """What somebody likes now: weights by key that halve every `half_life` weeks. Folds pairs `(key, integer weight)`.

    State: `[{week: {key: weight}}, newest week, *stamp of the latest]`. Weights stay integers by week; the decay, in
    fixed-point integers relative to the newest week, happens at reading. Weeks older than `weeks` below the newest are
    dropped; a week keeps at most `limit` keys, those with the smallest hashes (the bound is by week, because a bound
    over all weeks would depend on which weeks had been dropped before).
    """

    __slots__ = ("_decay", "limit", "weeks")

    WEEK = 7 * DAY
    ONE = 1 << 20

    def __init__(self, *, half_life: int = 8, weeks: int = 26, limit: int = 40) -> None:
        self.weeks = weeks
        self.limit = limit
        self._decay = [round(self.ONE * 0.5 ** (age / half_life)) for age in range(weeks + 1)]

    def zero(self) -> State:
        return [{}, NEVER, NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Iterable[tuple[str, int]]) -> None:
        week = at // self.WEEK
        by_week = state[0]
        if week > state[1]:
            state[1] = week
            self._drop_old(by_week, week)
        elif week < state[1] - self.weeks:
            return
        weights = by_week.get(week)
        if weights is None:
            weights = by_week[week] = {}
        for key, weight in value:
            weights[key] = wrap64(weights.get(key, 0) + weight)
        if len(weights) > self.limit + self.limit // 4:
            _keep_smallest(weights, self.limit)
        if at > state[2] or (at == state[2] and fact_id > state[3]):
            state[2] = at
            state[3] = fact_id
            state[4] = source

    def _drop_old(self, by_week: dict[int, dict[str, int]], newest: int) -> None:
        for week in [w for w in by_week if w < newest - self.weeks]:
            del by_week[week]

    def merge(self, left: State, right: State) -> State:
        by_week = {week: dict(weights) for week, weights in left[0].items()}
        for week, weights in right[0].items():
            mine = by_week.setdefault(week, {})
            for key, weight in weights.items():
                mine[key] = wrap64(mine.get(key, 0) + weight)
        return self.trim([by_week, max(left[1], right[1]), *_newer(left, right, 2)])

    def trim(self, state: State) -> State:
        self._drop_old(state[0], state[1])
        for weights in state[0].values():
            _keep_smallest(weights, self.limit)
        return state

    def read(self, state: State) -> list[tuple[str, int]] | None:
        """`(key, score)` with the best first; scores are comparable within one value only."""
        scores: dict[str, int] = {}
        for week, weights in state[0].items():
            decay = self._decay[state[1] - week]
            for key, weight in weights.items():
                scores[key] = scores.get(key, 0) + weight * decay
        ranked = sorted(((key, score) for key, score in scores.items() if score > 0), key=lambda i: (-i[1], i[0]))
        return ranked or None

    def stamp(self, state: State) -> Stamp:
        return state[2:5]


class Distinct(Mergeable):
    """How many different texts: exact up to `limit`, estimated above it from the smallest hashes. Folds a text.

    State: `[[smallest hashes, ascending], *stamp of the latest]`.
    **Source** of the estimate: Bar-Yossef and others 2002, k minimum values, (k - 1) / k-th smallest.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 256) -> None:
        self.limit = limit

    def zero(self) -> State:
        return [[], NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: str) -> None:
        hashes = state[0]
        number = hash64(value)
        place = bisect_left(hashes, number)
        if place < self.limit and (place == len(hashes) or hashes[place] != number):
            hashes.insert(place, number)
            del hashes[self.limit :]
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        return [sorted({*left[0], *right[0]})[: self.limit], *_newer(left, right, 1)]

    def read(self, state: State) -> int | None:
        hashes: Sequence[int] = state[0]
        if len(hashes) < self.limit:
            return len(hashes) or None
        return (self.limit - 1) * (_FULL + 1) // max(1, hashes[-1])

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


class Histogram(Mergeable):
    """How amounts are spread, by unit, in quarter octaves. Folds `(unit, amount)` with amount > 0.

    State: `[{unit: {band: n}}, *stamp of the latest]`; a band is about 19 % wide, so quantiles are within 10 %.
    """

    __slots__ = ("limit",)

    def __init__(self, *, limit: int = 8) -> None:
        self.limit = limit

    @staticmethod
    def band(amount: int) -> int:
        """The band of an amount: four to each doubling, by its three leading bits.

        >>> [Histogram.band(n) for n in (1, 2, 3, 4, 5, 1000, 1200)]
        [0, 4, 6, 8, 9, 39, 40]
        """
        octave = amount.bit_length() - 1
        return octave * 4 + ((amount << 2 >> octave) & 3)

    @staticmethod
    def lower(band: int) -> int:
        """The smallest amount that falls into a band.

        >>> Histogram.lower(39), Histogram.lower(40)
        (896, 1024)
        """
        octave, quarter = divmod(band, 4)
        return -((-(4 + quarter) << octave) // 4)

    def zero(self) -> State:
        return [{}, NEVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: tuple[str, int]) -> None:
        unit, amount = value
        by_unit = state[0]
        bands = by_unit.get(unit)
        if bands is None:
            bands = by_unit[unit] = {}
            if len(by_unit) > self.limit + self.limit // 4:
                _keep_smallest(by_unit, self.limit)
        octave = amount.bit_length() - 1
        band = octave * 4 + ((amount << 2 >> octave) & 3)
        bands[band] = bands.get(band, 0) + 1
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        by_unit = {unit: dict(bands) for unit, bands in left[0].items()}
        for unit, bands in right[0].items():
            mine = by_unit.setdefault(unit, {})
            for band, number in bands.items():
                mine[band] = mine.get(band, 0) + number
        return self.trim([by_unit, *_newer(left, right, 1)])

    def trim(self, state: State) -> State:
        _keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> dict[str, tuple[int, int, int]] | None:
        """By unit, the amounts below which a quarter, a half and three quarters of the facts lie."""
        return {unit: _quartiles(bands) for unit, bands in sorted(state[0].items())} or None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]


def _quartiles(bands: dict[int, int]) -> tuple[int, int, int]:
    total = sum(bands.values())
    found: list[int] = []
    seen = 0
    for band in sorted(bands):
        seen += bands[band]
        while len(found) < 3 and seen * 4 >= total * (len(found) + 1):
            found.append((Histogram.lower(band) + Histogram.lower(band + 1)) // 2)
    return found[0], found[1], found[2]


class Presence(NamedTuple):
    """When somebody was there."""

    visits: int
    first: Stamp
    last: Stamp


class Activity(Mergeable):
    """First and last sign of life, and the visits between: runs of activity with half an hour of silence around them.

    The value folded is ignored. State: `[{hour: mask of its twelve 5-minute slots}, newest hour, *stamp of the last,
    *stamp of the first]`; hours older than `days` below the newest are dropped, so visits are those of that time.
    """

    __slots__ = ("days",)

    SLOT = 5 * MINUTE
    SILENT_SLOTS = 6

    def __init__(self, *, days: int = 400) -> None:
        self.days = days

    def zero(self) -> State:
        return [{}, NEVER, NEVER, "", "", EVER, "", ""]

    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        if at > state[2] or (at == state[2] and fact_id > state[3]):
            state[2] = at
            state[3] = fact_id
            state[4] = source
        if at < state[5] or (at == state[5] and fact_id < state[6]):
            state[5] = at
            state[6] = fact_id
            state[7] = source
        hour = at // HOUR
        newest = state[1]
        if hour > newest:
            state[1] = hour
            if hour // 24 > newest // 24:
                self._drop_old(state)
        elif hour < newest - self.days * 24:
            return
        masks = state[0]
        masks[hour] = masks.get(hour, 0) | 1 << at % HOUR // self.SLOT

    def _drop_old(self, state: State) -> None:
        oldest = state[1] - self.days * 24
        masks = state[0]
        for hour in [h for h in masks if h < oldest]:
            del masks[hour]

    def merge(self, left: State, right: State) -> State:
        masks = dict(left[0])
        for hour, mask in right[0].items():
            masks[hour] = masks.get(hour, 0) | mask
        first = min(left[5:8], right[5:8])
        return self.trim([masks, max(left[1], right[1]), *_newer(left, right, 2), *first])

    def trim(self, state: State) -> State:
        self._drop_old(state)
        return state

    @staticmethod
    def span(state: State) -> tuple[int, int]:
        """When the first and the last sign of life was."""
        return state[5], state[2]

    def read(self, state: State) -> Presence | None:
        visits = 0
        last = NEVER
        for hour in sorted(state[0]):
            mask = state[0][hour]
            for slot in range(12):
                if mask >> slot & 1:
                    now = hour * 12 + slot
                    visits += now - last > self.SILENT_SLOTS
                    last = now
        return Presence(visits, state[5:8], state[2:5]) if visits else None

    def stamp(self, state: State) -> Stamp:
        return state[2:5]
