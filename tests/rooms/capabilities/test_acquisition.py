"""Acquisition: what campaigns cost, whom they won, and when what those left had paid it back."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.acquisition import store
from rapport.capabilities.acquisition.facts import COST, FACT_KINDS
from rapport.capabilities.acquisition.model import paid_back_after
from rapport.capabilities.insights import won_in
from rapport.compose.upkeep import summaries
from rapport.kernel.clock import DAY, MINUTE, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.measure.model import Question
from rapport.storage.workspaces import workspace_of
from tests.jobs import turns
from tests.remembered import REMEMBERED
from tests.shop import NOON, Message, Shop

TODAY, TOMORROW = to_iso(NOON)[:10], to_iso(NOON + DAY)[:10]


def visit(shop: Shop, who: str, campaign: str | None, *, at: int = NOON) -> Message:
    """Somebody's visit, from a campaign or from none."""
    message = shop.message("Product Viewed", at=at, browser=who, product_id="ring", name="Ring")
    if campaign is not None:
        message["context"] = {"campaign": {"name": campaign, "source": "google"}}
    return message


def order(shop: Shop, who: str, number: str, revenue: float, *, at: int, currency: str = "EUR") -> Message:
    """An order of somebody, of which half is margin."""
    return shop.message(
        "Order Completed", at=at, browser=who, order_id=number, revenue=revenue, margin=revenue / 2, currency=currency,
        products=[{"product_id": "ring", "price": revenue, "quantity": 1}],
    )  # fmt: skip


def cost(shop: Shop, *, at: int = NOON, **said: Any) -> Message:
    said = {"campaign": "spring", "day": TODAY, "cost": "10.00", "currency": "EUR"} | said
    return shop.message(COST, at=at, **said)


def fold(shop: Shop) -> None:
    """Take all in, and let the job write down by which campaign each customer came."""
    shop.fold()
    turns(shop.db, summaries(REMEMBERED), now=NOON + 400 * DAY)


