"""What the pairs teach of which a shop knows whether they are one person: its model's weights, moved a little.

A shop's people may differ from the simulated ones (a telephone for each order, one landline for a street). The more
pairs it knows, the further they move the weights, and never far: a handful moves nothing. They are no fair sample of
all pairs, so each kind teaches only what it can:

- *Staff* is asked about what looks likely. Given how two records look, what they decide is a fair answer: it moves the
  weights and the prior as a regression does.
- *One account* ties pairs that are one person, all of them. That says how often a person's telephone or address
  differs, and nothing of how many pairs are one person. The thing by which they came together (one e-mail address)
  teaches nothing of itself, nor does the name, which an account fills in.
- *Two people, as facts state*: they share a device or an address, so they live together more often than two people do,
  and their weights would teach that. They only raise the bound from which on a machine ties.

Some labels are wrong, since couples share accounts and people err: none is believed to more than 98 in 100.
Pure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from rapport.resolve.linking.comparer import Comparer
from rapport.resolve.linking.comparisons.comparison import Level
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.labels import Label, SaidBy
from rapport.resolve.linking.model import LearnedComparison, LinkModel, Method, probability

__all__ = ["FEWEST", "Lessons", "least_bound", "taught"]

FEWEST = 20
"""Fewer labels of a kind teach nothing."""
_DOUBT = 0.02
"""Share of the labels that are taken to be wrong."""
_FIRMNESS = 8.0
"""Of a weight in the regression: the curvature of what is known beforehand, a standard deviation of half a bit."""
_BEFOREHAND = 200
"""Pairs of an account that weigh as much as the simulated shops."""
_FURTHEST = 3.0
"""Bits a weight is moved at most."""
_ROUNDS = 60
_CHOSEN_BY: Mapping[str, Method] = {
    "email": Method.MAIL, "phone": Method.PHONE, "card": Method.CARD, "loyalty_card": Method.CARD,
}  # fmt: skip
"""Namespace by which two records came together → what it must not teach."""
_FILLED_IN = frozenset({Method.PERSON_NAME, Method.BEARERS, Method.COMPANY, Method.SENT})
"""What an account says of itself each time."""
_LN2 = math.log(2)

_Pattern = tuple[Level, ...]


class Lessons(NamedTuple):
    """The model with what the labels moved, and what to say of it."""

    model: LinkModel
    card: dict[str, object]


def taught(model: LinkModel, labels: Sequence[Label]) -> Lessons:
    """Move a shop's model by labels, whatever their order; where they are too few it stays as it is."""
    by = Counter(str(label.said_by) for label in labels)
    card: dict[str, object] = {"labels": dict(sorted(by.items()))}
    model = _by_accounts(model, [label for label in labels if label.said_by is SaidBy.ACCOUNT])
    staff = [label for label in labels if label.said_by is SaidBy.STAFF]
    if staff:
        card["staff"] = _agreed(Comparer.of_model(model), staff)
    return Lessons(_by_staff(model, staff), card)


def least_bound(model: LinkModel, labels: Sequence[Label], precision: float) -> float:
    """The log2 odds above which no more pairs stand that are stated to be two people than the precision allows."""
    comparer = Comparer.of_model(model)
    two = [
        levels for label in labels if not label.one_person and not comparer.are_two(levels := _levels(comparer, label))
    ]
    known = sum(not label.one_person for label in labels)
    if known < FEWEST:
        return -math.inf
    odds = sorted(map(comparer.score_levels, two), reverse=True)
    allowed = int((1 - precision) * known)
    return odds[allowed] if len(odds) > allowed else -math.inf


def _levels(comparer: Comparer, label: Label) -> _Pattern:
    return comparer.levels(comparer.prepare(label.left), comparer.prepare(label.right))


# --- accounts ------------------------------------------------------------------------------------------------------


def _by_accounts(model: LinkModel, labels: Sequence[Label]) -> LinkModel:
    """How often a person's records agree here, against how often they do in the simulated shops."""
    if len(labels) < FEWEST:
        return model
    comparer = Comparer.of_model(model)
    seen = [Counter[Level]() for _ in model.comparisons]
    for label in labels:
        hidden = {_CHOSEN_BY[name] for name in label.shared if name in _CHOSEN_BY} | _FILLED_IN
        for at, level in enumerate(_levels(comparer, label)):
            if level >= 0 and model.comparisons[at].aspect.method not in hidden:
                seen[at][level] += 1
    return msgspec.structs.replace(
        model,
        comparisons=[_as_seen(one, levels) for one, levels in zip(model.comparisons, seen, strict=True)],
    )


