"""What another policy would have earned, from what one policy showed with known odds. Pure.

A log is a list of decisions, each a list of places filled one after the other. What a place brought is weighed by how
much more often the other policy would have come to it: the product of its odds over the logged ones, up to this place.

**Source:** IPS and its normalised form: Swaminathan & Joachims (NeurIPS 2015), by places as in Precup and others (ICML
2000); doubly robust: Dudík, Langford, Li (ICML 2011), by places as in Jiang & Li (ICML 2016); shrunk weights: Su,
Dimakopoulou, Krishnamurthy, Dudík (ICML 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

__all__ = ["ESTIMATORS", "Estimate", "Place", "effective_size", "estimate", "logged_value"]

ESTIMATORS = ("ips", "snips", "dm", "dr", "dros")

_Z = 1.959963984540054
"""Of 95 %."""

_NOTHING = 1e-100
"""Weights that sum up to less are none: their inverse is beyond all numbers."""

_LAMBDAS = (0.5, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 5_000.0, 1e5)


class Place(NamedTuple):
    """One place of a logged decision."""

    reward: float
    odds: float
    """With which what stood there was put there, given the places before it; above 0."""
    other: float
    """The same of the policy that is judged."""
    expected: float
    """What what stood there brings here by a model that has not seen this decision."""
    expected_of_other: float
    """The same, averaged over what the judged policy would put here after the places before it."""


class Estimate(NamedTuple):
    """What a decision brings, with its 95 % interval by the normal approximation over decisions."""

    value: float
    low: float
    high: float


def estimate(decisions: Sequence[Sequence[Place]], how: str) -> Estimate:
    """What a decision would bring under the judged policy, by one of ESTIMATORS. Linear in places.

    Raises ValueError for no decisions.

    >>> shown = [[Place(1, .5, 1, .5, .5)], [Place(0, .5, 0, .5, .5)]]
    >>> estimate(shown, "ips").value, estimate(shown, "snips").value, estimate(shown, "dm").value
    (1.0, 1.0, 0.5)
    """
    if not decisions:
        raise ValueError("no decisions, so nothing can be estimated")
    if how == "snips":
        return _normalised(decisions)
    shrunk = _best_shrinkage(decisions) if how == "dros" else inf
    return _mean([_one(decision, how, shrunk) for decision in decisions])


def logged_value(decisions: Sequence[Sequence[Place]]) -> Estimate:
    """What a decision brought as it was made."""
    return _mean([sum(place.reward for place in decision) for decision in decisions])


def effective_size(decisions: Sequence[Sequence[Place]]) -> float:
    """As many decisions of the judged policy itself would say as much: by the weights of whole slates.

    **Source:** Kish (1965).
    """
    weights = [_weights(decision)[-1] if decision else 1.0 for decision in decisions]
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0


def _weights(decision: Sequence[Place]) -> list[float]:
    weight, found = 1.0, []
    for place in decision:
        weight *= place.other / place.odds
        found.append(weight)
    return found


def _shrink(weight: float, by: float) -> float:
    return weight if by == inf else by * weight / (weight * weight + by)


def _one(decision: Sequence[Place], how: str, shrunk: float) -> float:
    """What one decision says of the judged policy."""
    total, before = 0.0, 1.0
    for place, weight in zip(decision, _weights(decision), strict=True):
        if how == "ips":
            total += weight * place.reward
        elif how == "dm":
            total += place.expected_of_other
        else:
            total += before * place.expected_of_other
            total += _shrink(weight, shrunk) * (place.reward - place.expected)
            before = weight
    return total


def _best_shrinkage(decisions: Sequence[Sequence[Place]]) -> float:
    """The λ with the least estimated error: the variance of the mean, and the square of what shrinking can shift."""
    best, least = inf, inf
    number = len(decisions)
    for shrunk in (*_LAMBDAS, inf):
        values, shift = [], 0.0
        for decision in decisions:
            values.append(_one(decision, "dros", shrunk))
            for place, weight in zip(decision, _weights(decision), strict=True):
                shift += (_shrink(weight, shrunk) - weight) * (place.reward - place.expected)
        mean = sum(values) / number
        variance = sum((value - mean) ** 2 for value in values) / max(number - 1, 1) / number
        error = variance + (shift / number) ** 2
        if error < least:
            best, least = shrunk, error
    return best


def _normalised(decisions: Sequence[Sequence[Place]]) -> Estimate:
    """SNIPS, place by place: rewards weighed over the sum of the weights of this place; errors linearised."""
    number, longest = len(decisions), max((len(decision) for decision in decisions), default=0)
    weights = [_weights(decision) for decision in decisions]
    parts = [0.0] * number
    value = 0.0
    for k in range(longest):
        total = sum(each[k] for each in weights if k < len(each))
        if total < _NOTHING:
            continue
        here = sum(
            each[k] * decision[k].reward for each, decision in zip(weights, decisions, strict=True) if k < len(each)
        )
        reached = sum(k < len(each) for each in weights) / number
        mean = here / total
        value += mean * reached
        scale = number * reached / total
        for row, (each, decision) in enumerate(zip(weights, decisions, strict=True)):
            if k < len(each):
                parts[row] += scale * each[k] * (decision[k].reward - mean)
    half = _Z * sqrt(sum(part * part for part in parts) / max(number - 1, 1) / number)
    return Estimate(value, value - half, value + half)


def _mean(values: Sequence[float]) -> Estimate:
    number = len(values)
    mean = sum(values) / number
    half = _Z * sqrt(sum((value - mean) ** 2 for value in values) / max(number - 1, 1) / number)
    return Estimate(mean, mean - half, mean + half)
