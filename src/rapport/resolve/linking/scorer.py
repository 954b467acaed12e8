"""Live scoring: a record's likely twins among all that were ever put in, in a few milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from rapport.resolve.linking.blocking import Blocks, blocks_of_doors, doors_of, keys_of
from rapport.resolve.linking.comparer import Comparer, Prepared, Reason
from rapport.resolve.linking.comparisons.comparison import Level
from rapport.resolve.linking.model import GroupKind, LinkModel, Method

__all__ = ["LiveIndex", "Match"]


_UNTOLD = (Method.BEARERS, Method.SENT)
"""What is weighed and explains nothing to people."""


class Match(NamedTuple):
    """A record and the log2 odds that it is the same person."""

    record: int
    score: float


class LiveIndex:
    """Prepared records and their blocks. Records are numbered from 0 by the caller, densely. Not thread-safe.

    Memory is some 3 kilobytes a record (features and forty keys); time for one record is bounded by the number of
    candidates that are looked at.
    """

    def __init__(self, model: LinkModel, *, cap: int = 150, most: int = 100) -> None:
        self.model = model
        self.comparer = Comparer.of_model(model)
        self._groups = {kind: Comparer.of_kinship(model, kinship) for kind, kinship in model.kinships().items()}
        self._blocks = Blocks(cap=cap, most=most)
        self._doors = blocks_of_doors()
        self._records: dict[int, Prepared] = {}
        self._latest: int | None = None
        self._levels_of_latest: dict[int, tuple[Level, ...]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, record: int) -> bool:
        return record in self._records

    def put(self, record: int, row: Mapping[str, Any], *, above: float) -> list[Match]:
        """File a record, and return those that match it with log2 odds of at least `above`, the likeliest first.

        A record that is put again replaces what it was.
        """
        if record in self._records:
            self.remove(record)
        prepared = self.comparer.prepare(row)
        keys = keys_of(self.comparer.aspects, prepared)
        self._latest, self._levels_of_latest = record, {}
        matches = self._matches(prepared, keys, above)
        self._blocks.add(record, keys)
        if self._groups:
            self._doors.add(record, doors_of(self.comparer.aspects, prepared))
        self._records[record] = prepared
        return matches

    def find(self, row: Mapping[str, Any], *, above: float) -> list[Match]:
        """Those that match a record that is not filed."""
        prepared = self.comparer.prepare(row)
        self._latest, self._levels_of_latest = None, {}
        return self._matches(prepared, keys_of(self.comparer.aspects, prepared), above)

    def remove(self, record: int) -> None:
        """Forget a record."""
        prepared = self._records.pop(record)
        self._levels_of_latest.pop(record, None)
        if record == self._latest:
            self._latest, self._levels_of_latest = None, {}
        self._blocks.remove(record, keys_of(self.comparer.aspects, prepared))
        if self._groups:
            self._doors.remove(record, doors_of(self.comparer.aspects, prepared))

    def score(self, a: int, b: int, *, above: float = -math.inf) -> float:
        """Log2 odds of two filed records; where these cannot reach `above`, something below it."""
        if self.model.shop:
            return self.comparer.score_levels(self._levels(a, b))
        return self.comparer.score(self._records[a], self._records[b], above=above)

    def cautious(self, a: int, b: int, /, *, above: float) -> float:
        """The score by which a machine ties: to part brother and sister again is worse than to ask a person."""
        if self.model.shop:
            return self.comparer.cautious_levels(self._levels(a, b))
        return self.comparer.cautious(self._records[a], self._records[b], above=above)

    def tying(self, a: int, b: int, /, *, above: float) -> float:
        """The score by which the persons of a whole table are formed."""
        return self.cautious(a, b, above=above) if self.model.shop else self.score(a, b, above=above)

    def neighbours(self, record: int) -> list[int]:
        """Filed records that may be of one group with a filed one: alike, at one door, or of one company."""
        aspects, mine = self.comparer.aspects, self._records[record]
        found = {*self._blocks.candidates(keys_of(aspects, mine)), *self._doors.candidates(doors_of(aspects, mine))}
        return sorted(found - {record})

    def together(self, a: int, b: int, kind: GroupKind) -> float:
        """Log2 odds that two filed records are of one group, one person or not."""
        return self._groups[kind].score_group(self._levels(a, b))

    def why_together(self, a: int, b: int, kind: GroupKind) -> list[Reason]:
        """What of two filed records speaks for one group, what says most first."""
        comparer = self._groups[kind]
        reasons = comparer.reasons_of(comparer.as_of_group(self._levels(a, b)))
        methods = [aspect.method for aspect in comparer.aspects]
        told = zip(reasons, methods, strict=True)
        found = [one for one, method in told if one.weight > 0 and method not in _UNTOLD]
        return sorted(found, key=lambda one: -one.weight)

    def _levels(self, a: int, b: int) -> tuple[Level, ...]:
        """Of two filed records; of the latest they are asked for again and again."""
        if b == self._latest:
            a, b = b, a
        if a != self._latest:
            return self.comparer.levels(self._records[a], self._records[b])
        known = self._levels_of_latest.get(b)
        if known is None:
            known = self._levels_of_latest[b] = self.comparer.levels(self._records[a], self._records[b])
        return known

    def reasons(self, a: int, b: int) -> list[Reason]:
        """Why two filed records score as they do."""
        return self.comparer.reasons(self._records[a], self._records[b])

    def _matches(self, prepared: Prepared, keys: list[int], above: float) -> list[Match]:
        matches = []
        for record in self._blocks.candidates(keys):
            odds = self._odds(prepared, record, above)
            if odds >= above:
                matches.append(Match(record, odds))
        matches.sort(key=lambda match: (-match.score, match.record))
        return matches

    def _odds(self, prepared: Prepared, record: int, above: float) -> float:
        if not self.model.shop:
            return self.comparer.score(prepared, self._records[record], above=above)
        levels = self._levels_of_latest[record] = self.comparer.levels(prepared, self._records[record])
        return self.comparer.score_levels(levels)
