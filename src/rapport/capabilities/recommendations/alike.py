"""How alike two products are by what the catalogue says of them: for the first day of a shop or a product. Pure.

Category, brand, words of the name and nearness of price, each a part of a likeness between 0 and 1.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple

__all__ = ["Seen", "likeness"]

_CATEGORY, _BRAND, _NAME, _PRICE = 0.35, 0.2, 0.2, 0.25


class Seen(NamedTuple):
    """A product as it is compared; what is not known is None or empty."""

    category: str | None = None
    brand: str | None = None
    words: frozenset[str] = frozenset()
    """Of its name."""
    price_minor: int | None = None
    currency: str | None = None


def likeness(left: Seen, right: Seen) -> float:
    """How alike two products are, from 0 to 1, the same both ways; what is not known of one is not alike.

    >>> chianti = Seen("Red", None, frozenset({"chianti"}), 1200, "GBP")
    >>> near = Seen("Red", None, frozenset({"chianti", "riserva"}), 1300, "GBP")
    >>> dear = Seen("Red", None, frozenset({"barolo"}), 9000, "GBP")
    >>> likeness(chianti, near) > likeness(chianti, dear) > 0
    True
    """
    same = _CATEGORY * _equal(left.category, right.category) + _BRAND * _equal(left.brand, right.brand)
    either = left.words | right.words
    shared = len(left.words & right.words) / len(either) if either else 0.0
    return same + _NAME * shared + _PRICE * _price_nearness(left, right)


def _equal(left: str | None, right: str | None) -> bool:
    return left is not None and right is not None and left.casefold() == right.casefold()


def _price_nearness(left: Seen, right: Seen) -> float:
    """1 for the same price, about a third for one and a half times it; 0 where one is unknown or in other money."""
    mine, theirs = left.price_minor or 0, right.price_minor or 0
    if mine <= 0 or theirs <= 0 or left.currency != right.currency:
        return 0.0
    return exp(-2.5 * abs(log(mine / theirs)))
