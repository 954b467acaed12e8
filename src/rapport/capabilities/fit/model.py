"""What returns say of an item and of a customer: a risk with its interval, and a size. Pure.

The risk is a beta-binomial of the item's pieces, drawn towards the shop's own share of returns, moved by how much more
or less than expected the customer sends back, likewise drawn towards one. **Source:** Gelman and others, *Bayesian Data
Analysis*, 3rd edition, 5.3 (partial pooling); logits add, as in a logistic model with an effect of each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import Literal, NamedTuple

import msgspec

__all__ = [
    "ENOUGH_IN_THE_SHOP", "FitShown", "Lean", "Line", "Pieces", "Risk", "SizeAdvice", "lean_of", "risk_of", "says_size",
    "size_for",
]  # fmt: skip

ENOUGH_IN_THE_SHOP = 50
"""Pieces that have had time to come back; of a shop with fewer nothing is said."""
ENOUGH_OF_THE_ITEM = 5
"""Pieces; below, the answer is the shop's share and says so."""
OF_THE_ITEM, OF_THE_CUSTOMER = 20.0, 10.0
"""Pieces that the prior counts as: so many of the item, or of the customer, weigh as much as the shop's share does."""
TOLD_BY_LINE = 0.8
"""The share of refunded orders that must say what came back: the others would count as kept."""
ENOUGH_REASONS = 5
USUAL = 1.25
"""So many times the shop's share, or a part of it as small, is more or less than usual, if the interval says so too."""
SURE = 1.645
"""Standard errors on each side of an interval of 90 %."""

Level = Literal["low", "usual", "high", "unknown"]
Lean = Literal["runs_small", "runs_large", "true_to_size", "unknown"]


class Pieces(msgspec.Struct, frozen=True):
    """How many were sold, and how many of those came back."""

    sold: int = 0
    returned: int = 0


class Line(NamedTuple):
    """One line that a customer bought, with what of it came back."""

    product_id: str
    variant: str
    sold: int
    returned: int
    at: int


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """How likely a piece comes back."""

    level: Level
    probability: float | None
    """Null where too little is known of the shop's returns."""
    low: float | None
    high: float | None
    """Between these it lies in nine cases of ten."""
    usual: float | None
    """The share of the whole shop."""
    item: Pieces
    """What it rests on: pieces of the item that have had time to come back."""
    customer: Pieces | None
    """Those of the customer; null where nobody is named or it may not be looked at."""
    why: list[str]


class SizeAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """Which variant they would keep."""

    variant: str
    share: float
    """Of the pieces they kept in this category, those of this size."""
    kept: int
    """Pieces that this rests on."""
    why: list[str]


class FitShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an item, to a customer or to anybody."""

    product_id: str
    risk: Risk
    size: SizeAdvice | None
    """Null where it is not known; `size_unknown` says why."""
    size_unknown: str
    lean: Lean
    """What returns with a reason say of the item's sizes."""


def risk_of(
    shop: Pieces,
    item: Pieces,
    customer: Pieces | None = None,
    *,
    expected: float = 0.0,
    refunded: Pieces | None = None,
) -> Risk:
    """The risk of one piece of the item for this customer; `expected`: returns that anybody would have made of theirs.

    `refunded`: orders of which money went back, and how many of those refunds say for which products. Where most do
    not, nothing is known of any product.

    >>> known = risk_of(Pieces(1_000, 100), Pieces(200, 60))
    >>> round(known.probability, 2), known.level
    (0.28, 'high')
    >>> risk_of(Pieces(1_000, 100), Pieces()).level, risk_of(Pieces(10, 1), Pieces(10, 1)).probability
    ('unknown', None)
    """
    unknown = ""
    if shop.sold < ENOUGH_IN_THE_SHOP:
        unknown = f"only {shop.sold} pieces of the whole shop have had time to come back"
    elif refunded is not None and refunded.returned < TOLD_BY_LINE * refunded.sold:
        unknown = f"only {refunded.returned} of {refunded.sold} refunded orders say which products came back"
    if unknown:
        return Risk(
            level="unknown", probability=None, low=None, high=None, usual=None, item=item, customer=customer,
            why=[unknown],
        )  # fmt: skip
    usual = (shop.returned + 0.5) / (shop.sold + 1)
    a, b = item.returned + OF_THE_ITEM * usual, item.sold - item.returned + OF_THE_ITEM * (1 - usual)
    middle, spread, why = log(a / b), 1 / a + 1 / b, [f"{item.returned} of {item.sold} pieces of it came back"]
    if customer is not None and customer.sold:
        drawn = OF_THE_CUSTOMER * usual
        middle += log((customer.returned + drawn) / (expected + drawn))
        spread += 1 / (customer.returned + drawn)
        why.append(f"of {customer.sold} pieces they bought {customer.returned} came back")
    low, probability, high = (_share(middle + side * SURE * sqrt(spread)) for side in (-1, 0, 1))
    is_known = item.sold >= ENOUGH_OF_THE_ITEM or (customer is not None and customer.sold >= ENOUGH_OF_THE_ITEM)
    if not is_known:
        why = [f"too few pieces of it were sold to tell ({item.sold}); this is the shop's share"]
    return Risk(
        level=_level(low, probability, high, usual) if is_known else "unknown", probability=probability, low=low,
        high=high, usual=usual, item=item, customer=customer, why=why,
    )  # fmt: skip


