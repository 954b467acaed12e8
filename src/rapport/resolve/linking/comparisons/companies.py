"""The company that somebody buys for: says nothing of one person, and much of a household or an office."""

from __future__ import annotations

from collections.abc import Sequence

from rapport.resolve.linking.comparisons.comparison import Comparison, Level, jaro_winkler
from rapport.resolve.linking.kinds import words
from rapport.resolve.linking.model import Frequencies

__all__ = ["Companies"]

_FORMS = frozenset(
    ("gmbh", "ltd", "limited", "inc", "llc", "llp", "corp", "co", "ag", "kg", "ohg", "ug", "sarl", "sas", "srl", "spa",
     "bv", "nv", "oy", "ab", "aps", "pty", "plc", "the", "and", "und")
)  # fmt: skip
"""What one writes and another leaves out."""
_NEAR = 0.93


class Companies(Comparison[str]):
    """The company's name, without its legal form; that none is told says something, too, in a shop that asks for it."""

    said = ("two companies", "one tells of a company", "neither tells of a company", "the same company")
    usual_m = (0.02, 0.08, 0.80, 0.10)
    groups = (1, 2, 3, 4)

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> str:
        """The name as it is compared, empty where none is told."""
        told = [text[2:] for text in texts if text.startswith("o:")]
        return " ".join(word for word in words(told[0]) if word not in _FORMS) if told else ""

    @staticmethod
    def doors(feature: str) -> list[str]:
        """The company itself."""
        return [f"company {feature}"] if feature else []

    @staticmethod
    def compare(a: str, b: str) -> Level:
        """See `said`."""
        if not a or not b:
            return 1 if a or b else 2
        return 3 if a == b or jaro_winkler(a, b, score_cutoff=_NEAR) >= _NEAR else 0
