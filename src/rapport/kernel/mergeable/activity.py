"""When somebody was there: the first and the last sign of life, and the visits between."""

from __future__ import annotations

from typing import Any, NamedTuple

from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.mergeable.base import EVER, NEVER, Mergeable, Stamp, State, newer


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
        return self.trim([masks, max(left[1], right[1]), *newer(left, right, 2), *first])

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