def _share(logit: float) -> float:
    return round(1 / (1 + exp(-logit)), 4)


def _level(low: float, probability: float, high: float, usual: float) -> Level:
    if probability > USUAL * usual and low > usual:
        return "high"
    return "low" if probability < usual / USUAL and high < usual else "usual"


def lean_of(too_small: int, too_large: int) -> Lean:
    """What the reasons of an item's returns say, if they say it clearly.

    >>> lean_of(9, 1), lean_of(5, 4), lean_of(2, 0)
    ('runs_small', 'true_to_size', 'unknown')
    """
    said = too_small + too_large
    if said < ENOUGH_REASONS:
        return "unknown"
    if abs(too_small - too_large) <= SURE * sqrt(said):
        return "true_to_size"
    return "runs_small" if too_small > too_large else "runs_large"


def says_size(reason: str) -> int:
    """-1 where it was too small, 1 where it was too large, 0 where the reason says neither.

    >>> says_size("Too small"), says_size("zu groß"), says_size("changed my mind"), says_size("size_too_large")
    (-1, 1, 0, 1)
    >>> says_size("wrong length"), says_size("not as in the English text"), says_size("zweites Paar")
    (0, 0, 0)
    """
    said = reason.casefold().replace("_", " ")
    return int(_LARGE.search(said) is not None) - int(_SMALL.search(said) is not None)


_SMALL = re.compile(
    r"\b(smaller|small|tighter|tight|too short|kleine?[rs]?|zu eng|enger|kurz|k\u00fcrzer|petite?|"
    r"piccol[oaie]|strett[oaie])\b"
)
_LARGE = re.compile(
    r"\b(larger?|big(ger)?|too (long|wide)|looser?|gross(e[rs]?)?|gr\u00f6sser|zu (weit|lang)|grande?)\b"
)


def size_for(
    kept: Mapping[str, int], variants: Sequence[str], lean: Lean, *, tried: Mapping[str, Pieces]
) -> SizeAdvice | str:
    """The variant of this item that a customer would keep, or why it is not known.

    `kept`: pieces they kept of this category by size; `variants`: those of the item, smallest first; `tried`: what
    they have bought of this very item. A clear lean of the item moves the advice by one size.
    """
    if len(variants) < 2:
        return "it has no sizes"
    good = [(tried[one].sold - tried[one].returned, one) for one in variants if one in tried]
    if good and max(good)[0] > 0:
        return SizeAdvice(variant=max(good)[1], share=1.0, kept=max(good)[0], why=["they kept this size of it before"])
    fitting = {one: kept[one] for one in variants if kept.get(one, 0) > 0}
    pieces = sum(fitting.values())
    if not pieces:
        return "no size that it has was kept of this category"
    best = max(fitting, key=lambda one: (fitting[one], -variants.index(one)))
    share, why = fitting[best] / pieces, [f"{fitting[best]} of {pieces} pieces they kept here were {best}"]
    step = {"runs_small": 1, "runs_large": -1}.get(lean, 0)
    place = variants.index(best) + step
    if step and 0 <= place < len(variants):
        why.append(f"it {lean.replace('_', ' ')}, so one size {'up' if step > 0 else 'down'}")
        best = variants[place]
    if best in tried and tried[best].returned >= tried[best].sold:
        return f"they have sent {best} of it back before"
    return SizeAdvice(variant=best, share=round(share, 2), kept=pieces, why=why)
