"""What is known beforehand of how a shop's people are written down: weights learned on simulated shops.

A shop's own records hardly say which pairs are one person, and whoever learns from likeness alone learns families. So
the weights come from tables whose truth is known (`benchmarks.shop_weights` makes them), with what comparisons say
together; how frequent names are and who shares what is counted in the shop's own records.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rapport.resolve.linking.blocking import Blocks, blocks_of_doors, doors_of, keys_of
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.comparisons.comparison import Level
from rapport.resolve.linking.comparisons.methods import COMPARISONS
from rapport.resolve.linking.comparisons.names import PersonNames
from rapport.resolve.linking.labels import Label
from rapport.resolve.linking.lessons import least_bound, taught
from rapport.resolve.linking.model import (
    Aspect,
    Kinship,
    LearnedComparison,
    LinkModel,
    Method,
    Thresholds,
    Together,
    probability,
)
from rapport.resolve.linking.patterns import candidate_patterns

__all__ = ["ASKED", "METHODS", "WEIGHTS", "Progress", "candidate_levels", "links_from", "sharing_of", "shop_model",
           "train_shop"]  # fmt: skip

Progress = Callable[[str, float], None]
"""Called with what is being done and the share that is done."""

METHODS = (
    Method.PERSON_NAME, Method.MAIL, Method.PHONE, Method.DOOR, Method.BIRTH, Method.CARD, Method.FLAG,
    Method.BEARERS, Method.COMPANY, Method.SENT,
)  # fmt: skip
"""In the order of the weights."""
WEIGHTS = Path(__file__).with_name("shop_weights.json")


ASKED = 0.995
"""Share of the links made without asking that is to be right, unless another is asked for."""
_ASKED_FROM = -2.0
"""Log2 odds from which on a pair may be worth a person's look: one in five."""
_MEAN = 2.0
"""Log2 odds that all pairs of a record with a person are to reach together, where the best is sure enough."""
_SHARED = {Method.MAIL: 6, Method.PHONE: 2, Method.DOOR: 5}
"""The level from which on two records have one and the same."""
_SHARING = (0.06, 0.25)
_LEAST, _MOST = 2.0, 12.0
"""Log2 odds between which a machine begins to tie."""


def train_shop(
    rows: Sequence[Mapping[str, Any]],
    aspects: Sequence[Aspect],
    *,
    labels: Sequence[Label] = (),
    seed: int,
    precision: float,
    progress: Progress,
) -> LinkModel:
    """Fit the shipped weights to a shop's records: how frequent, who shares, what labels teach, from where on to tie.

    `precision`: the share of links without asking that is to be right, from .5 up to but without 1.
    """
    comparer = Comparer.of_rows(aspects, rows)
    progress("reading records", 0.3)
    prepared = [comparer.prepare(row) for row in rows]
    progress("weighing candidates", 0.6)
    patterns, sampled = candidate_patterns(comparer, prepared, seed)
    model, lessons = taught(shop_model(comparer, sharing_of(comparer, patterns)), labels)
    looked_at = _Looked.of(Comparer.of_model(model), patterns, sampled)
    automatic = round(max(looked_at.ties_from(precision), min(_MOST, least_bound(model, labels, precision) + 0.01)), 2)
    card = {
        "asked_precision": precision, "reliability": _shipped()["reliability"], "links": links_from(automatic),
        **lessons, **looked_at.card(automatic, len(rows)),
    }  # fmt: skip
    thresholds = Thresholds(link=automatic, automatic=automatic, review=_ASKED_FROM, mean=_MEAN)
    return msgspec.structs.replace(model, thresholds=thresholds, card=card)


def links_from(automatic: float) -> dict[str, float]:
    """Of pairs of simulated shops that the weights were not fitted to, from about so many bits on: how many are one
    person, with an interval of 95 % over shops.
    """
    found: dict[str, float] = max(
        (each for each in _shipped()["links"] if each["bits"] <= automatic), key=lambda each: each["bits"]
    )
    return found


def sharing_of(comparer: Comparer, patterns: Mapping[tuple[Level, ...], int]) -> int:
    """How usual it is in this shop that people share what they give: 0 hardly, 1 now and then, 2 often.

    Of the pairs with one e-mail address, telephone number or door those with different given names.
    """
    at = {aspect.method: number for number, aspect in enumerate(comparer.aspects)}
    places = [(at[method], least) for method, least in _SHARED.items() if method in at]
    name = at[Method.PERSON_NAME]
    two = one = 0
    for levels, count in patterns.items():
        if levels[name] >= 0 and any(levels[place] >= least for place, least in places):
            differs = PersonNames.contradicts(levels[name])
            two += count * differs
            one += count * (not differs and PersonNames.knows_given(levels[name]))
    share = two / max(1, two + one)
    return sum(share >= bound for bound in _SHARING)


