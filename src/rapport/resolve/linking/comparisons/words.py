"""Names and streets: words shared, each by what it tells; nearly shared, swapped and cut to an initial as well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rapport.resolve.linking.comparisons.comparison import STEM, Comparison, Level, jaro_winkler
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import Frequencies

__all__ = ["Names", "Words"]

MOST_WORDS = 6
"""Words of a name that are looked at; more only repeat titles."""

_SHARED = (2.0, 5.0, 8.0, 11.0, 14.0, 18.0, 23.0)
"""Bounds, in bits, of the levels of shared words."""
_CONTRADICTION = 4.0
"""Bits that both sides must have left over before two names contradict each other."""
_RARE = 9
"""Bits from which on a word is rare enough to be compared for its sake alone."""


class _Words(NamedTuple):
    """The words of a text that tell most, rarest first, with their bits."""

    distinct: frozenset[str]
    ordered: tuple[str, ...]
    bits: dict[str, float]


def _sentences() -> tuple[str, ...]:
    bounds = ("0", *(f"{bound:.0f}" for bound in _SHARED), "")
    ranges = [f"{low} to {high} bits shared" if high else f"over {low} bits shared" for low, high in pairwise(bounds)]
    return tuple(text for each in ranges for text in (f"{each}, the rest contradicts", each))


def _contradicted(share: float) -> list[float]:
    """Of shared words: contradicted at any range of bits with this share, and else the likelier the more is shared."""
    agreeing = (0.02, 0.03, 0.08, 0.15, 0.18, 0.18, 0.18, 0.18)
    return [each for odd in agreeing for each in (share / 8, (1 - share) * odd)]


class Words(Comparison[_Words]):
    """A street: shared bits, two levels to each range, contradicted and not."""

    said = _sentences()
    usual_m = _contradicted(0.30)
    personal = True
    costly = True

    @staticmethod
    def terms(texts: Sequence[str]) -> Iterable[str]:
        """Each word."""
        return (word for text in texts for word in words(text))

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Words | None:
        """The rarest six words of all texts."""
        found = {word for text in texts for word in words(text)}
        if not found:
            return None
        bits = {word: frequencies.bits(word) for word in found}
        ordered = sorted(found, key=lambda word: (-bits[word], word))[:MOST_WORDS]
        return _Words(frozenset(ordered), tuple(ordered), {word: bits[word] for word in ordered})

    @staticmethod
    def compare(a: _Words, b: _Words) -> Level:
        """Twice the range of the bits shared, and one more where the rest does not contradict."""
        common = a.distinct & b.distinct
        bits_a = a.bits
        shared = 0.0
        for word in a.ordered:
            if word in common:
                shared += bits_a[word]
        contradiction = 0.0
        if len(common) != len(a.ordered) and len(common) != len(b.ordered):
            near, left_a, left_b = _nearly_shared(a, b, common)
            shared += near
            contradiction = min(left_a, left_b)
        rank = 0
        for bound in _SHARED:
            if shared < bound:
                break
            rank += 1
        return 2 * rank + (contradiction < _CONTRADICTION)

    @staticmethod
    def blocks_alone(feature: _Words) -> list[str]:
        """The two rarest words, where they are rare."""
        return [word for word in feature.ordered[:2] if feature.bits[word] > _RARE]

    @staticmethod
    def blocks_together(feature: _Words) -> list[str]:
        """The beginning of the rarest word."""
        return [feature.ordered[0][:STEM]]


class Names(Words):
    """A name, in whichever columns. Relatives share half of it, so it says little without something personal."""

    usual_m = _contradicted(0.08)
    personal = False

    @staticmethod
    def contradicts(level: Level) -> bool:
        """Names that contradict each other are how a family looks."""
        return level % 2 == 0

    @staticmethod
    def name_words(feature: _Words) -> list[str]:
        """The words that blocking keys are made of, without initials."""
        return [word for word in feature.ordered if len(word) > 1][:4]

    @staticmethod
    def blocks_alone(feature: _Words) -> list[str]:
        """The two rarest words that are no initials, where they are rare."""
        return [word for word in Names.name_words(feature)[:2] if feature.bits[word] > _RARE]

    @staticmethod
    def blocks_together(feature: _Words) -> list[str]:
        """Nothing: the words of a name are combined with all the rest as it is."""
        return []

    @staticmethod
    def whole(feature: _Words) -> str | None:
        """The name in full."""
        return " ".join(sorted(feature.ordered)) if len(feature.ordered) > 1 else None


def _nearly_shared(a: _Words, b: _Words, common: frozenset[str]) -> tuple[float, float, float]:
    """Bits of words that are nearly the same, and what is left over on each side; the likest two are paired first."""
    rest_a = [word for word in a.ordered if word not in common]
    rest_b = [word for word in b.ordered if word not in common]
    alike = []
    for word in rest_a:
        for other in rest_b:
            likeness = _likeness(word, other)
            if likeness >= 0.8:
                bits = min(a.bits[word], b.bits[other])
                # A word on both sides is shared already, so the sorted two name one pair, whichever side is first.
                alike.append((-likeness, -bits, min(word, other), max(word, other), word, other))
    shared = 0.0
    for minus_likeness, minus_bits, _, _, word, other in sorted(alike):
        if word in rest_a and other in rest_b:
            shared -= (0.7 if minus_likeness <= -0.9 else 0.4) * minus_bits
            rest_a.remove(word)
            rest_b.remove(other)
    return shared, sum(map(a.bits.__getitem__, rest_a)), sum(map(b.bits.__getitem__, rest_b))


def _likeness(a: str, b: str) -> float:
    if len(a) == 1 or len(b) == 1:
        return 0.8 if a[0] == b[0] else 0.0
    return jaro_winkler(a, b, score_cutoff=0.8)
