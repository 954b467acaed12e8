"""What a piece leaves after returns, what showing it is expected to bring, and the mix of goals a shop wants. Pure.

A chance is that of two steps: that the visitor turns to the product next (its share of the scores of all that may be
shown), and that who looks at it buys it. Shares of few cases are drawn towards the shop's own.
**Source:** Gelman and others, *Bayesian Data Analysis*, 3rd edition, 5.3 (partial pooling of beta-binomials).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rapport.capabilities.goals.settings import GoalsSettings
from rapport.decide.model import Worth

__all__ = ["GOALS", "MILLION", "Figures", "drawn", "left_of_a_piece", "mixed", "worth_of"]

MILLION = 1_000_000

GOALS = ("looks", "revenue", "contribution", "kept")
"""In the order in which they are shown; each is a field of `Worth` and of the settings."""


class Figures(NamedTuple):
    """What is known of a product. Money in minor units of `currency`; shares in millionths."""

    product_id: str
    price_minor: int | None = None
    cost_minor: int | None = None
    currency: str | None = None
    buying: int = 0
    """Of those who look at it, how many buy it."""
    returned: int | None = None
    """Of pieces that were sold, how many come back; None where the shop knows too little of returns."""


def drawn(cases: int, of: int, *, towards: float, weight: float) -> int:
    """A share in millionths, drawn towards another as if `weight` cases had that one.

    >>> drawn(0, 0, towards=0.1, weight=20), drawn(8, 20, towards=0.1, weight=20)
    (100000, 250000)
    """
    return round(MILLION * (cases + weight * towards) / (max(cases, of) + weight))


def left_of_a_piece(known: Figures, settings: GoalsSettings, *, currency: str) -> tuple[int | None, list[str]]:
    """What one sold piece leaves in the mean, returns reckoned in; and what of it nobody knows, by name.

    Without price or cost nothing is said; what else is unknown is left out and named.

    >>> figures = Figures("a", price_minor=1_000, cost_minor=400, currency="EUR", returned=200_000)
    >>> left_of_a_piece(figures, GoalsSettings(sending_minor=50, return_minor=100), currency="EUR")
    (410, [])
    >>> left_of_a_piece(Figures("a", price_minor=1_000, currency="EUR"), GoalsSettings(), currency="EUR")
    (None, ['cost', 'returns', 'sending', 'taking back'])
    """
    is_ours = known.currency == currency
    named = {
        "price": known.price_minor is None or not is_ours, "cost": known.cost_minor is None,
        "returns": known.returned is None, "sending": not settings.sending_minor,
        "taking back": not settings.return_minor,
    }  # fmt: skip
    unknown = [name for name, is_unknown in named.items() if is_unknown]
    if known.price_minor is None or known.cost_minor is None or not is_ours:
        return None, unknown
    back = (known.returned or 0) / MILLION
    margin = _net(known.price_minor, settings) - known.cost_minor
    return round((1 - back) * margin - back * settings.return_minor - settings.sending_minor), unknown


def _net(price_minor: int, settings: GoalsSettings) -> float:
    return price_minor / (1 + settings.tax_percent / 100)


def worth_of(share: float, known: Figures | None, settings: GoalsSettings, *, currency: str) -> Worth:
    """What showing a product is expected to bring, given its share of attention."""
    if known is None:
        return Worth(currency=currency, looks=share, unknown=["price", "cost", "returns"])
    left, unknown = left_of_a_piece(known, settings, currency=currency)
    bought, kept = share * known.buying / MILLION, 1 - (known.returned or 0) / MILLION
    priced = "price" not in unknown and known.price_minor is not None
    return Worth(
        currency=currency, looks=share, bought=bought, kept=bought * kept,
        revenue=bought * kept * _net(known.price_minor or 0, settings) if priced else None,
        contribution=None if left is None else bought * left, piece_minor=left,
        returned=None if known.returned is None else known.returned / MILLION, unknown=unknown,
    )  # fmt: skip


def mixed(worths: Mapping[str, Worth], weights: Mapping[str, int]) -> dict[str, float]:
    """The score of each product by the mix of goals: 1 is the best there is in all that are wanted.

    Each goal is measured against the best product in it, so that a weight means the same whatever the unit. A product
    of which one is not known counts there as the others do in the mean, for the looks it gets: neither wins by it.
    """
    wanted = {goal: weight for goal, weight in weights.items() if weight > 0} or {"looks": 1}
    total = sum(wanted.values())
    scores = dict.fromkeys(worths, 0.0)
    for goal, weight in wanted.items():
        values = _values(worths, goal)
        best = max(map(abs, values.values()), default=0.0) or 1.0
        for product_id, value in values.items():
            scores[product_id] += weight * value / best / total
    return scores


def _values(worths: Mapping[str, Worth], goal: str) -> dict[str, float]:
    said = {product_id: getattr(worth, goal) for product_id, worth in worths.items()}
    known: Sequence[str] = [product_id for product_id, value in said.items() if value is not None]
    looks = sum(worths[one].looks for one in known)
    rate = sum(said[one] for one in known) / looks if looks else 1.0
    return {
        product_id: rate * worths[product_id].looks if value is None else value for product_id, value in said.items()
    }
