"""Where somebody lives: the postcode and the place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapport.resolve.linking.comparisons.comparison import RARITY, Comparison, Level, edits, jaro_winkler
from rapport.resolve.linking.kinds import fold, words
from rapport.resolve.linking.model import Frequencies

__all__ = ["Places", "Postcodes", "outward"]


class _Postcode(NamedTuple):
    whole: str
    outward: str
    area: str


class Postcodes(Comparison[_Postcode]):
    """A postcode, of any country: the same, a slip, the district, the area."""

    said = ("different", "the same area", "two edits", "the same district", "one edit", "the same")
    usual_m = (0.20, 0.03, 0.02, 0.05, 0.08, 0.62)
    personal = True

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Postcode | None:
        """The first text."""
        text = fold(texts[0])
        if not text:
            return None
        area = text[: next((i for i, c in enumerate(text) if c.isdigit()), 2)] or text[:1]
        return _Postcode(text, outward(text), area)

    @staticmethod
    def compare(a: _Postcode, b: _Postcode) -> Level:
        """0 else, 1 area, 2 two edits, 3 district, 4 one edit, 5 the same."""
        if a.whole == b.whole:
            return 5
        distance = edits(a.whole, b.whole, score_cutoff=2)
        if distance == 1:
            return 4
        if a.outward == b.outward:
            return 3
        if distance == 2 and len(a.whole) > 5:
            return 2
        return int(a.area == b.area)

    @staticmethod
    def blocks_alone(feature: _Postcode) -> list[str]:
        """The whole of it."""
        return [feature.whole]

    @staticmethod
    def blocks_together(feature: _Postcode) -> list[str]:
        """The district."""
        return [feature.outward]


class _Place(NamedTuple):
    whole: str
    distinct: frozenset[str]
    bits: float


class Places(Comparison[_Place]):
    """A town: the same, by how many live there; a word shared; alike."""

    said = ("different", "alike", "a word shared", *RARITY)
    usual_m = (0.17, 0.04, 0.04, 0.20, 0.20, 0.20, 0.15)

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """The first text, its words."""
        return (text for raw in texts[:1] if (text := " ".join(words(raw))))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Place | None:
        """The first text."""
        found = words(texts[0])
        whole = " ".join(found)
        return _Place(whole, frozenset(found), frequencies.bits(whole)) if found else None

    @staticmethod
    def compare(a: _Place, b: _Place) -> Level:
        """0 else, 1 alike, 2 a word shared, 3 to 6 the same, ever rarer."""
        if a.whole == b.whole:
            bits = a.bits
            return 3 + (bits > 5) + (bits > 7) + (bits > 9.5)
        if a.distinct & b.distinct:
            return 2
        return int(jaro_winkler(a.whole, b.whole, score_cutoff=0.88) >= 0.88)

    @staticmethod
    def blocks_together(feature: _Place) -> list[str]:
        """The whole of it."""
        return [feature.whole]


def outward(postcode: str) -> str:
    """The part of a postcode that names the district.

    >>> outward("tq13 8df"), outward("tq138df"), outward("2119"), outward("70173")
    ('tq13', 'tq13', '21', '701')
    """
    head, _, tail = postcode.partition(" ")
    if tail:
        return head
    if postcode.isdigit():
        return postcode[: max(1, len(postcode) - 2)]
    return postcode[:-3] if len(postcode) > 4 else postcode
