"""When somebody was born: one date, a slip of the pen, another date, another generation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rapport.resolve.linking.comparisons.comparison import Comparison, Level, edits
from rapport.resolve.linking.comparisons.dates import Dates, _Date
from rapport.resolve.linking.model import Frequencies

__all__ = ["Births", "two_births"]

_GENERATION = 16
"""Years."""


class Births(Comparison[_Date]):
    """A date of birth, which a person has but one of."""

    said = (
        "another generation", "different", "the same year or next to it", "two edits", "one edit",
        "the same, a frequent date", "the same",
    )  # fmt: skip
    usual_m = (0.01, 0.01, 0.02, 0.04, 0.08, 0.04, 0.80)
    groups = (1, 1, 1, 2, 2, 3, 3)
    rises = tuple(pairwise(range(7)))
    personal = True

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """The eight digits."""
        return Dates.terms([text[2:] for text in texts])

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Date | None:
        """The first text that is a date."""
        return Dates.feature([text[2:] for text in texts], frequencies)

    @staticmethod
    def compare(a: _Date, b: _Date) -> Level:
        """See `said`."""
        if a.digits == b.digits:
            return 5 if a.usual or b.usual else 6
        same_year = a.year == b.year
        distance = edits(a.digits, b.digits, score_cutoff=2)
        swapped = same_year and a.digits[4:6] == b.digits[6:] and a.digits[6:] == b.digits[4:6]
        first = same_year and (a.digits.endswith("0101") or b.digits.endswith("0101"))
        if distance == 1 or swapped or first:
            return 4
        if same_year:
            return 2
        if distance == 2:
            return 3
        apart = abs(a.year - b.year)
        return 2 if apart <= 2 else 1 if apart < _GENERATION else 0

    @staticmethod
    def contradicts(level: Level) -> bool:
        """Dates that no slip of the pen explains are two people's."""
        return level <= 2

    @staticmethod
    def blocks_alone(feature: _Date) -> list[str]:
        """The date."""
        return [feature.digits]

    @staticmethod
    def blocks_together(feature: _Date) -> list[str]:
        """The year; month and day."""
        return [feature.digits[:4], feature.digits[4:]]


def two_births(a: str, b: str) -> bool:
    """Whether two dates of eight digits are two people's, no slip of the pen explaining them.

    >>> two_births("19500304", "19800721"), two_births("19500304", "19500403")
    (True, False)
    """
    one, other = (Dates.feature([digits], Frequencies(0, {})) for digits in (a, b))
    return one is not None and other is not None and Births.contradicts(Births.compare(one, other))
