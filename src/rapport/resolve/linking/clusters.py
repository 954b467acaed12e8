"""Who is one person, kept up to date record by record without over-merging.

One chance resemblance must not tie two families together, so a record joins a person by the *mean* of its weights
against that person's records (average linkage), each clipped, so that no single pair outvotes the rest. Two persons
become one by the same measure, and a record that fits another person better since moves over. With log2 odds the
natural threshold is 0: as likely as not; nothing has to be tuned.

In a shop the best pair is to be sure enough, no pair may be next to impossible, and all pairs together likely: of three
records of one person two may hold hardly anything in common.

Pure but for the score it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from rapport.resolve.linking.scorer import Match

__all__ = ["CLIP", "WORTH_A_LOOK", "Clusters"]

CLIP = 12.0
"""Log2 odds beyond which a pair says no more."""
WORTH_A_LOOK = -2.0
"""Log2 odds below which a resemblance is not even looked at."""
_LOOKED_AT = 16
"""Records of a person that a comparison looks at; of a larger person evenly spread ones."""
_PERSONS = 6
"""Persons a new record is held against: those with the likeliest records."""


class Score(Protocol):
    """The log2 odds of two records; where these cannot reach `above`, something below it."""

    def __call__(self, a: int, b: int, /, *, above: float) -> float: ...


class Clusters:
    """Records by person. `score` gives the log2 odds of two records.

    `threshold` is the least mean; where `mean` says another least mean, it is the least of the best pair. Nobody joins
    where there would be more than `most` records. Records to which `whose` gives one number speak with one voice in
    the mean, that of their best pair: a family's records are formed so, of which one person may have moved.
    """

    def __init__(
        self, score: Score, *, threshold: float = 0.0, mean: float | None = None, most: int | None = None,
        whose: Callable[[int], int] | None = None,
    ) -> None:  # fmt: skip
        self._score = score
        self._whose = whose
        self._most = math.inf if most is None else most
        self._threshold = threshold
        self._least_mean = mean
        self._person: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}

    def person_of(self, record: int) -> int:
        """A number that all records of a person share; it may change as records come."""
        return self._person[record]

    def members(self, person: int) -> list[int]:
        """The records of a person."""
        return list(self._members[person])

    def persons(self) -> Iterator[list[int]]:
        """Each person's records."""
        return (list(members) for members in self._members.values())

    def add(self, record: int, matches: Sequence[Match]) -> set[int]:
        """Take in a record with its matches, the likeliest first. Returns all records whose person may have changed."""
        if record in self._person:
            self.remove(record)
        self._person[record] = record
        self._members[record] = [record]
        changed = {record}
        near = self._near(matches)
        ranked = sorted(((self._fit([record], self._members[person]), person) for person in near), reverse=True)
        for fit, person in ranked:
            if fit < self._threshold:
                break
            changed |= self._merge(record, person)
        changed |= self._reconsider(record, matches)
        return changed

    def remove(self, record: int) -> None:
        """Forget a record; the others of its person stay together."""
        person = self._person.pop(record)
        members = self._members.pop(person)
        members.remove(record)
        if members:
            self._name(members)

    def _near(self, matches: Iterable[Match]) -> list[int]:
        near: dict[int, None] = {}
        for match in matches:
            if match.score < WORTH_A_LOOK or len(near) == _PERSONS:
                break
            if match.record in self._person:
                near.setdefault(self._person[match.record])
        return list(near)

    def _fit(self, some: Sequence[int], others: Sequence[int]) -> float:
        """Mean of the clipped log2 odds between two groups of records.

        Where the best pair counts, as much is added as makes it reach the threshold if the two groups may be one.
        """
        some, others = _spread(some), _spread(others)
        score = self._score
        total, best, worst = 0.0, -CLIP, CLIP
        voices: dict[tuple[int, int], float] = {}
        for a in some:
            for b in others:
                odds = max(-CLIP, min(CLIP, score(a, b, above=-CLIP)))
                total += odds
                best, worst = max(best, odds), min(worst, odds)
                if self._whose is not None:
                    pair = self._whose(a), self._whose(b)
                    voices[pair] = max(voices.get(pair, -CLIP), odds)
        mean = sum(voices.values()) / len(voices) if voices else total / (len(some) * len(others))
        if self._least_mean is None:
            return mean
        if best < self._threshold or mean < self._least_mean or worst <= -CLIP:
            return min(mean, math.nextafter(self._threshold, -math.inf))
        return self._threshold + mean - self._least_mean

    def _merge(self, record: int, person: int) -> set[int]:
        """Make the record's person and another one, unless as wholes they do not fit."""
        mine = self._person[record]
        if mine == person:
            return set()
        members, others = self._members[mine], self._members[person]
        if len(members) + len(others) > self._most:
            return set()
        if len(members) > 1 and self._fit(members, others) < self._threshold:
            return set()
        del self._members[mine], self._members[person]
        together = members + others
        self._name(together)
        return set(together)

    def _reconsider(self, record: int, matches: Sequence[Match]) -> set[int]:
        """Let the likeliest twins who are elsewhere come over where they fit better."""
        changed: set[int] = set()
        for match in matches[:4]:
            home, elsewhere = self._person[record], self._person.get(match.record)
            if match.score < max(0.0, self._threshold) or elsewhere is None or elsewhere == home:
                continue
            if len(self._members[home]) >= self._most:
                break
            rest = [other for other in self._members[elsewhere] if other != match.record]
            there = self._fit([match.record], self._members[home])
            if there >= self._threshold and (not rest or there > self._fit([match.record], rest)):
                changed |= {*rest, *self._members[home], match.record}
                self.remove(match.record)
                self._name([*self._members.pop(home), match.record])
        return changed

    def _name(self, members: list[int]) -> None:
        person = min(members)
        self._members[person] = members
        for member in members:
            self._person[member] = person


def _spread(members: Sequence[int]) -> Sequence[int]:
    if len(members) <= _LOOKED_AT:
        return members
    step = len(members) / _LOOKED_AT
    return [members[int(at * step)] for at in range(_LOOKED_AT)]
