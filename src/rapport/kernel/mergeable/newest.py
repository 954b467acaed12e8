"""The newest of many: the latest value of each key, and the last few values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rapport.kernel.mergeable.base import Mergeable, Stamp, State


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
