"""The value of one fact, the one that comes first or last in some order: `Min`, `Max`, `First`, `Latest`."""

from __future__ import annotations

from typing import Any

from rapport.kernel.mergeable.base import EVER, NEVER, Mergeable, Stamp, State


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
