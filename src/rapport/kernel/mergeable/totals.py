"""Numbers of facts and sums over facts, in exact integers."""

from __future__ import annotations

from typing import Any

from rapport.kernel.mergeable.base import NEVER, Mergeable, Stamp, State, keep_smallest, newer, wrap64


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
        return [left[0] + right[0], *newer(left, right, 1)]

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
            keep_smallest(totals, self.limit)
        if at > state[1] or (at == state[1] and fact_id > state[2]):
            state[1] = at
            state[2] = fact_id
            state[3] = source

    def merge(self, left: State, right: State) -> State:
        totals = dict(left[0])
        for unit, amount in right[0].items():
            totals[unit] = wrap64(totals.get(unit, 0) + amount)
        return self.trim([totals, *newer(left, right, 1)])

    def trim(self, state: State) -> State:
        keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> dict[str, int] | None:
        return dict(sorted(state[0].items())) or None

    def stamp(self, state: State) -> Stamp:
        return state[1:4]
