"""What is given to one person: a phone number, a number or code of any kind, an e-mail address.

A person changes e-mail and phone more often than the date of birth, and their usual m says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rapport.resolve.linking.comparisons.comparison import Comparison, Level, edits, jaro_winkler
from rapport.resolve.linking.kinds import fold, words
from rapport.resolve.linking.model import Frequencies

__all__ = ["Codes", "Emails"]


class Codes(Comparison[str]):
    """A phone number or another code: the same but for slips."""

    said = ("different", "two edits", "one edit", "the same")
    usual_m = (0.40, 0.02, 0.08, 0.50)
    personal = True

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> str | None:
        """Letters and digits; of a phone number the last nine digits, whatever stands before them."""
        code = "".join(words(texts[0]))
        return (code[-9:] if code.isdigit() and len(code) > 9 else code) or None

    @staticmethod
    def compare(a: str, b: str) -> Level:
        """0 different, 1 two edits, 2 one edit, 3 the same."""
        if a == b:
            return 3
        return max(0, 3 - edits(a, b, score_cutoff=2))

    @staticmethod
    def blocks_alone(feature: str) -> list[str]:
        """The code."""
        return [feature]

    @staticmethod
    def blocks_together(feature: str) -> list[str]:
        """Its beginning and its end, where it is long enough to have both."""
        return [feature[:4], feature[-4:]] if len(feature) >= 6 else []

    @staticmethod
    def whole(feature: str) -> str | None:
        """The code."""
        return feature


class _Email(NamedTuple):
    whole: str
    local: str


class Emails(Comparison[_Email]):
    """An e-mail address: the same, a slip, the same person at another provider."""

    said = ("different", "alike before the @", "the same before the @", "one edit", "the same")
    usual_m = (0.60, 0.05, 0.10, 0.10, 0.15)
    personal = True

    @staticmethod
    def feature(texts: Sequence[str], frequencies: Frequencies) -> _Email | None:
        """The address, and what stands before the @ without dots and tags."""
        whole = fold(texts[0])
        return _Email(whole, whole.partition("@")[0].partition("+")[0].replace(".", "")) if whole else None

    @staticmethod
    def compare(a: _Email, b: _Email) -> Level:
        """0 different, 1 alike before the @, 2 the same before it, 3 one edit, 4 the same."""
        if a.whole == b.whole:
            return 4
        if edits(a.whole, b.whole, score_cutoff=1) == 1:
            return 3
        if a.local == b.local:
            return 2
        return int(jaro_winkler(a.local, b.local, score_cutoff=0.9) >= 0.9)

    @staticmethod
    def blocks_alone(feature: _Email) -> list[str]:
        """The address, and what stands before the @."""
        return [feature.whole, feature.local]

    @staticmethod
    def whole(feature: _Email) -> str | None:
        """The address."""
        return feature.whole
