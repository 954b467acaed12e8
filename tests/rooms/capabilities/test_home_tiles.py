"""Home for a shopkeeper: what was sold beside a week before, who ordered, carts to win back, what showing sold."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.orders import tiles
from rapport.capabilities.orders.buyers import buyers_of, lapsed_of
from rapport.capabilities.orders.winning_back import left_carts
from rapport.kernel.clock import DAY, HOUR, MINUTE, to_datetime
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.money import format_minor
from rapport.measure.compared import Period, weeks_of
from rapport.measure.tiles import TILES as DECISION_TILES
from rapport.remember import customers
from rapport.storage.workspaces import change_settings
from rapport.web.cards import OfShop
from tests.remembered import REMEMBERED
from tests.rooms.measure.test_decisions import ADA, shown
from tests.shop import NOON, Shop

TILES = {tile.name: tile for tile in (*tiles.TILES, *DECISION_TILES)}
WEEK = 7 * DAY


def tile(shop: Shop, name: str, *, now: int) -> Any:
    with shop.db.read() as conn:
        return TILES[name].read(conn, OfShop(shop.id, "EUR", now, 30))


def buy(shop: Shop, who: str, order_id: str, at: int, revenue: float = 10, **more: Any) -> None:
    shop.send(shop.message("Order Completed", at=at, user=who, order_id=order_id, revenue=revenue, **more))


@given(
    st.integers(0, 2_000 * 24 * 60).map(lambda minutes: NOON + minutes * MINUTE),
    st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Pacific/Apia"]),
)
def test_the_same_hour_a_week_ago_is_the_same_on_the_shops_clock(now: int, zone: str) -> None:
    weeks, there = weeks_of(now, ZoneInfo(zone)), ZoneInfo(zone)
    assert weeks.before.since < weeks.before.until <= weeks.week.since < weeks.week.until == now
    assert weeks.same_day.until == weeks.before.until
    then, today = (to_datetime(at).astimezone(there) for at in (weeks.same_day.until, now))
    if abs((now - weeks.same_day.until) - WEEK) < 2 * HOUR:  # not in an hour that the clocks skipped
        assert (then.date() - today.date()).days == -7
    assert len(weeks.days) == 14
    assert weeks.days[-1] == today.date()


def test_today_so_far_is_compared_with_the_same_weekday_up_to_this_hour(any_shop: Shop) -> None:
    shop = any_shop
    for order_id, at, revenue in (
        ("now", NOON - HOUR, 30), ("then", NOON - WEEK - HOUR, 20), ("later then", NOON - WEEK + HOUR, 500),
        ("yesterday", NOON - DAY, 5), ("eight days ago", NOON - 8 * DAY, 4),
    ):  # fmt: skip
        buy(shop, "ada", order_id, at, revenue)
    shop.fold()
    found = tile(shop, "orders.revenue", now=NOON)
    today, week = found["today"], found["week"]
    assert (today.revenue, today.orders, today.revenue_before, today.revenue_change) == ("€30.00", 1, "€20.00", 0.5)
    assert (week.revenue, week.orders) == ("€35.00", 2)
    assert (week.revenue_before, week.orders_before) == ("€24.00", 2), "what came later that day is not over yet today"
    assert [bar.running for bar in found["bars"]] == [False] * 6 + [True]


@pytest.mark.parametrize("late", [-1, 0, 1, 59 * MINUTE])
def test_no_look_at_the_clock_around_midnight_loses_a_day(shop: Shop, late: int) -> None:
    midnight = NOON + 12 * HOUR
    for n in range(15):
        buy(shop, "ada", f"o{n}", NOON - n * DAY)
    shop.fold()
    found = tile(shop, "orders.revenue", now=midnight + late)
    assert len(found["bars"]) == 7
    assert found["week"].orders == (7 if late < 0 else 6)
    assert found["today"].orders == (1 if late < 0 else 0)


def test_orders_in_another_currency_are_counted_and_their_money_stands_apart(shop: Shop) -> None:
    buy(shop, "ada", "a", NOON - HOUR, 1234567.89)
    buy(shop, "bo", "b", NOON - HOUR, 99, currency="SEK")
    shop.fold()
    found = tile(shop, "orders.revenue", now=NOON)
    assert (found["week"].orders, found["week"].revenue, found["others"]) == (
        2,
        "€1,234,567.89",
        format_minor(9900, "SEK"),
    )


def test_the_days_are_those_of_the_shop(shop: Shop) -> None:
    with shop.db.write() as conn:
        change_settings(conn, shop.id, lambda now: msgspec.structs.replace(now, time_zone="Pacific/Auckland"))
    buy(shop, "ada", "a", NOON + 30 * MINUTE)  # half past midnight there
    buy(shop, "ada", "b", NOON - 30 * MINUTE)
    shop.fold()
    assert tile(shop, "orders.revenue", now=NOON + HOUR)["today"].orders == 1


def test_who_orders_first_is_new_who_comes_again_returns_and_who_stays_away_has_lapsed(any_shop: Shop) -> None:
    shop = any_shop
    buy(shop, "new", "n1", NOON - DAY)
    buy(shop, "new", "n2", NOON - HOUR)
    buy(shop, "again", "a1", NOON - 40 * DAY)
    buy(shop, "again", "a2", NOON - 2 * DAY)
    buy(shop, "gone", "g1", NOON - 62 * DAY)
    buy(shop, "back", "b1", NOON - 62 * DAY)
    buy(shop, "back", "b2", NOON - 20 * DAY)
    shop.fold()
    found = tile(shop, "orders.buyers", now=NOON)
    assert (found["new"], found["returning"], found["lapsed"]) == ((1, 0), (1, 0), (1, 0))


def test_one_customer_on_two_devices_is_one_buyer_and_not_new(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        {"type": "identify", "messageId": "i", "userId": "ada", "anonymousId": "phone", "timestamp": "2026-01-01"},
        shop.message("Order Completed", at=NOON - 30 * DAY, browser="phone", order_id="o1", revenue=5),
        shop.message("Order Completed", at=NOON - DAY, user="ada", order_id="o2", revenue=5),
    )
    shop.fold()
    with shop.db.read() as conn:
        assert buyers_of(conn, shop.id, Period(NOON - WEEK, NOON)) == (0, 1)
        assert lapsed_of(conn, shop.id, Period(NOON - 31 * DAY, NOON - 29 * DAY)) == 0


def test_a_cart_is_to_be_won_back_until_it_is_ordered_and_says_whom_one_can_reach(any_shop: Shop) -> None:
    shop = any_shop
    for who, at in (("ada", NOON), ("bo", NOON + MINUTE)):
        shop.send(shop.message("Product Added", at=at, user=who, product_id="p", price=12.5, quantity=2))
    shop.send({
        "type": "identify", "messageId": "i", "userId": "ada", "timestamp": "2026-01-01",
        "traits": {"email": "ada@example.com", "name": "Ada"},
    })  # fmt: skip
    shop.wait(NOON + 3 * HOUR)
    with shop.db.write() as conn:
        customers.refresh(conn, limit=10, buckets=range(BUCKETS), remembered=REMEMBERED)
    found = tile(shop, "orders.carts", now=NOON + 3 * HOUR)
    assert (found["worth"], found["carts"], found["reachable"]) == (["€50.00"], 2, 1)
    assert found["reachable_worth"] == "€25.00"
    with shop.db.read() as conn:
        [cart] = left_carts(conn, shop.id, since=NOON, reachable=True, limit=5)
    assert (cart.name, cart.email, format_minor(cart.minor, cart.currency)) == ("Ada", "ada@example.com", "€25.00")
    buy(shop, "ada", "o", NOON + 4 * HOUR)
    shop.wait(NOON + 6 * HOUR)
    assert tile(shop, "orders.carts", now=NOON + 6 * HOUR)["carts"] == 1


def test_what_was_shown_clicked_and_ordered_is_sold_once_however_often_it_was_shown(any_shop: Shop) -> None:
    shop = any_shop
    assert tile(shop, "measure.sales", now=NOON) is None, "nothing was ever decided here"
    first = shown(shop)
    again = shop.decide(at=NOON + HOUR + MINUTE, customer=ADA, product_id="chianti")
    for n, decision in enumerate((first, again)):
        shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR + n, user="ada", product_id="barolo",
                               decision_id=decision.decision_id))  # fmt: skip
    products = [{"product_id": "barolo", "price": 30, "quantity": 2}, {"product_id": "chianti", "price": 12}]
    buy(shop, "ada", "o", NOON + DAY, 72, products=products)
    buy(shop, "ada", "o2", NOON + 8 * DAY, 30, products=products[:1])
    shop.fold()
    found = tile(shop, "measure.sales", now=NOON + DAY + HOUR)
    assert (found["revenue"], found["orders"], found["shown"]["decided"]) == ("€60.00", 1, 2)
    [row] = shop.metric("decision_sales", by="placement").rows
    assert (row["placement"], row["orders"], row["products"], row["revenue_minor"]) == ("product.also", 1, 1, 6000)
    assert [row["day"] for row in shop.metric("decision_sales", by="day").rows] == ["2026-09-22"]


def test_a_product_whose_price_no_order_states_is_sold_for_nobody_knows_what(shop: Shop) -> None:
    decision = shown(shop)
    shop.send(shop.message("Product Clicked", at=NOON + 2 * HOUR, user="ada", product_id="barolo",
                           decision_id=decision.decision_id))  # fmt: skip
    buy(shop, "ada", "o", NOON + DAY, 30, products=[{"product_id": "barolo"}])
    shop.fold()
    assert shop.metric("decision_sales").rows == []
    assert shop.metric("decisions").totals["bought"] == 1
