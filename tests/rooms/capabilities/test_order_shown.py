"""One order over the API: its lines, what was given back, whose it is, as the metrics count it."""

from __future__ import annotations

from typing import Any

import pytest

from rapport.capabilities.orders.shown import OrderShown, find_order
from rapport.kernel.clock import DAY
from rapport.kernel.errors import NotFound
from tests.shop import NOON, Shop

WINE: dict[str, Any] = {"product_id": "chianti", "name": "Chianti", "price": 12, "quantity": 2}
SCREW: dict[str, Any] = {"product_id": "corkscrew", "price": "6.50"}


def shown(shop: Shop, order_id: str) -> OrderShown:
    with shop.db.read() as conn:
        return find_order(conn, shop.id, order_id)


def placed(shop: Shop, order_id: str = "gid://shop/Order/1", **more: Any) -> dict[str, Any]:
    stated = {"revenue": 30.5, "currency": "EUR", "products": [WINE, SCREW], **more}
    return shop.message("Order Completed", at=NOON, user="ada", order_id=order_id, **stated)


def test_an_order_shows_its_lines_and_its_customer(any_shop: Shop) -> None:
    any_shop.send(placed(any_shop))
    any_shop.fold()
    order = shown(any_shop, "gid://shop/Order/1")
    assert [(one.product_id, one.quantity, one.price_minor, one.total_minor) for one in order.lines] == [
        ("chianti", "2", 1200, 2400), ("corkscrew", "1", 650, 650),
    ]  # fmt: skip
    assert (order.state, order.currency, order.revenue_minor, order.net_minor) == ("placed", "EUR", 3050, 3050)
    assert (order.customer_id or "").startswith("cus_")


@pytest.mark.parametrize("refunds_first", [True, False])
def test_refunds_take_no_more_than_is_left_in_any_order_of_arrival(any_shop: Shop, *, refunds_first: bool) -> None:
    refunds = [
        any_shop.message("Order Refunded", at=NOON + DAY, user="ada", order_id="o", refund_id="a", total=10),
        any_shop.message("Order Refunded", at=NOON + 2 * DAY, user="ada", order_id="o", refund_id="b", total=99),
    ]
    order = [placed(any_shop, "o")]
    for message in [*refunds, *order] if refunds_first else [*order, *refunds]:
        any_shop.send(message)
        any_shop.fold()
    found = shown(any_shop, "o")
    assert [(one.refund_id, one.amount_minor, one.taken_minor) for one in found.refunds] == [
        ("a", 1000, 1000), ("b", 9900, 2050),
    ]  # fmt: skip
    assert (found.state, found.refunded_minor, found.net_minor) == ("refunded", 3050, 0)
    [counted] = any_shop.metric("revenue_by", by="currency").rows
    assert (counted["revenue_minor"], counted["refunds_minor"]) == (found.revenue_minor, found.refunded_minor)


def test_a_correction_overrides_lines_and_revenue_and_a_cancellation_leaves_nothing(any_shop: Shop) -> None:
    corrected = any_shop.message(
        "Order Updated", at=NOON + DAY, user="ada", order_id="o", revenue=24, currency="EUR", products=[WINE]
    )
    any_shop.send(placed(any_shop, "o"), corrected)
    any_shop.fold()
    order = shown(any_shop, "o")
    assert ([one.product_id for one in order.lines], order.revenue_minor) == (["chianti"], 2400)
    any_shop.send(any_shop.message("Order Cancelled", at=NOON + 2 * DAY, user="ada", order_id="o"))
    any_shop.fold()
    gone = shown(any_shop, "o")
    assert (gone.state, gone.net_minor, gone.revenue_minor) == ("cancelled", 0, 2400)


def test_an_order_nobody_reported_is_not_known(any_shop: Shop) -> None:
    with pytest.raises(NotFound, match="no order 'o' is known"):
        shown(any_shop, "o")