def _as_seen(one: LearnedComparison, seen: Mapping[Level, int]) -> LearnedComparison:
    known = sum(seen.values())
    usual = [max(share, 1e-4) for share in one.m]
    m = [(seen.get(level, 0) + _BEFOREHAND * share) / (known + _BEFOREHAND) for level, share in enumerate(usual)]
    moved = [math.log2(now / before) for now, before in zip(m, usual, strict=True)]
    return msgspec.structs.replace(one, m=[round(share, 6) for share in m], weights=_with(one, moved))


# --- staff ---------------------------------------------------------------------------------------------------------


class _Decided(NamedTuple):
    levels: _Pattern
    one_person: bool


def _agreed(comparer: Comparer, labels: Sequence[Label]) -> dict[str, int]:
    """Of staff's pairs, how many the model had told likewise before it learned from them."""
    right = sum((comparer.score_levels(_levels(comparer, one)) >= 0) is one.one_person for one in labels)
    return {"decided": len(labels), "likewise": right}


def _by_staff(model: LinkModel, labels: Sequence[Label]) -> LinkModel:
    if len(labels) < FEWEST:
        return model
    comparer = Comparer.of_model(model)
    moved, prior = _moved(comparer, Counter(_Decided(_levels(comparer, one), one.one_person) for one in labels))
    return msgspec.structs.replace(
        model,
        comparisons=[
            msgspec.structs.replace(one, weights=_with(one, by))
            for one, by in zip(model.comparisons, moved, strict=True)
        ],
        prior=round(model.prior + prior, 3),
    )


def _moved(comparer: Comparer, decided: Mapping[_Decided, int]) -> tuple[list[list[float]], float]:
    """By comparison and level, and of the prior, the bits that make the decisions likeliest, drawn towards 0.

    Newton's steps along each weight, all at once and so shortened; what they climb has one top.
    """
    sizes = comparer.level_counts()
    moved, prior, share = [[0.0] * size for size in sizes], 0.0, 1 / (len(sizes) + 1)
    known = [(one, times, comparer.score_levels(one.levels) * _LN2) for one, times in sorted(decided.items())]
    for _ in range(_ROUNDS):
        slopes = [[-_FIRMNESS * each for each in several] for several in moved]
        curves = [[_FIRMNESS] * size for size in sizes]
        slope_of_prior, curve_of_prior = -_FIRMNESS * prior, _FIRMNESS
        for one, times, odds in known:
            at_levels = [(at, level) for at, level in enumerate(one.levels) if level >= 0]
            slope, curve = _pull(odds + prior + sum(moved[at][level] for at, level in at_levels), one.one_person)
            slope_of_prior += times * slope
            curve_of_prior += times * curve
            for at, level in at_levels:
                slopes[at][level] += times * slope
                curves[at][level] += times * curve
        moved = [
            [each + share * slope / curve for each, slope, curve in zip(*three, strict=True)]
            for three in zip(moved, slopes, curves, strict=True)
        ]
        prior += share * slope_of_prior / curve_of_prior
    return [[each / _LN2 for each in several] for several in moved], _bounded(prior / _LN2)


def _pull(odds: float, one_person: bool, /) -> tuple[float, float]:  # noqa: FBT001  # a fact of the pair
    """Slope and curvature of a decision's log likelihood at natural log odds, some of the decisions being wrong."""
    p = probability(odds / _LN2)
    spread = p * (1 - p)
    said = _DOUBT + (1 - 2 * _DOUBT) * (p if one_person else 1 - p)
    slope = (1 - 2 * _DOUBT) * spread / said
    return (slope if one_person else -slope), max(spread, 0.01)


# --- what both do --------------------------------------------------------------------------------------------------


def _bounded(bits: float) -> float:
    return max(-_FURTHEST, min(_FURTHEST, bits))


def _with(one: LearnedComparison, moved: Sequence[float]) -> list[float]:
    """The weights as moved, never less where more agrees."""
    found = [round(weight + _bounded(by), 2) for weight, by in zip(one.weights, moved, strict=True)]
    comparison = COMPARISONS[one.aspect.method]
    for _ in comparison.said:
        for low, high in comparison.rises:
            found[high] = max(found[high], found[low])
    return found
