"""Patterns: what is planted is found with its size, what is chance is not told, and one customer is one voice."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.insights.patterns import Basket, Sums, accepted, effect_of, patterns_of
from rapport.capabilities.insights.service.baskets import look_for_patterns
from rapport.kernel.clock import DAY
from rapport.measure.model import Question
from tests.shop import NOON, Shop

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def baskets(rng: random.Random, number: int, *, on: str = "", more: float = 1.0) -> list[Basket]:
    """Orders of 300 people on days by chance, who differ; on one day they hold more."""
    made = []
    for _ in range(number):
        who, day = rng.randrange(300), rng.choice(DAYS)
        usual = 2.0 + who % 5
        items = max(1, round(rng.expovariate(1 / (usual * (more if day == on else 1.0))) + 0.5))
        made.append(Basket(who.to_bytes(2), items, items * 1000, False, {("weekday", day), ("half", str(who % 2))}))
    return made


def test_published_example_of_the_procedure() -> None:
    """**Source:** Benjamini and Hochberg (1995), section 4: of these fifteen, the first four at five per cent."""
    ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
          0.7590, 1.0]  # fmt: skip
    assert sorted(accepted(ps)) == [0, 1, 2, 3]
    assert accepted([]) == {}


def test_what_is_planted_is_found_and_lies_in_its_interval() -> None:
    covered = 0
    for seed in range(8):
        found = patterns_of(baskets(random.Random(seed), 4_000, on="Friday", more=1.4))
        assert {one.group for one in found if one.kind == "weekday"} == {"Friday"}
        first = next(one for one in found if one.measure == "items")
        covered += first.low <= 0.37 <= first.high  # rounding up to whole items makes 1.4 times somewhat less
    assert covered >= 6


def test_what_is_told_of_small_effects_lies_in_its_interval_as_often_as_is_said() -> None:
    """Forty groups that differ little: of those that stand out the truth is smaller, and still within."""
    told = covered = 0
    for seed in range(12):
        rng = random.Random(seed)
        truth = {f"g{number}": rng.gauss(0, 0.05) for number in range(40)}
        made = []
        for number in range(6_000):
            group = f"g{rng.randrange(40)}"
            value = max(1, round(5_000 * math.exp(truth[group] + rng.gauss(0, 0.5))))
            made.append(Basket(number.to_bytes(4), 1, value, False, {("segment", group)}))
        mean = sum(map(math.exp, truth.values())) / 40
        for one in (one for one in patterns_of(made) if one.measure == "value"):
            mine = math.exp(truth[one.group])
            told += 1
            covered += one.low <= mine / ((40 * mean - mine) / 39) - 1 <= one.high
    assert told >= 10
    assert covered / told >= 0.85


def test_what_had_no_time_to_come_back_says_nothing_of_returns() -> None:
    """A channel that was opened two weeks ago has as many returns as any other: none are told to be fewer."""
    rng, made = random.Random(3), []
    for number in range(4_000):
        age = rng.uniform(0, 180)
        channel = "app" if (age < 14 or number % 9 == 0) and rng.random() < 0.5 else "web"
        came = rng.random() < 0.2 and rng.uniform(3, 30) <= age
        made.append(Basket(number.to_bytes(4), 1, 2_000, came if age > 30 else None, {("channel", channel)}))
    assert [one for one in patterns_of(made) if one.measure == "returned"] == []


def test_where_nothing_is_planted_hardly_anything_is_told() -> None:
    told = [patterns_of(baskets(random.Random(seed), 2_000)) for seed in range(30)]
    groups = [[one for one in some if one.kind == "weekday"] for some in told]
    assert sum(map(bool, groups)) <= 4


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.floats(1, 100)), min_size=4, max_size=40))
def test_the_interval_is_that_of_the_formula_written_out(rows: list[tuple[int, bool, float]]) -> None:
    every = Sums((bytes([who]), value) for who, _, value in rows)
    inside = Sums((bytes([who]), value) for who, is_in, value in rows if is_in)
    found = effect_of(every, inside)
    sides = {side: [(who, value) for who, is_in, value in rows if is_in is side] for side in (True, False)}
    if not all(sides.values()):
        assert found is None
        return
    means = {side: sum(value for _, value in some) / len(some) for side, some in sides.items()}
    variance = sum(
        (sum((v / means[True] - 1) / len(sides[True]) for w, v in sides[True] if w == who)
         - sum((v / means[False] - 1) / len(sides[False]) for w, v in sides[False] if w == who)) ** 2
        for who in range(5)
    )  # fmt: skip
    if found is not None:
        assert found.effect == pytest.approx(means[True] / means[False] - 1)
        wide = math.log((1 + found.high) / (1 + found.low)) / (2 * 1.959964)
        assert wide == pytest.approx(math.sqrt(variance), rel=1e-3, abs=1e-5)


def test_orders_are_read_with_their_days_lines_and_first_ones(shop: Shop) -> None:
    """The day is the shop's: noon of a Tuesday, and an order of two lines holds three pieces."""
    rng, told = random.Random(5), []
    for number in range(700):
        day = number % 7
        pieces = 1 + rng.randrange(3) + (4 if day == 2 else 0)
        lines = [{"product_id": "p", "price": 2, "quantity": pieces}, {"product_id": "q", "price": 2, "quantity": 1}]
        worth = 2 * pieces + 2
        told.append(shop.message("Order Completed", at=NOON + day * DAY, user=f"u{number // 4}", order_id=f"o{number}",
                                 revenue=worth, products=lines))  # fmt: skip
    shop.send(*told)
    shop.fold()
    with shop.db.read() as conn:
        found = look_for_patterns(conn, Question(workspace=shop.id, since=0, until=NOON + 9 * DAY, by="", zone="UTC"))
    assert (found.orders, found.currency) == (700, "EUR")
    surest = found.patterns[0]
    weekday = DAYS[(NOON // DAY + 2 + 3) % 7]
    assert (surest.group, surest.orders) == (weekday, 100)
    assert surest.measure in ("items", "value")
    assert surest.effect > 1
