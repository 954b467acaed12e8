"""How two records of persons are compared: the one definition that training and live scoring share.

Term frequencies are part of the levels: what two texts share is measured in *bits*, log2(records / records with the
word), so that Chudleigh tells more than Smith, and a level is a range of shared bits with or without a contradiction.

Pure: nothing here reads or writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rapport.resolve.linking.comparisons.comparison import Level
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.kinds import Kind, Layout
from rapport.resolve.linking.model import Aspect, Frequencies, LinkModel, Method

__all__ = ["Comparer", "Prepared", "Reason", "aspects_of"]

Prepared = tuple[Any, ...]
"""A record as the comparisons read it: one feature each, None where the record says nothing of it."""

_Compare = Callable[[Any, Any], Level]

_CONTRADICTED = -12.0
"""Log2 odds of two records that contradict each other; the means that form persons clip at as much."""
_CORROBORATES = 5.0
"""Bits with which something personal must speak for two records beside their names."""


class Reason(NamedTuple):
    """What one comparison says of a pair."""

    aspect: str
    level: Level | None
    """None where one of the records says nothing."""
    said: str
    weight: float


def aspects_of(layout: Layout) -> list[Aspect]:
    """What to compare in a table of this layout: names together, in whichever columns; the rest by column."""
    aspects = []
    names = layout.of(Kind.FULL_NAME, Kind.GIVEN_NAME, Kind.SURNAME)
    if names:
        aspects.append(Aspect("name", Method.NAME, names))
    streets = layout.of(Kind.STREET)
    if streets:
        aspects.append(Aspect("street", Method.WORDS, streets))
    by_column = {
        Kind.BIRTH_DATE: Method.DATE, Kind.POSTCODE: Method.POSTCODE, Kind.PLACE: Method.PLACE,
        Kind.OCCUPATION: Method.CATEGORY, Kind.CATEGORY: Method.CATEGORY, Kind.HOUSE_NUMBER: Method.CATEGORY,
        Kind.GENDER: Method.FLAG, Kind.PHONE: Method.CODE, Kind.NATIONAL_ID: Method.CODE, Kind.EMAIL: Method.EMAIL,
    }  # fmt: skip
    for kind, method in by_column.items():
        aspects += [Aspect(column, method, [column]) for column in layout.of(kind)]
    return aspects


class Comparer:
    """The comparisons of a table, ready to use: features of records, levels of pairs and, with a model, their score."""

    def __init__(self, aspects: Sequence[Aspect], frequencies: Sequence[Frequencies]) -> None:
        self.aspects = list(aspects)
        self.frequencies = list(frequencies)
        self._comparisons = [COMPARISONS[aspect.method] for aspect in aspects]
        self._compare: list[_Compare] = [each.compare for each in self._comparisons]
        self._weights: list[list[float]] = [[0.0] * len(each.said) for each in self._comparisons]
        self._prior = 0.0
        self._steps = self._in_order()

    @staticmethod
    def of_rows(aspects: Sequence[Aspect], rows: Iterable[Mapping[str, Any]]) -> Comparer:
        """Count the terms of a table. Weights are all nothing until a model brings them."""
        rows = list(rows)
        counted = [
            Frequencies.count(COMPARISONS[aspect.method].terms(_texts(row, aspect)) for row in rows)
            for aspect in aspects
        ]
        return Comparer(aspects, counted)

    @staticmethod
    def of_model(model: LinkModel) -> Comparer:
        """Ready to score."""
        comparer = Comparer([c.aspect for c in model.comparisons], [c.frequencies for c in model.comparisons])
        comparer._weights = [list(c.weights) for c in model.comparisons]
        comparer._prior = model.prior
        comparer._steps = comparer._in_order()
        return comparer

    def level_counts(self) -> list[int]:
        """How many levels each comparison has."""
        return [len(each.said) for each in self._comparisons]

    def compare_at(self, at: int) -> _Compare:
        """The comparison of one aspect's features."""
        return self._compare[at]

    def _in_order(self) -> list[tuple[int, _Compare, list[float], float]]:
        """The cheap comparisons first; with each, the most that it and those after it can bring."""
        order = sorted(range(len(self.aspects)), key=lambda at: self._comparisons[at].costly)
        steps = []
        most = 0.0
        for at in reversed(order):
            most += max(0.0, *self._weights[at])
            steps.append((at, self._compare[at], self._weights[at], most))
        return steps[::-1]

    def prepare(self, row: Mapping[str, Any]) -> Prepared:
        """The features of a record."""
        return tuple([self.feature(at, texts) for at, texts in enumerate(self.texts(row))])

    def texts(self, row: Mapping[str, Any]) -> list[list[str]]:
        """By aspect, what a record says of it: all that its features are made of."""
        return [_texts(row, aspect) for aspect in self.aspects]

    def feature(self, at: int, texts: Sequence[str]) -> Any:
        """What texts say of one aspect, as its comparison reads it; None where that is nothing."""
        return self._comparisons[at].feature(texts, self.frequencies[at]) if texts else None

    def levels(self, a: Prepared, b: Prepared) -> tuple[Level, ...]:
        """The level of each comparison, -1 where a record says nothing."""
        return tuple(
            [-1 if x is None or y is None else compare(x, y) for compare, x, y in zip(self._compare, a, b, strict=True)]
        )

    def score(self, a: Prepared, b: Prepared, *, above: float = -math.inf) -> float:
        """Log2 odds that two records are one person; where these cannot reach `above`, something below it.

        Some ten microseconds; the costly comparison of words comes last, and most pairs never reach it.
        """
        total = self._prior
        for at, compare, weights, most in self._steps:
            x, y = a[at], b[at]
            if x is not None and y is not None:
                if total + most < above:
                    return total + most
                total += weights[compare(x, y)]
        return total

    def reasons(self, a: Prepared, b: Prepared) -> list[Reason]:
        """What each comparison says; with the prior, the weights sum to the score."""
        said = []
        levels = self.levels(a, b)
        for aspect, how, weights, level in zip(self.aspects, self._comparisons, self._weights, levels, strict=True):
            if level < 0:
                said.append(Reason(aspect.name, None, "not known of both", 0.0))
            else:
                said.append(Reason(aspect.name, level, how.said[level], round(weights[level], 2)))
        return said

    def is_safe(self, a: Prepared, b: Prepared) -> bool:
        """True where a machine may tie two records, however high they score: nothing limits what it gives them."""
        return self.most_by_itself(a, b) == math.inf

    def most_by_itself(self, a: Prepared, b: Prepared) -> float:
        """The most log2 odds that a machine may tie two records by, however high they score.

        Next to impossible where something contradicts: the names, as in a family, the dates of birth, as of father and
        son, the gender. So no third record is a bridge between the two. Even odds where nothing personal but the name
        speaks for it (a date of birth, an address, a code, an e-mail), which is how namesakes look. Else no limit.
        """
        corroborated = False
        for how, weights, level in zip(self._comparisons, self._weights, self.levels(a, b), strict=True):
            if level < 0:
                continue
            if how.contradicts(level):
                return _CONTRADICTED
            corroborated |= how.personal and weights[level] >= _CORROBORATES
        return math.inf if corroborated else 0.0

    @property
    def prior(self) -> float:
        """Log2 odds before anything is compared."""
        return self._prior


def _texts(row: Mapping[str, Any], aspect: Aspect) -> list[str]:
    return [str(text) for column in aspect.columns if (text := row.get(column)) not in (None, "") and text == text]
