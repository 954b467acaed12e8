"""Regularities of orders, found by trying them all: how those of a weekday, a channel or a segment differ from others.

Each group is held against all other orders in each measure. The effect is the ratio of the two means, with an interval
that counts customers, not orders (somebody's orders are alike). As many are tried, a share of the finds would be
chance: Benjamini and Hochberg's procedure keeps that share below `FALSE`. No I/O.

Who chooses what is told by what stands out would tell intervals that are too narrow, so those of what is told are as
much wider as fewer of all that was tried are told: on average 95 % of them hold the truth.

**Source:** Benjamini, Hochberg (1995), Controlling the False Discovery Rate; Benjamini, Yekutieli (2005), False
Discovery Rate-Adjusted Multiple Confidence Intervals for Selected Parameters; the variance of a ratio of means by
linearisation over clusters, as in Deng, Knoblich, Lu (2018), Applying the Delta Method in Metric Analytics.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import msgspec

__all__ = ["FALSE", "FEWEST", "MEASURES", "Basket", "Pattern", "Sums", "accepted", "effect_of", "patterns_of"]

FALSE = 0.05
"""Share of the patterns told that may be chance, on average."""
FEWEST = 50
"""Orders, and customers, on either side from which on a group is looked at."""
WEEKDAY_GROUPS = 14
"""Days, and pairs of days that follow each other."""
SMALLEST = 0.03
"""Smaller effects are not told, however sure they are."""
_WIDE = NormalDist().inv_cdf(0.975)

MEASURES = {
    "items": "items in a basket", "price": "price of an item", "value": "order value", "returned": "orders given back",
}  # fmt: skip

_ACT = {
    ("items", True): "Show sets, refills and what goes with it.",
    ("items", False): "Show the one thing that fits rather than sets.",
    ("price", True): "Put the better things forward.",
    ("price", False): "Put what costs less forward; a discount is hardly needed there.",
    ("value", True): "Worth more attention, stock and staff.",
    ("value", False): "A threshold a little above the usual basket may lift it.",
    ("returned", True): "Say more about size and quality before the order, and look at what comes back.",
    ("returned", False): "Less comes back: new things can be tried on them first.",
}  # fmt: skip


class Basket(NamedTuple):
    """One order and the groups it is in."""

    customer: bytes
    items: int
    value_minor: int
    returned: bool | None
    """None: it has not had time to come back."""
    groups: Collection[tuple[str, str]]
    """Kind and name: ("weekday", "Friday")."""


class Effect(NamedTuple):
    """A ratio of two means less one, its interval of 95 %, and how likely so large a one is by chance."""

    effect: float
    low: float
    high: float
    p: float


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """One regularity."""

    kind: str
    """weekday, channel, device, segment or customers."""
    group: str
    measure: str
    title: str
    effect: float
    """0.18: a mean 18 % above that of all other orders."""
    low: float
    high: float
    """Where it lies, for 95 % of all that are told."""
    q: float
    """Benjamini and Hochberg's adjusted p: the share of chance finds among all that are as sure as this one."""
    orders: int
    customers: int
    mean: float
    other_mean: float
    """In minor units for price and value."""
    act: str
    """What it would mean to act on it."""


def patterns_of(baskets: Sequence[Basket]) -> list[Pattern]:
    """The regularities of these orders, those that are surely large first."""
    tried = [(*key, found) for key, found in _tried(baskets)]
    kept = accepted([found.effect.p for *_, found in tried])
    told: list[Pattern] = []
    effects: list[Effect] = []
    for number in sorted(kept, key=lambda one: (-_surely(tried[one][2].effect), tried[one][0], tried[one][1])):
        group, measure, whole = tried[number]
        found = _beside_days(group, measure, whole, baskets, told)
        if found is not None and abs(found.effect.effect) >= SMALLEST:
            told.append(_pattern(group, measure, found, kept[number]))
            effects.append(found.effect)
    wide = NormalDist().inv_cdf(1 - FALSE * len(told) / max(len(tried), 1) / 2) if told else _WIDE
    return [_widened(one, effect, wide) for one, effect in zip(told, effects, strict=True)]


def _widened(pattern: Pattern, effect: Effect, wide: float) -> Pattern:
    """The pattern with an interval of so many standard errors on each side."""
    middle, error = math.log1p(effect.effect), math.log((1 + effect.high) / (1 + effect.low)) / (2 * _WIDE)
    low, high = (round(math.expm1(middle + side * wide * error), 4) for side in (-1, 1))
    return msgspec.structs.replace(pattern, low=low, high=high)


def _pattern(group: tuple[str, str], measure: str, found: _Found, q: float) -> Pattern:
    return Pattern(
        kind=group[0], group=group[1], measure=measure, title=MEASURES[measure], effect=round(found.effect.effect, 4),
        low=round(found.effect.low, 4), high=round(found.effect.high, 4), q=round(q, 6), orders=found.orders,
        customers=found.customers, mean=round(found.mean, 4), other_mean=round(found.other_mean, 4),
        act=_ACT[measure, found.effect.effect > 0],
    )  # fmt: skip


