"""With the key of a website anybody can name somebody else's order: it takes nothing away and gives nothing."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.capabilities.orders.shown import OrderShown, find_order
from rapport.capabilities.promises.service.promising import PromiseShown, find_promise
from rapport.collect.unread_shown import unread_of_source
from rapport.kernel.clock import DAY, HOUR, now_us, to_iso
from rapport.remember.golden import GoldenRecord, find_key, golden_record
from rapport.resolve.graph.customer_ids import ensure_secret
from tests.loyal import begin, wallet
from tests.remembered import REMEMBERED
from tests.shop import Message, Shop

NOW = now_us() // HOUR * HOUR
LINES = [{"product_id": "gin", "price": 40, "quantity": 2}]


def told(shop: Shop, name: str, user: str = "ada", *, at: int = NOW, **more: Any) -> Message:
    return shop.message(name, at=at, user=user, order_id="1001", currency="EUR", **more)


def report(shop: Shop, user: str = "ada", *, at: int = NOW, **more: Any) -> Message:
    said = {"revenue": 80, "products": LINES, "promised_at": to_iso(NOW + 3 * DAY)} | more
    return told(shop, "Order Completed", user, at=at, **said)


def lies(shop: Shop) -> list[Message]:
    """All that a stranger can say of the order, most of it said to have happened before it."""
    return [
        report(shop, "mallory", at=NOW - DAY, revenue=1, products=[]),
        told(shop, "Order Updated", "mallory", at=NOW + 1, revenue=2, promised_at=to_iso(NOW + 9 * DAY)),
        told(shop, "Order Updated", "mallory", at=NOW + 1, status="cancelled"),
        told(shop, "Order Cancelled", "mallory", at=NOW + 1),
        told(shop, "Order Refunded", "mallory", at=NOW + 1),
        told(shop, "Order Refunded", "mallory", at=NOW - DAY, revenue=79, refund_id="r1"),
        told(shop, "Order Delivered", "mallory", at=NOW + 1),
    ]


def shown(shop: Shop) -> OrderShown:
    with shop.db.write() as conn:
        ensure_secret(conn)
        return find_order(conn, shop.id, "1001")


def promised(shop: Shop) -> PromiseShown:
    with shop.db.read() as conn:
        return find_promise(conn, shop.id, "1001")


def record_of(shop: Shop, name: str) -> GoldenRecord:
    with shop.db.read() as conn:
        return golden_record(conn, shop.id, find_key(conn, shop.id, name), now=NOW, remembered=REMEMBERED)


def sales(shop: Shop) -> tuple[Any, ...]:
    rows = [row for row in shop.metric("revenue_by", by="currency").rows if row["currency"]]
    return tuple(
        (row["orders"], row["revenue_minor"], row["cancelled_minor"], row["refunds_minor"]) for row in rows
    )  # fmt: skip


def is_untouched(shop: Shop, *, points: int = 80) -> None:
    order, promise = shown(shop), promised(shop)
    assert (order.state, order.revenue_minor, order.net_minor, order.customer_id) == (
        "placed", 8000, 8000, record_of(shop, "user_id:ada").id,
    )  # fmt: skip
    assert (promise.status, (promise.window.to or "")[:10]) == ("made", to_iso(NOW + 3 * DAY)[:10])
    assert sales(shop) == ((1, 8000, 0, 0),)
    assert wallet(shop, "ada", now=NOW + HOUR).pending == points
    assert wallet(shop, "mallory", now=NOW + HOUR).pending == 0


@pytest.mark.parametrize(("by_browser", "batch"), [(False, 1), (True, 1), (True, 1000)])
def test_what_a_stranger_says_of_an_order_changes_no_money_no_points_and_no_promise(
    any_shop: Shop, *, by_browser: bool, batch: int
) -> None:
    begin(any_shop)
    any_shop.send(report(any_shop), public=by_browser, received_at=NOW)
    any_shop.send(*lies(any_shop), public=True, received_at=NOW + 1)
    any_shop.fold(batch=batch)
    is_untouched(any_shop)


def test_the_shops_word_comes_before_a_strangers_that_came_first(any_shop: Shop) -> None:
    """Whoever guesses the next number has that order until the shop itself reports it, and not a moment longer."""
    begin(any_shop)
    any_shop.send(*lies(any_shop), public=True, received_at=NOW - DAY)
    any_shop.fold()
    any_shop.send(report(any_shop), received_at=NOW)
    any_shop.fold()
    is_untouched(any_shop)


def test_a_strangers_words_are_counted_at_their_source_with_the_newest_of_them(any_shop: Shop) -> None:
    any_shop.send(report(any_shop), received_at=NOW)
    any_shop.send(*lies(any_shop), public=True, received_at=NOW + 1)
    any_shop.fold()
    with any_shop.db.read() as conn:
        found = unread_of_source(conn, any_shop.id, "browser", now=NOW + HOUR, days=7)
    strange = {one.event: one.facts for one in found if one.field == "order_id"}
    assert strange == {
        "Order Completed": 1, "Order Updated": 2, "Order Cancelled": 1, "Order Refunded": 2, "Order Delivered": 1,
    }  # fmt: skip
    assert all(one.fact > 0 and one.days for one in found)


def test_a_refund_of_the_same_number_for_another_order_hides_none(any_shop: Shop) -> None:
    any_shop.send(report(any_shop), told(any_shop, "Order Refunded", at=NOW + HOUR, revenue=30, refund_id="r1"))
    other = any_shop.message("Order Refunded", at=NOW - DAY, user="mallory", order_id="none", revenue=0, refund_id="r1")
    any_shop.send(other, public=True, received_at=NOW)
    any_shop.fold()
    assert sales(any_shop) == ((1, 8000, 0, 3000),)


def test_her_own_browser_takes_back_and_adds_nothing_to_what_the_shop_reported(any_shop: Shop) -> None:
    """Nobody gives herself points by saying that her order was larger, or that it was promised for yesterday."""
    begin(any_shop)
    any_shop.send(report(any_shop), received_at=NOW)
    any_shop.send(
        report(any_shop, at=NOW - DAY, revenue=9000, products=[{"product_id": "gin", "price": 9000}],
               promised_at=to_iso(NOW - DAY)),
        told(any_shop, "Order Updated", at=NOW + 1, revenue=9000, products=[{"product_id": "gin", "price": 9000}]),
        public=True, received_at=NOW + 1,
    )  # fmt: skip
    any_shop.fold()
    is_untouched(any_shop)
    any_shop.send(told(any_shop, "Order Cancelled", at=NOW + HOUR), public=True, received_at=NOW + HOUR)
    any_shop.fold()
    assert (shown(any_shop).state, wallet(any_shop, "ada", now=NOW + HOUR).pending) == ("cancelled", 0)
    stands = told(any_shop, "Order Updated", at=NOW + 2 * HOUR, status="processing")
    any_shop.send(stands, public=True, received_at=NOW + 2 * HOUR)
    any_shop.fold()
    assert shown(any_shop).state == "cancelled"


@pytest.mark.parametrize(("order", "batch"), [((0, 1, 2), 1), ((1, 0, 2), 1), ((2, 1, 0), 1), ((0, 1, 2), 1000)])
def test_it_is_her_own_order_once_her_browser_is_known_to_be_hers(
    any_shop: Shop, order: tuple[int, ...], batch: int
) -> None:
    """Ordered as nobody, paid back to an account: it counts once both are known to be one, whatever came first."""
    messages = [
        any_shop.message("Order Completed", at=NOW, browser="b-1", order_id="1001", revenue=80, currency="EUR"),
        told(any_shop, "Order Refunded", at=NOW + HOUR, revenue=30),
        {"type": "identify", "messageId": "i", "anonymousId": "b-1", "userId": "ada", "timestamp": to_iso(NOW + 1)},
    ]
    for place in order:
        any_shop.send(messages[place], public=True, received_at=NOW + HOUR + place)
        if batch == 1:
            any_shop.fold()
    any_shop.fold()
    assert sales(any_shop) == ((1, 8000, 0, 3000),)
    assert record_of(any_shop, "user_id:ada").traits["net_revenue"].value == {"EUR": 5000}


def test_an_order_that_the_shop_called_off_stands_again_once_the_shop_says_so(any_shop: Shop) -> None:
    """In order, record, numbers, points and promise, whatever comes first; and it can be called off again."""
    begin(any_shop)
    corrections = [
        told(any_shop, "Order Updated", at=NOW + 2 * HOUR, status="wc-processing"),
        told(any_shop, "Order Cancelled", at=NOW + HOUR),
        report(any_shop),
    ]
    for message in corrections:
        any_shop.send(message)
        any_shop.fold()
    is_untouched(any_shop)
    record = record_of(any_shop, "user_id:ada").traits
    assert (record["net_revenue"].value, "orders_cancelled" in record) == ({"EUR": 8000}, False)
    any_shop.send(told(any_shop, "Order Updated", at=NOW + 3 * HOUR, status="Storniert"))
    any_shop.fold()
    assert (shown(any_shop).cancelled_at, promised(any_shop).status) == (to_iso(NOW + 3 * HOUR), "cancelled")
    assert sales(any_shop) == ((1, 8000, 8000, 0),)
    assert wallet(any_shop, "ada", now=NOW + HOUR).pending == 0
    assert record_of(any_shop, "user_id:ada").traits["net_revenue"].value == {"EUR": 0}
