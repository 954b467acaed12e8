"""What orders of shop systems are worth, in the shapes that their documentation shows: taxes, sending, two currencies.

Each is told by its webhook; revenue is without tax and shipping, in the shop's own currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rapport.adapters.shops import store
from rapport.kernel.clock import DAY
from tests.databases import sqlite_database
from tests.rooms.adapters.test_shops import (
    MEDUSA_ORDER,
    SALEOR_ORDER,
    SECRET,
    WOO_ORDER,
    T,
    deliver,
    order,
    shopify_order,
)
from tests.shop import NOON, Shop


@pytest.fixture(scope="module")
def one_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Its orders have names of their own."""
    found = Shop(sqlite_database(tmp_path_factory.mktemp("shop")))
    yield found
    found.close()


def both(shop: str, theirs: str, *, currency: str = "EUR", paid_in: str = "USD") -> dict[str, Any]:
    """An amount as Shopify states it: in the shop's money and in the customer's."""
    return {
        "shop_money": {"amount": shop, "currency_code": currency},
        "presentment_money": {"amount": theirs, "currency_code": paid_in},
    }


def shipped(price: str, paid: str, *taxes: str) -> dict[str, Any]:
    """An order's own sending: a price, what was paid of it, the taxes in it or on it."""
    return {
        "total_shipping_price_set": both(price, price, paid_in="EUR"),
        "shipping_lines": [
            {"price": price, "discounted_price": paid, "tax_lines": [{"price": one, "rate": 0.19} for one in taxes]}
        ],
    }


def refunded(amount: str, *, currency: str = "EUR", kind: str = "refund", status: str = "success") -> dict[str, Any]:
    paid = {"kind": kind, "status": status, "amount": amount, "currency": currency}
    return {"refunds": [{"id": 1, "created_at": T[2], "transactions": [paid], "refund_line_items": []}]}


LINE = {"product_id": 1, "title": "Gin", "price": "100.00", "quantity": 1}
GROSS = shopify_order(
    total_price="124.95", total_tax="19.95", taxes_included=True, line_items=[LINE | {"price": "119"}]
)
NET = shopify_order(total_price="124.95", total_tax="19.95", taxes_included=False, line_items=[LINE])
TWO = shopify_order(
    total_price="100.00", total_price_set=both("100.00", "125.00"), presentment_currency="USD", line_items=[LINE],
    **shipped("0.00", "0.00"),
)  # fmt: skip
MEDUSA: dict[str, Any] = MEDUSA_ORDER["data"] | {"payment_collections": []}
SALEOR: dict[str, Any] = SALEOR_ORDER["order"] | {"grantedRefunds": []}