def _beside_days(
    group: tuple[str, str], measure: str, found: _Found, baskets: Sequence[Basket], told: Iterable[Pattern]
) -> _Found | None:
    """Days that differ make all other days differ from the mean: those are held against each other alone.

    None where nothing is left of it then, or where a larger pattern has these days.
    """
    before = {(one.kind, one.group) for one in told if one.kind == "weekday" and one.measure == measure}
    if group[0] != "weekday" or not before:
        return found
    days = set(group[1].split(" and "))
    if any(days & set(name.split(" and ")) for _, name in before):
        return None
    rest = [basket for basket in baskets if not before.intersection(basket.groups)]
    inside = Sums(_values((basket for basket in rest if group in basket.groups), measure))
    left = _looked(Sums(_values(rest, measure)), inside)
    return left if left is not None and left.effect.p <= FALSE / WEEKDAY_GROUPS else None


def accepted(ps: Sequence[float], *, false: float = FALSE) -> dict[int, float]:
    """Which of these are kept, with their adjusted p, so that on average at most `false` of them are chance.

    >>> accepted([0.001, 0.2, 0.012, 0.9])
    {0: 0.004, 2: 0.024}
    """
    ranked = sorted(range(len(ps)), key=lambda one: ps[one], reverse=True)
    adjusted, least = {}, 1.0
    for place, one in enumerate(ranked):
        least = min(least, ps[one] * len(ps) / (len(ps) - place))
        adjusted[one] = least
    return {one: round(adjusted[one], 12) for one in sorted(adjusted) if adjusted[one] <= false}


class Sums:
    """A measure of orders by customer: sum and number of each, and of all what their variance needs."""

    def __init__(self, values: Iterable[tuple[bytes, float]]) -> None:
        self.by_customer: dict[bytes, tuple[float, int]] = {}
        for customer, value in values:
            total, number = self.by_customer.get(customer, (0.0, 0))
            self.by_customer[customer] = (total + value, number + 1)
        self.total = math.fsum(total for total, _ in self.by_customer.values())
        self.orders = sum(number for _, number in self.by_customer.values())
        held = self.by_customer.values()
        self._squares = math.fsum(total * total for total, _ in held)
        self._products = math.fsum(total * number for total, number in held)
        self._numbers = sum(number * number for _, number in held)

    def spread(self, mean: float) -> float:
        """The sum over customers of the square of their part in the error of this mean."""
        return self._squares - 2 * mean * self._products + mean * mean * self._numbers

    def spread_of(self, customers: Iterable[bytes], mean: float) -> float:
        """The same of these customers alone."""
        some = (self.by_customer[one] for one in customers)
        return math.fsum((total - mean * number) ** 2 for total, number in some)


def effect_of(every: Sums, inside: Sums) -> Effect | None:
    """The ratio of the mean of some orders to that of all the others; None where it cannot be told.

    Customers may be on both sides: what their orders have in common is counted.
    """
    number, others = inside.orders, every.orders - inside.orders
    if not number or not others:
        return None
    mean, other = inside.total / number, (every.total - inside.total) / others
    if mean <= 0 or other <= 0:
        return None
    parts = []
    for customer, (total, count) in inside.by_customer.items():
        whole, of = every.by_customer[customer]
        part = (whole - total - other * (of - count)) / (others * other)
        parts.append(((total - mean * count) / (number * mean) - part) ** 2)
    elsewhere = every.spread(other) - every.spread_of(inside.by_customer, other)
    error = math.sqrt(math.fsum(parts) + max(0.0, elsewhere) / (others * other) ** 2)
    if error <= 1e-9:
        return None
    log = math.log(mean / other)
    p = math.erfc(abs(log) / error / math.sqrt(2))
    return Effect(mean / other - 1, math.exp(log - _WIDE * error) - 1, math.exp(log + _WIDE * error) - 1, p)


class _Found(NamedTuple):
    effect: Effect
    orders: int
    customers: int
    mean: float
    other_mean: float


def _tried(baskets: Sequence[Basket]) -> Iterator[tuple[tuple[tuple[str, str], str], _Found]]:
    members: dict[tuple[str, str], list[Basket]] = defaultdict(list)
    for basket in baskets:
        for group in basket.groups:
            members[group].append(basket)
    for measure in MEASURES:
        every = Sums(_values(baskets, measure))
        for group in sorted(members):
            inside = Sums(_values(members[group], measure))
            found = _looked(every, inside)
            if found is not None:
                yield (group, measure), found


def _looked(every: Sums, inside: Sums) -> _Found | None:
    customers, others = len(inside.by_customer), every.orders - inside.orders
    alone = sum(every.by_customer[one] == held for one, held in inside.by_customer.items())
    if min(customers, others, len(every.by_customer) - alone) < FEWEST:
        return None
    effect = effect_of(every, inside)
    if effect is None:
        return None
    mean, other = inside.total / inside.orders, (every.total - inside.total) / others
    return _Found(effect, inside.orders, customers, mean, other)


def _values(baskets: Iterable[Basket], measure: str) -> Iterator[tuple[bytes, float]]:
    for basket in baskets:
        value = _value(basket, measure)
        if value is not None:
            yield basket.customer, value


def _value(basket: Basket, measure: str) -> float | None:
    if measure == "value":
        return float(basket.value_minor) if basket.value_minor > 0 else None
    if measure == "returned":
        return None if basket.returned is None else float(basket.returned)
    if basket.items <= 0 or basket.value_minor <= 0:
        return None
    return float(basket.items) if measure == "items" else basket.value_minor / basket.items


def _surely(effect: Effect) -> float:
    """The nearer end of the interval: so large the effect is at least."""
    return min(abs(math.log1p(effect.low)), abs(math.log1p(effect.high)))