def rows(shop: Shop, name: str, *, by: str = "campaign", since: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of a metric by group and currency."""
    with shop.db.read() as conn:
        asked = Question(workspace=shop.id, since=since, until=2**52, by=by, zone="UTC")
        answer = shop.metrics.answer(conn, name, asked)
    return {(row[by], row["currency"]): row for row in answer.rows if row["cost_minor"] or row["new_customers"]}


def test_a_new_customer_costs_what_their_campaign_cost_by_their_number(any_shop: Shop) -> None:
    shop = any_shop
    for who, campaign in {"ann": "spring", "ben": "spring", "cem": "spring", "dan": "summer", "eve": None}.items():
        shop.send(visit(shop, who, campaign), order(shop, who, who, 8, at=NOON + 60))
    shop.send(cost(shop), cost(shop, day=TOMORROW, cost=2.5, clicks="7"), cost(shop, campaign="nobody", cost=4))
    fold(shop)

    found = rows(shop, "acquisition_cost")

    told = {group: (row["cost_minor"], row["new_customers"], row["per_customer_minor"]) for group, row in found.items()}
    assert told == {
        ("spring", "EUR"): (1250, 3, 417), ("summer", "EUR"): (0, 1, None), ("nobody", "EUR"): (400, 0, None),
        ("(none)", "EUR"): (0, 1, None),
    }  # fmt: skip
    assert found["spring", "EUR"]["clicks"] == 7
    together = rows(shop, "acquisition_cost", by="month")
    assert [(row["cost_minor"], row["new_customers"], row["per_customer_minor"]) for row in together.values()] == [
        (1650, 5, 330)
    ]
    by_new = {row["campaign"]: row["new_customers"] for row in shop.metric("new_customers", by="campaign").rows}
    assert by_new == {"spring": 3, "summer": 1, "(none)": 1}


def test_only_customers_whose_first_order_lies_in_the_period_are_new(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(visit(shop, "ann", "spring"), order(shop, "ann", "1", 8, at=NOON - 40 * DAY), cost(shop))
    shop.send(order(shop, "ann", "2", 90, at=NOON))
    fold(shop)

    assert rows(shop, "acquisition_cost", since=NOON - DAY)["spring", "EUR"]["new_customers"] == 0
    assert rows(shop, "payback", since=NOON - DAY)["spring", "EUR"]["margin_minor"] == 0
    assert rows(shop, "payback")["spring", "EUR"]["margin_minor"] == 4900


def test_a_campaign_is_paid_back_once_the_margin_of_its_customers_reaches_its_cost(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(visit(shop, "ann", "Spring"), visit(shop, "ben", "spring"), visit(shop, "cem", "summer"))
    shop.send(order(shop, "ann", "1", 10, at=NOON), order(shop, "ben", "2", 6, at=NOON + 5 * DAY))
    shop.send(order(shop, "ann", "3", 6, at=NOON + 30 * DAY), order(shop, "ben", "4", 40, at=NOON + 90 * DAY))
    shop.send(order(shop, "cem", "5", 10, at=NOON), cost(shop, campaign="SPRING"), cost(shop, campaign="summer"))
    fold(shop)

    found = rows(shop, "payback")

    spring, summer = found["Spring", "EUR"], found["summer", "EUR"]
    # 5 and 3 with their first orders, 3 after thirty days: 11 of 10.
    assert (spring["new_customers"], spring["margin_minor"], spring["payback_days"]) == (2, 3100, 30)
    assert (summer["earned_back"], summer["payback_days"]) == (0.5, None)


def test_what_came_back_is_not_earned(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(visit(shop, "ann", "spring"), order(shop, "ann", "1", 20, at=NOON), cost(shop))
    shop.send(shop.message("Order Refunded", at=NOON + DAY, browser="ann", order_id="1", refund_id="r", total=10))
    fold(shop)

    row = rows(shop, "payback")["spring", "EUR"]

    assert (row["kept_minor"], row["margin_minor"], row["payback_days"]) == (1000, 500, None)


def test_each_currency_has_a_row_and_none_is_added_to_another(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(visit(shop, "ann", "spring"), visit(shop, "bob", "spring"))
    shop.send(order(shop, "ann", "1", 20, at=NOON), order(shop, "bob", "2", 30, at=NOON, currency="GBP"))
    shop.send(cost(shop, currency="GBP", cost="6"))
    fold(shop)

    found = rows(shop, "payback")

    assert {group: (row["cost_minor"], row["margin_minor"]) for group, row in found.items()} == {
        ("spring", "EUR"): (0, 1000), ("spring", "GBP"): (600, 1500),
    }  # fmt: skip
    assert rows(shop, "acquisition_cost")["spring", "GBP"]["per_customer_minor"] == 300


def test_the_last_word_counts_in_whatever_order_it_comes(any_shop: Shop) -> None:
    shop = any_shop
    said = [("7.00", 1), ("9.00", 3), ("8.00", 2)]
    for number, arrival in enumerate(permutations(said)):
        for amount, hour in arrival:
            fact = cost(shop, campaign=f"c{number}", cost=amount)
            shop.send(fact, received_at=NOON + hour)
            shop.fold(batch=1)
    shop.send(cost(shop, campaign="c0", platform="Meta", cost=1))
    shop.fold()

    kept = {(row["campaign"], row["platform"]): row["cost_minor"] for row in shop.rows(store.costs)}

    assert kept == {(f"c{number}", ""): 900 for number in range(6)} | {("c0", "meta"): 100}


def test_a_cost_put_right_in_other_capitals_is_not_counted_twice(any_shop: Shop) -> None:
    any_shop.send(cost(any_shop, campaign="SPRING", cost="10.00"), received_at=NOON)
    any_shop.send(cost(any_shop, campaign="spring", cost="12.00"), received_at=NOON + 1)
    any_shop.fold()

    for by in ("campaign", "day"):
        assert [row["cost_minor"] for row in rows(any_shop, "acquisition_cost", by=by).values()] == [1200]


def test_orders_of_one_age_are_read_as_one_row(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(*(order(shop, "ann", str(n), 10, at=NOON + DAY + n * MINUTE) for n in range(5)))
    fold(shop)

    with shop.db.read() as conn:
        [won] = won_in(conn, Question(workspace=shop.id, since=0, until=2**52, by="month", zone="UTC"))
    assert [aged.age for aged in won.left["EUR"]] == [0]


def test_a_fact_without_a_currency_is_in_the_shops(any_shop: Shop) -> None:
    any_shop.send(cost(any_shop, currency=None))
    any_shop.fold()

    [kept] = any_shop.rows(store.costs)

    with any_shop.db.read() as conn:
        assert kept["currency"] == workspace_of(conn, any_shop.id).settings.currency


@pytest.mark.parametrize(
    "said",
    [
        {"day": "yesterday"}, {"cost": "-1"}, {"cost": True}, {"cost": "a lot"}, {"campaign": ""}, {"campaign": None},
        {"currency": "POINTS"}, {"day": None}, {"costs": []}, {"costs": ["x"]}, {"cost": 1e300},
    ],
    ids=str,
)  # fmt: skip
def test_a_cost_that_cannot_be_read_is_refused_with_what_it_needs(said: dict[str, Any]) -> None:
    properties = {"campaign": "spring", "day": TODAY, "cost": 10, "currency": "EUR"} | said
    [kind] = FACT_KINDS
    assert kind.refuse is not None

    with pytest.raises(InvalidFact, match="campaign, day"):
        kind.refuse(Fact(id="1", type="track", name=COST, properties=properties), "EUR")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-50, 100)), max_size=20), st.integers(1, 500))
def test_it_is_paid_back_on_the_first_day_by_whose_end_enough_was_left(left: list[tuple[int, int]], cost: int) -> None:
    found = paid_back_after(left, cost)

    by_then = [sum(minor for age, minor in left if age <= day) >= cost for day in range(401)]
    assert found == (by_then.index(True) if True in by_then else None)
