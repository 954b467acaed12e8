"""Dates of birth: the same, a slip of the pen, day and month swapped, the year alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapport.resolve.linking.comparisons.comparison import Comparison, Level, edits
from rapport.resolve.linking.kinds import date_digits
from rapport.resolve.linking.model import Frequencies

__all__ = ["Dates"]


class _Date(NamedTuple):
    digits: str
    usual: bool
    """Many have it, as a form's default, or it is a first of January."""
    year: int


class Dates(Comparison[_Date]):
    """A date of birth."""

    said = (
        "different", "at most two years apart", "two edits", "the same year", "one edit",
        "the same year, one a first of January", "the same, a frequent date", "the same",
    )  # fmt: skip
    usual_m = (0.02, 0.01, 0.03, 0.03, 0.08, 0.02, 0.10, 0.71)
    personal = True

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """The eight digits."""
        return (digits for raw in texts if (digits := date_digits(raw)))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Date | None:
        """The first text that is a date."""
        digits = next((found for text in texts if (found := date_digits(text))), "")
        if not digits:
            return None
        usual = frequencies.count_of(digits) > max(20, frequencies.total / 1024)
        return _Date(digits, usual or digits.endswith("0101"), int(digits[:4]))

    @staticmethod
    def compare(a: _Date, b: _Date) -> Level:
        """0 else, 1 two years apart, 2 two edits, 3 year, 4 one edit or day and month swapped, 5 year where one date is
        a first of January, 6 a frequent date, 7 a rare one.
        """
        date_a, date_b = a[0], b[0]
        if date_a == date_b:
            return 6 if a[1] or b[1] else 7
        same_year = a[2] == b[2]
        if same_year and (date_a.endswith("0101") or date_b.endswith("0101")):
            return 5
        distance = edits(date_a, date_b, score_cutoff=2)
        if distance == 1 or (same_year and date_a[4:6] == date_b[6:] and date_a[6:] == date_b[4:6]):
            return 4
        if same_year:
            return 3
        if distance == 2:
            return 2
        return 1 if abs(a[2] - b[2]) <= 2 else 0

    @staticmethod
    def contradicts(level: Level) -> bool:
        """Dates that no slip of the pen explains are two people's: father and son, sisters."""
        return level in (0, 1, 3)

    @staticmethod
    def blocks_alone(feature: _Date) -> list[str]:
        """The date."""
        return [feature.digits]

    @staticmethod
    def blocks_together(feature: _Date) -> list[str]:
        """The year; month and day."""
        return [feature.digits[:4], feature.digits[4:]]

    @staticmethod
    def whole(feature: _Date) -> str | None:
        """The date, unless many have it."""
        return None if feature.usual else feature.digits
