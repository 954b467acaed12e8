"""Live scoring: a record's likely twins among all that were ever put in, in a few milliseconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from rapport.resolve.linking.blocking import Blocks, keys_of
from rapport.resolve.linking.comparer import Comparer, Prepared, Reason
from rapport.resolve.linking.model import LinkModel, Method

__all__ = ["LiveIndex", "Match"]


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
        self._home = Comparer.of_home(model) or self.comparer
        self._blocks = Blocks(cap=cap, most=most)
        self._records: dict[int, Prepared] = {}

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
        matches = self._matches(prepared, keys, above)
        self._blocks.add(record, keys)
        self._records[record] = prepared
        return matches

    def find(self, row: Mapping[str, Any], *, above: float) -> list[Match]:
        """Those that match a record that is not filed."""
        prepared = self.comparer.prepare(row)
        return self._matches(prepared, keys_of(self.comparer.aspects, prepared), above)

    def remove(self, record: int) -> None:
        """Forget a record."""
        prepared = self._records.pop(record)
        self._blocks.remove(record, keys_of(self.comparer.aspects, prepared))

    def score(self, a: int, b: int, *, above: float = -math.inf) -> float:
        """Log2 odds of two filed records; where these cannot reach `above`, something below it."""
        return self.comparer.score(self._records[a], self._records[b], above=above)

    def cautious(self, a: int, b: int, /, *, above: float) -> float:
        """The score by which a machine ties: to part brother and sister again is worse than to ask a person."""
        return self.comparer.cautious(self._records[a], self._records[b], above=above)

    def tying(self, a: int, b: int, /, *, above: float) -> float:
        """The score by which the persons of a whole table are formed."""
        return self.comparer.tying(self._records[a], self._records[b], above=above)

    def housemates(self, record: int, *, above: float) -> list[Match]:
        """Filed records that live with a filed one by log2 odds of at least `above`, the likeliest first.

        For a model that has something to say of homes.
        """
        mine = self._records[record]
        others = self._blocks.candidates(keys_of(self.comparer.aspects, mine))
        found = [Match(other, self.living(record, other)) for other in others if other != record]
        return sorted(
            (match for match in found if match.score >= above), key=lambda match: (-match.score, match.record)
        )

    def living(self, a: int, b: int, /, *, above: float = -math.inf) -> float:
        """Log2 odds that two filed records live together, one person or not."""
        return self._home.score_levels(self._home.levels(self._records[a], self._records[b]))

    def why_together(self, a: int, b: int) -> list[Reason]:
        """What of two filed records speaks for living together, what says most first."""
        reasons = self._home.reasons(self._records[a], self._records[b])
        methods = [aspect.method for aspect in self._home.aspects]
        told = zip(reasons, methods, strict=True)
        found = [one for one, method in told if one.weight > 0 and method is not Method.BEARERS]
        return sorted(found, key=lambda one: -one.weight)

    def reasons(self, a: int, b: int) -> list[Reason]:
        """Why two filed records score as they do."""
        return self.comparer.reasons(self._records[a], self._records[b])

    def _matches(self, prepared: Prepared, keys: list[int], above: float) -> list[Match]:
        score, records = self.comparer.score, self._records
        matches = []
        for record in self._blocks.candidates(keys):
            odds = score(prepared, records[record], above=above)
            if odds >= above:
                matches.append(Match(record, odds))
        matches.sort(key=lambda match: (-match.score, match.record))
        return matches
