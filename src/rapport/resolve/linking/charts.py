"""The weights of a comparison, and of a whole model, as bars. No I/O.

All numbers are in hundredths of the chart's width; the scale is one for all bars of a chart, and 0 bits is on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

import msgspec

from rapport.resolve.linking.comparisons.methods import sentences
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.review import ReviewPair

__all__ = ["AspectChart", "Bar", "Steps", "Weighed", "aspect_charts", "steps"]


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """From one amount of bits to another."""

    x: float
    width: float
    against: bool
    """Whether it speaks against one person."""


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """How a score comes about: each bar begins where the one before it ended."""

    zero: float
    """Where even odds are."""
    prior: Bar
    fields: list[Bar]
    score: Bar
    """From even odds to where the last field ended."""


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome of a comparison, and how many bits it speaks for one person."""

    says: str
    weight: float
    bar: Bar


class AspectChart(msgspec.Struct, frozen=True, kw_only=True):
    """All outcomes of one comparison, what speaks most for one person first."""

    aspect: str
    columns: list[str]
    zero: float
    levels: list[Weighed]


class _Scale:
    """Bits to hundredths of the width."""

    def __init__(self, amounts: Iterable[float]) -> None:
        amounts = [0.0, *amounts]
        self._low = min(amounts)
        self._per_bit = 100 / max(1.0, max(amounts) - self._low)

    def at(self, bits: float) -> float:
        return round((bits - self._low) * self._per_bit, 2)

    def bar(self, start: float, end: float) -> Bar:
        low, high = self.at(min(start, end)), self.at(max(start, end))
        return Bar(x=low, width=round(high - low, 2), against=end < start)


def steps(pair: ReviewPair) -> Steps:
    """The prior and the weights of a pair, one after the other."""
    ends = list(accumulate((field.weight for field in pair.fields), initial=pair.prior))
    scale = _Scale(ends)
    return Steps(
        zero=scale.at(0.0),
        prior=scale.bar(0.0, pair.prior),
        fields=[scale.bar(start, end) for start, end in pairwise(ends)],
        score=scale.bar(0.0, ends[-1]),
    )


def aspect_charts(model: LinkModel) -> list[AspectChart]:
    """What a model makes of each outcome of each comparison; one scale for all."""
    scale = _Scale(weight for comparison in model.comparisons for weight in comparison.weights)
    return [
        AspectChart(
            aspect=comparison.aspect.name, columns=comparison.aspect.columns, zero=scale.at(0.0),
            levels=_levels(sentences(comparison.aspect.method), comparison.weights, scale),
        )
        for comparison in model.comparisons
        if any(comparison.weights)  # what says nothing of one person is there for households and companies
    ]  # fmt: skip


def _levels(says: Sequence[str], weights: Sequence[float], scale: _Scale) -> list[Weighed]:
    found = [
        Weighed(says=said, weight=round(weight, 2), bar=scale.bar(0.0, weight))
        for said, weight in zip(says, weights, strict=True)
    ]
    return sorted(found, key=lambda level: -level.weight)
