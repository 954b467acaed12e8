"""Likings that fade: integer weights by week, decayed when they are read."""

from __future__ import annotations

from collections.abc import Iterable

from rapport.kernel.clock import DAY
from rapport.kernel.mergeable.base import NEVER, Mergeable, Stamp, State, keep_smallest, newer, wrap64


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
            keep_smallest(weights, self.limit)
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
        return self.trim([by_week, max(left[1], right[1]), *newer(left, right, 2)])

    def trim(self, state: State) -> State:
        self._drop_old(state[0], state[1])
        for weights in state[0].values():
            keep_smallest(weights, self.limit)
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