SHOPIFY: dict[str, tuple[dict[str, Any], int, int]] = {
    "tax within prices and sending": (GROSS | shipped("5.95", "5.95", "0.95"), 100_00, 0),
    "tax on prices and sending": (NET | shipped("5.00", "5.00", "0.95"), 100_00, 0),
    "sending that a code made free": (
        NET | shipped("5.00", "0.00") | {"total_price": "119.00", "total_tax": "19"}, 100_00, 0),
    "sending that was taken off again": (
        NET | shipped("5.00", "5.00") | {"total_price": "119.00", "total_tax": "19",
        "shipping_lines": [{"discounted_price": "5.00", "is_removed": True}, {"discounted_price": "0.00"}]}, 100_00, 0),
    "paid in another currency": (TWO, 100_00, 0),
    "paid and refunded in another currency": (TWO | refunded("125.00", currency="USD"), 100_00, 100_00),
    "partly refunded in another currency": (TWO | refunded("12.50", currency="USD"), 100_00, 10_00),
    "what is left after a refund in another currency": (
        TWO | refunded("25.00", currency="USD") | {"current_total_price": "80.00", "current_total_tax": "0.00"},
        100_00, 20_00),
    "a refund that failed": (TWO | refunded("12.50", currency="USD", status="failure"), 100_00, 0),
    "an authorisation that was let go": (TWO | refunded("125.00", currency="USD", kind="void"), 100_00, 0),
    "no decimals": (
        shopify_order(currency="JPY", total_price="3300", total_tax="300", taxes_included=True,
                      total_shipping_price_set={}, line_items=[LINE | {"price": "3300"}]), 3000, 0),
    "three decimals": (
        shopify_order(currency="KWD", total_price="12.345", total_tax="0.000", total_shipping_price_set={},
                      line_items=[LINE | {"price": "12.345"}]), 12_345, 0),
    "nobody of whom anything is known": (
        shopify_order(email="", customer=None, contact_email=None, billing_address=None), 25_00, 0),
    "a company's order": (
        shopify_order(company={"id": 7, "location_id": 9}, billing_address={"company": "Gin Ltd", "phone": None}),
        25_00, 0),
    "a tip": (
        NET | {"total_price": "130.00", "total_tip_received": "11.00", "total_shipping_price_set": {},
               "total_tax": "19",
               "line_items": [LINE, {"title": "Tip", "price": "11.00", "quantity": 1, "tip_payment_gateway": "cash"}]},
        100_00, 0),
    "duties and a tip, all given back": (
        NET | refunded("142.00") | {"total_price": "142.00", "total_tip_received": "11.00", "total_tax": "19.00",
        "total_shipping_price_set": {}, "original_total_duties_set": both("12.00", "12.00")}, 100_00, 100_00),
    "duties before what went back": (
        NET | refunded("65.50") | {"total_price": "131.00", "current_total_price": "65.50", "total_tax": "19.00",
        "current_total_tax": "19.00", "total_shipping_price_set": {},
        "original_total_duties_set": both("12.00", "12.00"), "current_total_duties_set": both("6.00", "6.00")},
        100_00, 50_00),
    "a free order": (shopify_order(total_price="0.00", total_shipping_price_set={}, line_items=[LINE]), 0, 0),
}  # fmt: skip
OTHERS: dict[str, tuple[str, str, dict[str, Any], str, int]] = {
    "medusa, sending with its tax": (
        "medusa", "order.placed",
        {"data": MEDUSA | {"total": 124.95, "tax_total": 19.95, "shipping_total": 5.95, "shipping_tax_total": 0.95}},
        "order_01", 100_00),
    "medusa, thousandths": (
        "medusa", "order.placed",
        {"data": MEDUSA | {"id": "order_02", "currency_code": "kwd", "total": 12.345, "shipping_total": 0}},
        "order_02", 12_345),
    "medusa, sending with its tax in thousandths": (
        "medusa", "order.placed",
        {"data": MEDUSA | {"id": "order_03", "currency_code": "kwd", "total": 15, "tax_total": 2,
                           "shipping_total": 2.975, "shipping_tax_total": 0.475}},
        "order_03", 10_500),
    "woocommerce, thousandths in a currency of hundredths": (
        "woocommerce", "order.created",
        WOO_ORDER | {"total": "31.234", "shipping_total": "1.234", "refunds": []}, "727", 30_00),
    "woocommerce, a fee that is a tip and one that is not": (
        "woocommerce", "order.created",
        WOO_ORDER | {"number": "729", "total": "42.00", "shipping_total": "5.00", "refunds": [], "fee_lines": [
            {"name": "Trinkgeld", "total": "4.00"}, {"name": "Wrapping", "total": "3.00"}]}, "729", 33_00),
    "woocommerce, yen": (
        "woocommerce", "order.created",
        WOO_ORDER | {"number": "728", "currency": "JPY", "total": "3500", "shipping_total": "500", "refunds": []},
        "728", 3000),
    "saleor, sending without its tax": (
        "saleor", "order_created",
        {"order": SALEOR | {"total": {"gross": {"amount": 124.95, "currency": "EUR"}, "tax": {"amount": 19.95}}}},
        "12", 100_00),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHOPIFY)
def test_an_order_of_shopify_is_worth_what_it_brought_without_tax_and_sending(one_shop: Shop, shape: str) -> None:
    body, revenue, back = SHOPIFY[shape]
    name, refunds = f"#{shape}", [one | {"id": f"refund of {shape}"} for one in body["refunds"]]
    body = body | {"name": name, "id": None, "refunds": refunds}
    assert deliver(one_shop, "shopify", "orders/updated", body).outcome == "accepted"
    found = order(one_shop, name)
    assert (found.revenue_minor, found.refunded_minor) == (revenue, back)
    assert found.customer_id is not None


@pytest.mark.parametrize("shape", OTHERS)
def test_an_order_of_the_others_is_worth_the_same(one_shop: Shop, shape: str) -> None:
    kind, topic, body, name, revenue = OTHERS[shape]
    deliver(one_shop, kind, topic, body)
    assert order(one_shop, name).revenue_minor == revenue


@pytest.mark.parametrize(
    ("kind", "topic", "body"),
    [
        ("shopify", "draft_orders/create", shopify_order()),
        ("shopify", "orders/create", shopify_order(test=True)),
        ("shopify", "orders/edited", {"order_edit": {"id": 1, "order_id": 2}}),
        ("saleor", "draft_order_created", {"order": SALEOR | {"status": "DRAFT"}}),
        ("medusa", "order.updated", {"data": MEDUSA | {"is_draft_order": True}}),
        ("medusa", "order.placed", {"data": {"id": "order_01"}}),
    ],
)
def test_drafts_and_what_only_names_an_order_are_no_orders(one_shop: Shop, kind: Any, topic: str, body: Any) -> None:
    assert deliver(one_shop, kind, topic, body).outcome == "ignored"


def test_the_secret_before_counts_for_a_day_beside_the_new_one(any_shop: Shop) -> None:
    deliver(any_shop, "shopify", "orders/create", shopify_order())
    with any_shop.db.write() as conn:
        for _ in range(2):  # said twice, it is no other secret
            store.keep_door(conn, any_shop.id, "shop", "shopify", b"another secret", now=NOON)
        (door,) = store.doors_named(conn, "shop", "shopify")
    assert door.secrets(NOON + DAY - 1) == [b"another secret", SECRET]
    assert door.secrets(NOON + DAY) == [b"another secret"]
