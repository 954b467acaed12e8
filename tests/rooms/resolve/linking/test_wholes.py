"""How likely all records of a customer are one person."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rapport.resolve.linking import wholes
from tests.rooms.resolve.linking import people
from tests.rooms.resolve.linking.desk import Desk
from tests.rooms.resolve.linking.test_homes import ADA, CY
from tests.rooms.resolve.shop import Shop

ODDS = st.floats(-30, 30)


def likely(table: list[list[float]]) -> float:
    return wholes.probability_of_all(wholes.joints_of(len(table), lambda a, b: table[max(a, b)][min(a, b)]))


@st.composite
def tables(draw: st.DrawFn) -> list[list[float]]:
    """Log2 odds of each record with those before it."""
    return [[draw(ODDS) for _ in range(row)] for row in range(draw(st.integers(2, 6)))]


@given(tables())
def test_it_is_a_probability_and_there_is_one_joint_fewer_than_records(table: list[list[float]]) -> None:
    joints = wholes.joints_of(len(table), lambda a, b: table[max(a, b)][min(a, b)])
    assert len(joints) == len(table) - 1
    assert 0 <= wholes.probability_of_all(joints) <= 1


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(table: list[list[float]], rng: object) -> None:
    odds = [each for row in table for each in row]
    assume(len(set(odds)) == len(odds))  # of equal ties the first two hold
    order = list(range(len(table)))
    rng.shuffle(order)  # type: ignore[attr-defined]
    other = [[table[max(order[a], order[b])][min(order[a], order[b])] for b in range(a)] for a in range(len(table))]
    assert likely(other) == pytest.approx(likely(table))


def test_a_record_that_another_speaks_against_makes_it_less_likely_though_every_tie_is_sure() -> None:
    agree, against = [[], [10.0], [10.0, 10.0]], [[], [10.0], [-12.0, 10.0]]
    assert likely(agree) > 0.999
    assert likely(against) < 0.9


def test_many_ties_that_are_sure_alone_are_less_sure_together() -> None:
    three, five = ([[6.0] * row for row in range(size)] for size in (3, 5))
    assert likely(five) < likely(three) < 0.9999


def test_a_customer_of_three_records_is_told_and_one_of_two_is_not(shop: Shop) -> None:
    desk = Desk(shop, trained=people.shop_model())
    desk.meet(a=ADA, b=ADA | {"surname": "Lordorbreg"}, c=CY, d=CY | {"phone": ""}, e=CY | {"city": "Hul"})
    with shop.db.read() as conn:
        two, three = (wholes.whole_of(conn, shop.workspace, desk.web(value)) for value in ("a", "c"))
    assert shop.together("c", "d")
    assert two is None
    assert three is not None
    assert three.records == 3
    assert 0.9 < three.probability <= 1
