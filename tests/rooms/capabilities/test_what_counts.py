"""An order counts once, as its latest correction leaves it, and not where it was cancelled: whoever counts."""

from __future__ import annotations

from typing import Any

from rapport.capabilities.insights import product_days, usual_intervals
from rapport.capabilities.insights.service.baskets import look_for_patterns
from rapport.capabilities.insights.service.products import product_rows
from rapport.capabilities.prediction.service.buyers import days_of
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.identifiers import Identifier, key_of
from rapport.measure.model import Question
from rapport.remember.golden import golden_record
from tests.remembered import REMEMBERED
from tests.shop import NOON, Shop


def line(product: str, **more: Any) -> dict[str, Any]:
    return {"product_id": product, "name": product, "price": 50, "cost": 20, "quantity": 1} | more


def test_an_edited_order_counts_as_it_was_left(any_shop: Shop) -> None:
    """Margin, products and pieces are those of the correction; one that says no more than the sum leaves the lines."""
    shop = any_shop
    said: dict[str, Any] = {"user": "ada", "currency": "EUR"}
    shop.send(
        shop.message("Order Updated", at=NOON + HOUR, order_id="o", revenue=50, products=[line("A")], **said),
        shop.message("Order Completed", at=NOON, order_id="o", revenue=100, products=[line("A"), line("B")], **said),
        shop.message("Order Completed", at=NOON, order_id="p", revenue=100, products=[line("A"), line("C")], **said),
        shop.message("Order Updated", at=NOON + HOUR, order_id="p", revenue=90, **said),
    )
    shop.fold(batch=1)
    question = Question(workspace=shop.id, since=0, until=2**52, by="", zone="UTC")
    with shop.db.read() as conn:
        record = golden_record(conn, shop.id, key_of(shop.id, Identifier("user_id", "ada")), now=NOON + DAY,
                               remembered=REMEMBERED)  # fmt: skip
        rows = product_rows(conn, question)
        looked = look_for_patterns(conn, question)
    assert {row["product_id"]: row["pieces"] for row in rows} == {"A": 2, "C": 1}
    assert looked.orders == 2
    [margin] = shop.metric("margin", by="currency").rows
    assert record.traits["margin"].value == {"EUR": margin["margin_minor"]} == {"EUR": 9000}


def test_predictions_know_no_cancelled_order_and_each_order_once(any_shop: Shop) -> None:
    shop = any_shop
    for number, day in enumerate((0, 30, 60)):
        order: dict[str, Any] = {"order_id": f"o{number}", "currency": "EUR", "revenue": 50, "products": [line("A")]}
        shop.send(
            shop.message("Order Completed", at=NOON + day * DAY, user="ada", **order),
            # The server tells the same order, later and on the next day.
            shop.message("Order Completed", at=NOON + (day + 1) * DAY, user="ada", **order),
        )
    shop.send(shop.message("Order Cancelled", at=NOON + 61 * DAY, user="ada", order_id="o2"))
    shop.fold()
    root = key_of(shop.id, Identifier("user_id", "ada"))
    with shop.db.read() as conn:
        (ada,) = days_of(conn, shop.id, now=NOON + 90 * DAY, currency="EUR", limit=9)
        bought = {row.at for row in product_days(conn, shop.id, [root], now=NOON + 90 * DAY)}
        assert usual_intervals(conn, shop.id, ["A"], now=NOON + 90 * DAY) == {}
    assert (len(ada.days), list(ada.spent)) == (2, [5000, 5000])
    assert len(bought) == 2


def test_two_orders_of_a_day_are_no_interval(any_shop: Shop) -> None:
    shop = any_shop
    for number in range(22):
        for again in (0, 1):
            shop.send(shop.message(
                "Order Completed", at=NOON + number * 30 * DAY + again * HOUR, user="ada",
                order_id=f"o{number}-{again}", currency="EUR", revenue=5, products=[line("A")],
            ))  # fmt: skip
    shop.fold()
    with shop.db.read() as conn:
        assert usual_intervals(conn, shop.id, ["A"], now=NOON + 900 * DAY) == {"A": 30}
