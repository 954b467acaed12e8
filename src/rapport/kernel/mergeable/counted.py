"""How often each text occurred, and so the most frequent one."""

from __future__ import annotations

from rapport.kernel.mergeable.base import Mergeable, Stamp, State, keep_smallest, newer


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
                keep_smallest(counts, self.limit)
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
            counts[text] = list(entry) if mine is None else [mine[0] + entry[0], *newer(mine, entry, 1)]
        return self.trim([counts])

    def trim(self, state: State) -> State:
        keep_smallest(state[0], self.limit)
        return state

    def read(self, state: State) -> list[tuple[str, int]] | None:
        """Texts with their numbers, most frequent first, the more recent of equals first."""
        ranked = sorted(state[0].items(), key=lambda item: (item[1][:3], item[0]), reverse=True)
        return [(text, entry[0]) for text, entry in ranked] or None

    def stamp(self, state: State) -> Stamp:
        entry = max(state[0].values(), key=lambda e: e[:3])
        return list(entry[1:4])
