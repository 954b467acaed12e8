"""How many different texts there were, exact while they are few."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from rapport.kernel.mergeable.base import NEVER, Mergeable, Stamp, State, hash64, newer

_HASHES = 1 << 64
"""How many values `hash64` can have."""


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
        return [sorted({*left[0], *right[0]})[: self.limit], *newer(left, right, 1)]

    def read(self, state: State) -> int | None:
        hashes: Sequence[int] = state[0]
        if len(hashes) < self.limit:
            return len(hashes) or None
        return (self.limit - 1) * _HASHES // max(1, hashes[-1])

    def stamp(self, state: State) -> Stamp:
        return state[1:4]
