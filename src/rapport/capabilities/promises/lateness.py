"""How likely it is that something comes too late: learnt from how long this shop's own orders took. Pure.

For each stage (ordered, handed over, out for delivery) a survival curve: the share of orders that were still not there
so long after the stage began. An order that has waited for `a` and may take `b` is late with probability S(b) / S(a),
so silence alone makes the risk grow, and no feature has to be made of it. Orders that are still on their way count as
far as they have come (Kaplan and Meier), or the shop would learn from the quick ones alone. Regions have curves of
their own, drawn towards the country's and the shop's by how few orders they rest on.

**Source:** Kaplan, Meier, Nonparametric estimation from incomplete observations, JASA 53 (1958).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from rapport.kernel.clock import HOUR

__all__ = ["LEAST", "SHRINK", "Curve", "Lived", "Model", "Stage", "learn"]

Stage: TypeAlias = Literal["placed", "handed", "out"]
STAGES: tuple[Stage, ...] = ("placed", "handed", "out")

LEAST = 30
"""Arrivals a curve rests on, at least; the shop's own below that says nothing."""
SHRINK = 10.0
"""So many orders is the curve above worth beside a curve's own; chosen on Olist, as the days that are learnt from."""
_POINTS = 200


class Lived(NamedTuple):
    """How long one order took from the beginning of a stage, or has taken so far."""

    stage: Stage
    segment: str
    """`BR|SP`: country and region; one or both may be empty."""
    hours: float
    arrived: bool


class Curve(msgspec.Struct, frozen=True, array_like=True):
    """The share that is not there yet, from each hour on: `left[i]` after `hours[i]`."""

    hours: tuple[float, ...]
    left: tuple[float, ...]
    count: int
    """Orders it rests on."""

    def after(self, hours: float) -> float:
        """The share that was still not there after so many hours."""
        at = bisect_right(self.hours, hours)
        return self.left[at - 1] if at else 1.0


class Model(msgspec.Struct, frozen=True):
    """What a shop has learnt: curves by stage and segment."""

    curves: Mapping[str, Mapping[str, Curve]] = {}
    orders: int = 0

    def late(self, stage: Stage, segment: str, *, waited: int, allowed: int) -> float | None:
        """The probability that it takes longer than `allowed`, having taken `waited` (microseconds); None while nobody
        knows: too few orders of this shop have arrived.
        """
        curves = self.curves.get(stage, {})
        if "" not in curves:
            return None
        a, b = max(0.0, waited / HOUR), max(0.0, allowed / HOUR)
        if b <= a:
            return 1.0
        share = 0.5
        for name in _above(segment):
            curve = curves.get(name)
            still = curve.after(a) if curve is not None else 0.0
            if curve is not None and still:
                own, above = curve.count * still, SHRINK if name else 1.0
                share = (own * curve.after(b) / still + above * share) / (own + above)
        return share

    def reaches(self, stage: Stage, segment: str, *, waited: int, allowed: int, share: float) -> int | None:
        """After how much waiting the risk is at least `share`; None where it already is, or nobody knows."""
        risk = self.late(stage, segment, waited=waited, allowed=allowed)
        if risk is None or risk >= share:
            return None
        low, high = waited, allowed
        while high - low > HOUR // 12:
            middle = (low + high) // 2
            found = self.late(stage, segment, waited=middle, allowed=allowed)
            low, high = (low, middle) if found is None or found >= share else (middle, high)
        return high

    def quantile(self, stage: Stage, segment: str, *, waited: int, share: float) -> int | None:
        """How long it takes with this probability, having taken `waited`; None while nobody knows."""
        curves = self.curves.get(stage, {})
        curve = next((curves[name] for name in reversed(_above(segment)) if name in curves), None)
        if curve is None:
            return None
        still = curve.after(waited / HOUR)
        if not still:
            return None
        for hours, left in zip(curve.hours, curve.left, strict=True):
            if left <= still * (1 - share):
                return int(hours * HOUR)
        return None


def learn(lived: Iterable[Lived]) -> Model:
    """The curves of these orders; of segments with too few arrivals there are none."""
    groups: dict[tuple[str, str], list[tuple[float, bool]]] = {}
    orders = 0
    for one in lived:
        orders += one.stage == "placed"
        for name in _above(one.segment):
            groups.setdefault((one.stage, name), []).append((max(0.0, one.hours), one.arrived))
    curves: dict[str, dict[str, Curve]] = {}
    for (stage, name), some in sorted(groups.items()):
        if sum(arrived for _, arrived in some) >= LEAST:
            curves.setdefault(stage, {})[name] = _curve(sorted(some))
    return Model(curves, orders)


def _above(segment: str) -> tuple[str, ...]:
    """The segment and those it is a part of, the largest first."""
    country, _, region = segment.partition("|")
    return tuple(dict.fromkeys(("", country, *([segment] if region else []))))


def _curve(lived: Sequence[tuple[float, bool]]) -> Curve:
    """Kaplan and Meier's product, at most `_POINTS` steps of it."""
    at_risk, left = len(lived), 1.0
    steps: list[tuple[float, float]] = []
    index = 0
    while index < len(lived):
        hours = lived[index][0]
        arrived = gone = 0
        while index < len(lived) and lived[index][0] == hours:
            arrived += lived[index][1]
            gone += 1
            index += 1
        if arrived:
            left *= 1 - arrived / at_risk
            steps.append((hours, left))
        at_risk -= gone
    if len(steps) > _POINTS:
        kept = {round(number * (len(steps) - 1) / (_POINTS - 1)) for number in range(_POINTS)}
        steps = [step for number, step in enumerate(steps) if number in kept]
    return Curve(tuple(round(h, 3) for h, _ in steps), tuple(round(s, 6) for _, s in steps), len(lived))
