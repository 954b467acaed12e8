"""A word of a few: title, country, occupation, house number; and gender, which has hardly any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapport.resolve.linking.comparisons.comparison import RARITY, Comparison, Level
from rapport.resolve.linking.kinds import fold
from rapport.resolve.linking.model import Frequencies

__all__ = ["Categories", "Flags"]


class _Rated(NamedTuple):
    value: str
    bits: float


class Categories(Comparison[_Rated]):
    """The same or not, by how rare the value is."""

    said = ("different", *RARITY)
    usual_m = (0.15, 0.25, 0.25, 0.20, 0.15)

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """The first text."""
        return (text for raw in texts[:1] if (text := fold(raw)))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Rated | None:
        """The first text."""
        text = fold(texts[0])
        return _Rated(text, frequencies.bits(text)) if text else None

    @staticmethod
    def compare(a: _Rated, b: _Rated) -> Level:
        """0 different, 1 to 4 the same, ever rarer."""
        if a.value != b.value:
            return 0
        bits = a.bits
        return 1 + (bits > 3.5) + (bits > 6) + (bits > 9)

    @staticmethod
    def blocks_together(feature: _Rated) -> list[str]:
        """The value, where not too many have it."""
        return [feature.value] if feature.bits > 4 else []


class Flags(Comparison[str]):
    """The same or not."""

    said = ("different", "the same")
    usual_m = (0.05, 0.95)
    groups = (1, 2)
    rises = ((0, 1),)

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> str | None:
        """The first text."""
        return fold(texts[0]) or None

    @staticmethod
    def compare(a: str, b: str) -> Level:
        """0 different, 1 the same."""
        return int(a == b)

    @staticmethod
    def contradicts(level: Level) -> bool:
        """A man and a woman are two people; who is written down wrongly is left to a person to decide."""
        return level == 0