class _Looked(NamedTuple):
    """What the judge says of a sample's candidates: log2 odds, the surest first; and of how many records."""

    odds: list[float]
    """Of pairs that nothing contradicts."""
    against: list[float]
    """Of the others."""
    records: int

    @staticmethod
    def of(comparer: Comparer, patterns: Mapping[tuple[Level, ...], int], records: int) -> _Looked:
        """Score the patterns, each as often as it was seen."""
        odds: list[float] = []
        against: list[float] = []
        for levels, count in patterns.items():
            (against if comparer.are_two(levels) else odds).extend([comparer.score_levels(levels)] * count)
        return _Looked(sorted(odds, reverse=True), against, records)

    def ties_from(self, precision: float) -> float:
        """The least log2 odds from which on the links are expected to be right often enough."""
        wrong, least = 0.0, _MOST
        for number, odds in enumerate(self.odds, 1):
            wrong += 1 - probability(odds)
            if wrong > (1 - precision) * number:
                break
            least = odds
        return math.floor(100 * min(_MOST, max(_LEAST, least))) / 100

    def card(self, automatic: float, records: int) -> dict[str, Any]:
        """What is expected of this shop, for people."""
        tied = [probability(odds) for odds in self.odds if odds >= automatic]
        expected = sum(map(probability, (*self.odds, *self.against)))
        waiting = [p for p in map(probability, self.odds) if 0.5 <= p < probability(automatic)]
        scale = records / max(1, self.records) / 2
        return {
            "expected_matching_pairs": round(expected * scale), "expected_links": round(len(tied) * scale),
            "expected_precision": round(sum(tied) / max(1, len(tied)), 5),
            "expected_recall": round(sum(tied) / max(1e-9, expected), 4),
            "expected_waiting": round(len(waiting) * scale),
        }  # fmt: skip


def shop_model(comparer: Comparer, sharing: int) -> LinkModel:
    """The model that a shop begins with: weights as shipped for shops where as much is shared (see `sharing_of`),
    frequencies as the comparer counted them.
    """
    shipped = _shipped()
    at = {aspect.method.value: number for number, aspect in enumerate(comparer.aspects)}
    comparisons = [
        LearnedComparison(
            aspect,
            shipped["m"][aspect.method.value],
            shipped["u"][aspect.method.value],
            _weights(aspect.method, sharing),
            comparer.frequencies[number],
        )
        for number, aspect in enumerate(comparer.aspects)
    ]
    prior = shipped["prior"] + shipped["sharing"]["prior"][sharing]
    home, company = (_kinship(comparer, shipped[kind], sharing) for kind in ("home", "company"))
    return LinkModel(comparisons, prior, together=_together(shipped, at), home=home, company=company, shop=True)


def _kinship(comparer: Comparer, shipped: Mapping[str, Any], sharing: int) -> Kinship:
    at = {aspect.method.value: number for number, aspect in enumerate(comparer.aspects)}
    weights = [_as_shared(shipped, aspect.method, sharing) for aspect in comparer.aspects]
    return Kinship(weights, shipped["prior"] + shipped["sharing"]["prior"][sharing], _together(shipped, at))


def _together(shipped: Mapping[str, Any], at: Mapping[str, int]) -> list[Together]:
    return [
        Together(at[pair["a"]], at[pair["b"]], pair["weights"])
        for pair in shipped["together"]
        if pair["a"] in at and pair["b"] in at
    ]


def _as_shared(shipped: Mapping[str, Any], method: Method, sharing: int) -> list[float]:
    """By level, as shipped, where people share so much."""
    comparison, by_sharing = COMPARISONS[method], shipped["sharing"]["alone"].get(method.value)
    of_sharing = by_sharing[sharing] if by_sharing else [0.0] * (max(comparison.groups) + 1)
    alone = zip(shipped["alone"][method.value], comparison.groups, strict=True)
    return [round(float(weight + of_sharing[group]), 2) for weight, group in alone]


def _weights(method: Method, sharing: int) -> list[float]:
    """By level, as shipped and for this much sharing; never less where more agrees."""
    comparison, weights = COMPARISONS[method], _as_shared(_shipped(), method, sharing)
    for _ in comparison.said:
        for low, high in comparison.rises:
            weights[high] = max(weights[high], weights[low])
    return weights


class Candidate(NamedTuple):
    """Two records that are looked at, with the level of each comparison."""

    record: int
    other: int
    levels: tuple[Level, ...]
    beside: bool
    """Only for living together: they share a door and nothing that one person would."""


def candidate_levels(comparer: Comparer, prepared: Sequence[Prepared], order: Sequence[int]) -> Iterator[Candidate]:
    """The pairs that are looked at when records come in this order, with the level of each comparison."""
    blocks, at_doors = Blocks(), blocks_of_doors()
    for number in order:
        record = prepared[number]
        keys, doors = keys_of(comparer.aspects, record), doors_of(comparer.aspects, record)
        several = blocks.candidates(keys)
        for other in several:
            yield Candidate(number, other, comparer.levels(record, prepared[other]), beside=False)
        for other in set(at_doors.candidates(doors)) - set(several):
            yield Candidate(number, other, comparer.levels(record, prepared[other]), beside=True)
        blocks.add(number, keys)
        at_doors.add(number, doors)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return document
