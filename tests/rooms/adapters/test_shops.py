"""Webhooks of shop systems: the published shapes become facts, once, in any order, and none that was forged."""

from __future__ import annotations

import base64
import hmac
import itertools
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from rapport.act.channels import ChannelSettings
from rapport.adapters.shops import routes, store
from rapport.adapters.shops.model import SHOPS
from rapport.adapters.shops.store import Heard
from rapport.adapters.shops.taking import READERS, Taken, take
from rapport.adapters.shops.verifying import verify
from rapport.adapters.shops.watches import WATCHES
from rapport.adapters.shops.web import WEB
from rapport.capabilities.catalog.shown import find_shown
from rapport.capabilities.loyalty.cart import cart_of, counted
from rapport.capabilities.loyalty.programme import Counting
from rapport.capabilities.orders.shown import OrderShown, find_order
from rapport.capabilities.supply import availability
from rapport.collect.limiter import InFlight
from rapport.collect.sources import create_source, list_sources
from rapport.kernel.clock import DAY, MINUTE, to_iso
from rapport.kernel.errors import Unauthenticated
from rapport.kernel.ids import WorkspaceId
from rapport.remember.inputs import ReadingSettings
from rapport.web.app import create_app
from tests.databases import sqlite_database
from tests.running import Server, http, wait_until
from tests.shop import NOON, Shop

SECRET = b"shpss_not-a-real-one"
T = [to_iso(NOON + n * MINUTE) for n in range(9)]


def deliver(shop: Shop, kind: Any, topic: str, body: Mapping[str, Any], *, at: int = 5) -> Taken:
    """As the address does once the signature was verified, then folded."""
    with shop.db.write() as conn:
        if not list_sources(conn, shop.id):
            create_source(conn, shop.id, name="Shop", kind="server", now=NOON, source_id="shop")
        if not list(store.doors_named(conn, "shop", kind)):
            store.keep_door(conn, shop.id, "shop", kind, SECRET, now=NOON)
        door, source = next(store.doors_named(conn, "shop", kind)), list_sources(conn, shop.id)[0]
        taken = take(conn, door, source, topic=topic, body=body, triggered_at="", now=NOON + at * DAY,
                     vocabulary=shop.pipeline.slices.vocabulary)  # fmt: skip
    shop.fold()
    return taken


def order(shop: Shop, order_id: str) -> OrderShown:
    with shop.db.read() as conn:
        return find_order(conn, shop.id, order_id)


def shopify_order(*, updated: int = 0, **more: Any) -> dict[str, Any]:
    """The part of Shopify's published `orders/*` payload that is read."""
    return {
        "id": 820982911946154508, "name": "#1001", "email": "ada@example.com", "created_at": T[0],
        "updated_at": T[updated],
        "currency": "EUR", "total_price": "30.00", "total_tax": "0.00", "total_discounts": "0.00",
        "total_shipping_price_set": {"shop_money": {"amount": "5.00", "currency_code": "EUR"}},
        "financial_status": "pending", "fulfillment_status": None, "cancelled_at": None, "discount_codes": [],
        "customer": {"id": 115310627314723954, "first_name": "Ada", "last_name": "Byron"}, "refunds": [],
        "line_items": [{"product_id": 788032119674292922, "variant_id": 642667041472713922, "sku": "W-1",
                        "title": "Chianti", "price": "12.50", "quantity": 2}],
    } | more  # fmt: skip


WOO_ORDER = {
    "id": 727, "number": "727", "status": "processing", "currency": "EUR", "date_created_gmt": T[0][:19],
    "date_modified_gmt": T[1][:19], "discount_total": "0.00", "shipping_total": "5.00", "total": "30.00",
    "total_tax": "0.00", "customer_id": 0, "coupon_lines": [], "refunds": [{"id": 9, "reason": "", "total": "-12.50"}],
    "billing": {"first_name": "Bo", "last_name": "Li", "email": "bo@example.com", "phone": ""},
    "line_items": [{"id": 1, "name": "Chianti", "product_id": 93, "variation_id": 0, "quantity": 2, "sku": "W-1",
                    "price": 12.5}],
}  # fmt: skip
MEDUSA_ORDER: dict[str, Any] = {"event": "order.updated", "data": {
    "id": "order_01", "display_id": 7, "email": "ada@example.com", "customer_id": "cus_1", "currency_code": "eur",
    "total": 30, "shipping_total": 5, "tax_total": 0, "created_at": T[0], "updated_at": T[1],
    "items": [{"product_id": "prod_1", "variant_id": "variant_1", "variant_sku": "W-1", "product_title": "Chianti",
               "unit_price": 12.5, "quantity": 2}],
    "payment_collections": [{"payments": [{"refunds": [{"id": "ref_1", "amount": 12.5, "created_at": T[2]}]}]}],
}}  # fmt: skip
SALEOR_ORDER = {"order": {
    "id": "T3JkZXI6MQ==", "number": "12", "status": "UNFULFILLED", "created": T[0], "updatedAt": T[1],
    "userEmail": "ada@example.com", "user": None, "voucherCode": None,
    "total": {"gross": {"amount": 30.0, "currency": "EUR"}, "tax": {"amount": 0.0}},
    "shippingPrice": {"net": {"amount": 5.0}},
    "lines": [{"productName": "Chianti", "productSku": "W-1", "quantity": 2,
               "unitPrice": {"gross": {"amount": 12.5}}, "variant": {"id": "V", "product": {"id": "P"}}}],
    "grantedRefunds": [{"id": "R1", "createdAt": T[2], "amount": {"amount": 12.5}}],
}}  # fmt: skip
REFUNDED = {"id": 509562969, "created_at": T[2], "transactions": [
    {"kind": "refund", "status": "success", "amount": "12.50"}], "refund_line_items": []}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "topic", "body", "name"),
    [
        ("shopify", "orders/updated", shopify_order(updated=1, refunds=[REFUNDED]), "#1001"),
        ("woocommerce", "order.updated", WOO_ORDER, "727"),
        ("medusa", "", MEDUSA_ORDER, "order_01"),
        ("saleor", "order_updated", SALEOR_ORDER, "12"),
    ],
)
def test_an_order_with_a_refund_is_the_same_from_each_system(
    any_shop: Shop, kind: Any, topic: str, body: Any, name: str
) -> None:
    shop = any_shop
    assert deliver(shop, kind, topic, body).outcome == "accepted"
    found = order(shop, name)
    assert (found.revenue_minor, found.refunded_minor > 0, found.currency) == (2500, True, "EUR")
    assert [(line.name, line.quantity, line.price_minor) for line in found.lines] == [("Chianti", "2", 1250)]
    assert found.customer_id is not None
    assert deliver(shop, kind, topic, body) == Taken("duplicates", 0, 0)


@pytest.mark.parametrize(
    ("includes_tax", "shelf", "gross", "net"), [(True, 119_00, 107_10, 90_00), (False, 100_00, 90_00, 90_00)]
)
def test_a_coupon_of_woocommerce_is_taken_off_once(
    any_shop: Shop, *, includes_tax: bool, shelf: int, gross: int, net: int
) -> None:
    """Its line price is net and after coupons; 100 net cost 119, a coupon takes 10 net off: 107.10 is paid."""
    line = {"id": 1, "name": "Gin", "product_id": 7, "variation_id": 0, "quantity": 1, "price": 90,
            "subtotal": "100.00", "subtotal_tax": "19.00", "total": "90.00", "total_tax": "17.10"}  # fmt: skip
    body = WOO_ORDER | {"discount_total": "10.00", "discount_tax": "1.90", "shipping_total": "0.00", "total": "107.10",
                        "total_tax": "17.10", "prices_include_tax": includes_tax, "coupon_lines": [{"code": "TEN"}],
                        "line_items": [line], "refunds": []}  # fmt: skip
    deliver(any_shop, "woocommerce", "order.created", body)
    found = order(any_shop, "727")
    assert (found.revenue_minor, [one.price_minor for one in found.lines]) == (90_00, [shelf])
    [said] = any_shop.facts("Order Completed")
    cart = cart_of(said, ReadingSettings("EUR"))
    assert counted(cart, Counting()) == [gross]
    assert counted(cart, Counting(tax="excluded", tax_percent=19)) == [net]
    assert counted(cart, Counting(discounts="before")) == [shelf]


def test_three_pieces_for_ten_cost_ten_and_a_line_that_cannot_be_read_takes_no_discount_twice(any_shop: Shop) -> None:
    lines = [{"id": 1, "name": "Gin", "product_id": 7, "quantity": 3, "price": 3.0, "subtotal": "10.00", "total": "9"}]
    body = WOO_ORDER | {"discount_total": "1.00", "total": "9.00", "shipping_total": "0", "line_items": lines,
                        "refunds": []}  # fmt: skip
    deliver(any_shop, "woocommerce", "order.created", body)
    unread = body | {"number": "728", "line_items": [lines[0] | {"subtotal": "soon"}]}
    deliver(any_shop, "woocommerce", "order.created", unread)
    told = [cart_of(one, ReadingSettings("EUR")) for one in any_shop.facts("Order Completed")]
    assert [counted(one, Counting()) for one in told] == [[900], [900]]
    assert [counted(one, Counting(discounts="before")) for one in told] == [[1000], [900]]


@pytest.mark.parametrize(
    ("kind", "topic", "body", "off"),
    [
        ("shopify", "orders/updated", shopify_order(taxes_included=False, total_price="31.00", total_tax="4.00",
                                                    total_discounts="3.00"), 300),
        ("medusa", "", {"event": "order.updated", "data": MEDUSA_ORDER["data"] | {
            "total": 31, "tax_total": 4, "discount_total": 3.57, "discount_subtotal": 3, "payment_collections": [],
            "items": [one | {"is_tax_inclusive": False} for one in MEDUSA_ORDER["data"]["items"]]}}, 300),
    ],
)  # fmt: skip
def test_prices_without_tax_are_told_to_be_so(any_shop: Shop, kind: Any, topic: str, body: Any, off: int) -> None:
    deliver(any_shop, kind, topic, body)
    cart = cart_of(any_shop.facts("Order Completed")[0], ReadingSettings("EUR"))
    assert (cart.includes_tax, sum(one.discount_minor for one in cart.lines)) == (False, off)
    assert counted(cart, Counting(tax="excluded", tax_percent=19)) == [2200]


def test_updated_and_paid_before_created_leave_the_same_order(tmp_path: Path) -> None:
    told = [
        ("orders/create", shopify_order()),
        ("orders/paid", shopify_order(updated=1, financial_status="paid")),
        ("orders/updated", shopify_order(updated=2, financial_status="paid", total_price="42.50")),
        ("orders/cancelled", shopify_order(updated=3, financial_status="paid", total_price="42.50", cancelled_at=T[3])),
    ]  # fmt: skip
    left = set()
    for number, sequence in enumerate(itertools.permutations(range(4))):
        if number % 7:
            continue
        shop = Shop(sqlite_database(tmp_path / str(number)))
        for n in (*sequence, sequence[0], sequence[-1]):
            deliver(shop, "shopify", *told[n])
        found = order(shop, "#1001")
        left.add((found.revenue_minor, found.state, found.cancelled_at, found.at, found.customer_id is not None))
        assert len(shop.facts("Order Completed")) == len(shop.facts("Order Cancelled")) == 1
        shop.close()
    assert len(left) == 1
    assert left.pop()[:2] == (3750, "cancelled")


def test_a_refund_is_taken_off_once_though_shopify_takes_it_off_its_current_amounts(any_shop: Shop) -> None:
    """Two bottles for 25.00, 4.75 tax and 5.00 for bringing them; one goes back with its tax, another line is edited
    away before anything was paid for it.
    """
    shop = any_shop
    line = shopify_order()["line_items"][0] | {"id": 11}
    before = shopify_order(
        total_price="34.75", current_total_price="34.75", total_tax="4.75", current_total_tax="4.75",
        line_items=[line | {"current_quantity": 2}],
    )  # fmt: skip
    refund = REFUNDED | {
        "transactions": [{"kind": "refund", "status": "success", "amount": "14.88"}],
        "refund_line_items": [{"line_item_id": 11, "quantity": 1, "subtotal": "12.50", "total_tax": "2.38",
                               "line_item": line}],
    }  # fmt: skip
    edited = {"id": 7, "created_at": T[2], "transactions": [], "refund_line_items": [
        {"line_item_id": 12, "quantity": 1, "line_item": line | {"id": 12, "price": "9.00"}}]}  # fmt: skip
    after = before | {
        "updated_at": T[3], "current_total_price": "19.87", "current_total_tax": "2.37", "refunds": [refund, edited],
        "line_items": [line | {"current_quantity": 1}, line | {"id": 12, "current_quantity": 0}],
    }  # fmt: skip
    deliver(shop, "shopify", "orders/create", before)
    deliver(shop, "shopify", "orders/updated", after)
    found = order(shop, "#1001")
    assert (found.revenue_minor, len(shop.facts("Order Refunded"))) == (2500, 1)
    assert found.refunded_minor == 1071, "14.88 in the proportion of the order, of which 25.00 of 34.75 was revenue"
    (told,) = shop.facts("Order Updated")
    assert (told.properties["total"], told.properties["tax"]) == ("34.75", "4.75")
    assert [one["quantity"] for one in told.properties["products"]] == [2, 0]


def woo(status: str, n: int, **more: Any) -> dict[str, Any]:
    return WOO_ORDER | {"status": status, "date_modified_gmt": T[n][:19], "refunds": [], "date_paid_gmt": None} | more


@pytest.mark.parametrize("end", ["cancelled", "failed", "trash"])
def test_an_order_that_nobody_paid_was_none_until_it_is_paid(any_shop: Shop, end: str) -> None:
    shop = any_shop
    deliver(shop, "woocommerce", "order.created", woo("pending", 0))
    assert deliver(shop, "woocommerce", "order.updated", woo(end, 3)).facts == 0
    assert deliver(shop, "woocommerce", "order.updated", woo("on-hold", 2)).facts == 0, "older than its end"
    assert shop.facts("Order Completed") == shop.facts("Order Cancelled") == []
    deliver(shop, "woocommerce", "order.updated", woo("processing", 5, date_paid_gmt=T[5][:19]))
    found = order(shop, "727")
    assert (found.state, found.net_minor) == ("placed", 2500)


def test_a_known_order_that_is_not_paid_ends_and_a_failed_payment_may_be_tried_again(any_shop: Shop) -> None:
    shop = any_shop
    deliver(shop, "woocommerce", "order.created", woo("on-hold", 0))
    deliver(shop, "woocommerce", "order.updated", woo("failed", 1))
    assert order(shop, "727").net_minor == 0
    deliver(shop, "woocommerce", "order.updated", woo("processing", 2, date_paid_gmt=T[2][:19]))
    assert order(shop, "727").net_minor == 2500
    deliver(shop, "woocommerce", "order.updated", woo("trash", 3, date_paid_gmt=T[2][:19]))
    assert (order(shop, "727").state, len(shop.facts("Order Completed"))) == ("cancelled", 1)
    expired = {"order": SALEOR_ORDER["order"] | {"status": "EXPIRED", "updatedAt": T[4]}}
    assert deliver(shop, "saleor", "order_expired", expired).facts == 0
    deliver(shop, "saleor", "order_updated", {"order": SALEOR_ORDER["order"] | {"updatedAt": T[5]}})
    assert order(shop, "12").state != "cancelled"
    deliver(shop, "saleor", "order_expired", {"order": expired["order"] | {"updatedAt": T[6]}})
    assert order(shop, "12").state == "cancelled"


def test_copies_that_differ_in_their_times_alone_are_told_once(any_shop: Shop) -> None:
    shop = any_shop
    for milliseconds in ("100", "103", "250"):
        body = {"order": SALEOR_ORDER["order"] | {"updatedAt": f"{T[1][:19]}.{milliseconds}Z"}}
        deliver(shop, "saleor", "order_updated", body)
    assert len(shop.facts("Order Updated")) == 1
    deliver(shop, "shopify", "orders/create", shopify_order())
    assert deliver(shop, "shopify", "orders/updated", shopify_order(updated=1)).outcome == "duplicates"


def test_what_goes_back_to_what_it_was_is_news_and_an_old_delivery_is_late(any_shop: Shop) -> None:
    shop = any_shop
    deliver(shop, "shopify", "products/create", PRODUCT)
    for n, available in ((1, 5), (2, 4), (3, 5)):
        assert deliver(shop, "shopify", "inventory_levels/update", level(available, n)).outcome == "accepted"
    assert deliver(shop, "shopify", "inventory_levels/update", level(4, 2)).outcome == "duplicates"
    assert deliver(shop, "shopify", "inventory_levels/update", level(9, 1)).outcome == "late"
    with shop.db.read() as conn:
        assert availability(conn, shop.id, ["632910392"], now=NOON + 10 * MINUTE)["632910392"].available == 5
        door = next(store.doors_named(conn, "shop", "shopify"))
    assert (door.accepted, door.duplicates, door.late) == (6, 1, 1)


PRODUCT = {
    "id": 632910392, "title": "Red shirt", "vendor": "Acme", "product_type": "Shirts", "status": "active",
    "body_html": "<p>It's <b>red</b></p>", "updated_at": T[0], "tags": "summer, linen", "options": [{"name": "Size"}],
    "images": [{"src": "https://cdn.example/red.png", "alt": None}],
    "variants": [{"id": 808950810, "title": "S", "sku": "RS-S", "barcode": "4006381333931", "price": "19.99",
                  "compare_at_price": "25.00", "option1": "S", "inventory_item_id": 39072856,
                  "inventory_quantity": 99}],
}  # fmt: skip


def level(available: int, n: int) -> dict[str, Any]:
    return {"inventory_item_id": 39072856, "location_id": 905684977, "available": available, "updated_at": T[n]}


def test_a_level_waits_for_its_product_and_a_product_says_nothing_of_stock(any_shop: Shop) -> None:
    shop = any_shop
    assert deliver(shop, "shopify", "inventory_levels/update", level(7, 2)).waiting == 1
    deliver(shop, "shopify", "inventory_levels/update", level(8, 1))
    assert shop.facts("Stock Level Changed") == []
    assert deliver(shop, "shopify", "products/update", PRODUCT).facts == 2
    with shop.db.read() as conn:
        assert availability(conn, shop.id, ["632910392"], now=NOON + 10 * MINUTE)["632910392"].available == 7
        product = find_shown(conn, shop.id, "632910392", now=NOON + 10 * MINUTE)
    assert (product.name, product.brand, product.variants[0].sku) == ("Red shirt", "Acme", "RS-S")
    assert product.variants[0].price is not None
    assert (product.variants[0].price.price_minor, product.variants[0].price.list_price_minor) == (1999, 2500)
    assert product.variants[0].attributes == {"size": ("S",)}
    deliver(shop, "shopify", "products/delete", {"id": 632910392})
    with shop.db.read() as conn:
        assert find_shown(conn, shop.id, "632910392", now=NOON + 10 * MINUTE).visible is False


def test_a_shop_that_tells_of_products_and_never_of_stock_is_an_alarm(any_shop: Shop) -> None:
    shop = any_shop

    def alarms(days: int) -> list[str]:
        with shop.db.read() as conn:
            return [one.what for watch in WATCHES if watch.read for one in watch.read(conn, shop.id, NOON + days * DAY)]

    product = {"id": 632910392, "title": "Chianti", "variants": [
        {"id": 808950810, "sku": "W-1", "price": "12.50", "inventory_item_id": 39072856}]}  # fmt: skip
    deliver(shop, "shopify", "products/update", product)
    assert alarms(1) == []
    assert alarms(2) == ["Shopify tells “shop” of products and never of stock"]
    deliver(shop, "shopify", "inventory_levels/update",
            {"inventory_item_id": 39072856, "location_id": 1, "available": 4, "updated_at": T[1]})  # fmt: skip
    assert alarms(2) == []


def test_products_and_stock_of_the_other_systems(any_shop: Shop) -> None:
    shop = any_shop
    woo = {"id": 93, "name": "Tea", "type": "simple", "status": "publish", "price": "4", "regular_price": "5",
           "sku": "T-1", "categories": [{"name": "Drinks"}], "manage_stock": True, "stock_quantity": 3,
           "date_modified_gmt": T[0][:19], "cross_sell_ids": [94]}  # fmt: skip
    variation = woo | {"id": 95, "type": "variation", "parent_id": 93, "stock_quantity": -2}
    deliver(shop, "woocommerce", "product.updated", woo)
    deliver(shop, "woocommerce", "product.updated", variation)
    deliver(shop, "medusa", "", {"event": "inventory-level.updated", "data": {
        "inventory_item_id": "iitem_1", "location_id": "sloc", "stocked_quantity": 10, "reserved_quantity": 4,
        "updated_at": T[1]}})  # fmt: skip
    deliver(shop, "medusa", "", {"event": "product.updated", "data": {
        "id": "prod_1", "title": "Cup", "status": "published", "updated_at": T[0], "variants": [
            {"id": "variant_1", "title": "Blue", "prices": [{"amount": 9, "currency_code": "eur"}],
             "inventory_items": [{"inventory_item_id": "iitem_1"}]}]}})  # fmt: skip
    deliver(shop, "saleor", "product_updated", {"product": {
        "id": "P", "name": "Mug", "updatedAt": T[0], "variants": [
            {"id": "V", "sku": "M",
             "channelListings": [{"channel": {"slug": "de"},
                                  "price": {"amount": 7, "currency": "EUR"}}],
             "stocks": [{"warehouse": {"id": "WH"}, "quantity": 6, "quantityAllocated": 1}]}]}})  # fmt: skip
    with shop.db.read() as conn:
        had = availability(conn, shop.id, ["93", "prod_1", "P"], now=NOON + 10 * MINUTE)
        mug = find_shown(conn, shop.id, "P", now=NOON + 10 * MINUTE, market="de")
        assert find_shown(conn, shop.id, "93", now=NOON).relations[0].product_id == "94"
    assert {one: had[one].available for one in had} == {"93": 3, "prod_1": 6, "P": 5}
    assert (mug.price_minor, mug.currency) == (700, "EUR")


def test_a_product_is_withdrawn_as_often_as_it_is_offered_again(any_shop: Shop) -> None:
    shop = any_shop
    product = {"id": 93, "name": "Tea", "type": "simple", "status": "publish", "price": "4"}
    for day in range(0, 8, 2):
        deliver(shop, "woocommerce", "product.restored", product, at=day)
        deliver(shop, "woocommerce", "product.deleted", {"id": 93}, at=day + 1)
        assert deliver(shop, "woocommerce", "product.deleted", {"id": 93}, at=day + 1).outcome == "duplicates"
        with shop.db.read() as conn:
            assert find_shown(conn, shop.id, "93", now=NOON + 9 * DAY).visible is False
    assert len(shop.facts("Product Withdrawn")) == 4


def test_a_product_that_is_sold_out_by_hand_is_not_offered_until_it_is_in_stock_by_hand(any_shop: Shop) -> None:
    shop = any_shop

    def state(stock_status: str, n: int, **more: Any) -> str:
        said = {"id": 93, "name": "Tea", "type": "simple", "manage_stock": False, "stock_quantity": None} | more
        deliver(shop, "woocommerce", "product.updated",
                said | {"stock_status": stock_status, "date_modified_gmt": T[n][:19]})  # fmt: skip
        with shop.db.read() as conn:
            return availability(conn, shop.id, ["93"], now=NOON + 10 * MINUTE)["93"].state

    assert state("instock", 1) == "unknown"
    assert state("outofstock", 3) == "sold_out"
    assert state("instock", 2) == "sold_out", "late"
    assert state("instock", 4) == "in_stock"
    assert state("outofstock", 5, type="variable") == "in_stock", "its variations say"
    assert state("instock", 6, manage_stock=True, stock_quantity=0) == "sold_out"


def test_a_product_of_many_levels_and_the_last_of_many_shops_are_heard(any_shop: Shop) -> None:
    shop = any_shop
    there = range(1_000, 1_000 + store._PAGE + 1)
    with shop.db.write() as conn:
        for number in there:
            store.keep_door(conn, WorkspaceId(number), "shop", "saleor", b"another's secret", now=NOON)
        doors = list(store.doors_named(conn, "shop", "saleor"))
        assert [door.workspace for door in doors] == list(there)
        store.refuse(conn, "shop", "saleor", now=NOON, why="forged")
        assert {door.refused for door in store.doors_named(conn, "shop", "saleor")} == {1}
        levels = [("level", f"V@{number}") for number in range(70_000)]
        some = {one: Heard("told", NOON) for one in levels[::7_000]}
        store.remember(conn, doors[0], some)
        assert store.heard(conn, doors[0], levels) == some
        assert store.find_items(conn, doors[0], [one for _, one in levels]) == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_NAMES = (
    "id", "name", "number", "variants", "line_items", "items", "data", "order", "product", "total", "refunds", "prices",
    "stocks", "options", "images", "updated_at", "location_id", "inventory_item_id", "available",
)  # fmt: skip


@settings(max_examples=40)
@given(st.sampled_from(SHOPS), st.dictionaries(st.sampled_from(_NAMES), json_values, max_size=9))
def test_no_body_whatever_it_holds_raises(kind: Any, body: dict[str, Any]) -> None:
    for topic in ("orders/updated", "products/update", "inventory_levels/update", "locations/update", "order.updated",
                  "product.updated", "order_updated", "product_updated"):  # fmt: skip
        for thing in READERS[kind](topic, body | {"event": topic}, NOON):
            msgspec.json.encode(thing.facts)


def test_each_system_signs_in_its_own_way() -> None:
    body = b'{"id":1}'
    digest = hmac.new(SECRET, body, sha256)
    base, hexadecimal = base64.b64encode(digest.digest()).decode(), digest.hexdigest()
    good: list[tuple[Any, str, str]] = [
        ("shopify", "x-shopify-hmac-sha256", base), ("shopify", "shopify-hmac-sha256", base),
        ("woocommerce", "x-wc-webhook-signature", base), ("saleor", "saleor-signature", hexadecimal),
        ("medusa", "x-webhook-signature", f"sha256={hexadecimal}"),
        ("medusa", "authorization", f"Bearer {SECRET.decode()}"),
    ]  # fmt: skip
    for kind, header, value in good:
        verify(kind, {header: value}, body, SECRET)
        for headers, secret in (({}, SECRET), ({header: value[:-2] + "AA"}, SECRET), ({header: value}, b"another"),
                                ({header: "ÿ"}, SECRET)):  # fmt: skip
            with pytest.raises(Unauthenticated):
                verify(kind, headers, body, secret)
        if header != "authorization":
            with pytest.raises(Unauthenticated):
                verify(kind, {header: value}, body + b" ", SECRET)
    with pytest.raises(Unauthenticated, match="JWS"):
        verify("saleor", {"saleor-signature": "eyJhbGciOiJSUzI1NiJ9..abc"}, body, SECRET)


def test_forgeries_to_one_source_keep_what_is_sent_to_another_from_the_same_address_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shops of one system all send from its addresses, and anybody can have it send anything anywhere."""
    shop = Shop(sqlite_database(tmp_path))
    with shop.db.write() as conn:
        for source in ("shop", "other"):
            create_source(conn, shop.id, name=source, kind="server", now=NOON, source_id=source)
            store.keep_door(conn, shop.id, source, "shopify", SECRET, now=NOON)
    slices = shop.pipeline.slices
    monkeypatch.setattr(routes, "FORGED_A_MINUTE", 2)
    app = create_app(
        db=shop.db, wording=slices.wording, permissions=slices.permissions, parts={"shops": WEB},
        provided={
            "vocabulary": slices.vocabulary, "in_flight": InFlight(10**8),
            "channel_settings": ChannelSettings(allow_private=True),
        },
    )  # fmt: skip
    body = msgspec.json.encode(shopify_order())
    signed = base64.b64encode(hmac.new(SECRET, body, sha256).digest()).decode()
    with TestClient(app) as sender:

        def send(source: str, signature: str) -> int:
            headers = {"X-Shopify-Hmac-Sha256": signature, "X-Shopify-Topic": "orders/create"}
            return sender.post(f"/v1/webhooks/shopify/{source}", content=body, headers=headers).status_code

        assert [send("shop", "forged") for _ in range(3)] == [401, 401, 429]
        assert (send("shop", signed), send("other", signed)) == (429, 200)
    shop.close()


def test_a_shop_is_connected_and_sends_over_http(shop_server: Server) -> None:
    def call(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {shop_server.api_key}"}
        return http.request(method, f"{shop_server.url}/api/v1/{path}", headers=headers, **options)

    def send(body: bytes, *, secret: bytes = SECRET, event: str = "1") -> httpx.Response:
        signed = base64.b64encode(hmac.new(secret, body, sha256).digest()).decode()
        sent = {"X-Shopify-Hmac-Sha256": signed, "X-Shopify-Topic": "orders/create",
                "X-Shopify-Event-Id": event}  # fmt: skip
        return http.post(f"{shop_server.url}/v1/webhooks/shopify/{source}", content=body, headers=sent)

    source = call("GET", "sources").json()[0]["id"]
    body = msgspec.json.encode(shopify_order())
    assert send(body).status_code == 404
    secret = {"secret": SECRET.decode()}
    assert call("PUT", f"shops/shopify/{source}", json=secret).json()["path"] == f"/v1/webhooks/shopify/{source}"
    assert send(body).json() == {"outcome": "accepted", "facts": 1, "waiting": 0}
    assert send(body, event="2").json()["outcome"] == "duplicates"
    assert send(body, secret=b"guessed").status_code == 401
    assert send(b"[1,2]").status_code == 400
    assert (
        http.post(f"{shop_server.url}/v1/webhooks/woocommerce/{source}", content=b"webhook_id=7").json()["outcome"]
        == "ping"
    )
    assert http.post(f"{shop_server.url}/v1/webhooks/magento/{source}", content=b"{}").status_code == 404
    wait_until(lambda: call("GET", "orders/%231001").status_code == 200)
    shown = call("GET", "shops").json()["shops"][0]
    assert (shown["accepted"], shown["duplicates"], shown["refused"]) == (2, 1, 1)
    assert SECRET.decode() not in call("GET", "shops").text
    assert call("PUT", f"shops/magento/{source}", json=secret).status_code == 404
    assert call("DELETE", f"shops/shopify/{source}").json() == {"shops": []}
    assert send(body).status_code == 404


def test_a_provider_of_messages_tells_over_http(shop_server: Server) -> None:
    def call(method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {shop_server.api_key}"}
        return http.request(method, f"{shop_server.url}/api/v1/{path}", headers=headers, **options)

    def tell(body: bytes, *, secret: bytes = SECRET) -> httpx.Response:
        signed = hmac.new(secret, body, sha256).hexdigest()
        return http.post(f"{shop_server.url}{path}", content=body, headers={"X-Hub-Signature-256": f"sha256={signed}"})

    path = "/v1/webhooks/providers/meta/shop"
    assert tell(b"{}").status_code == 404
    [made] = call("PUT", "providers/meta", json={"secret": SECRET.decode()}).json()["providers"]
    path = made["path"]
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": made["verify_token"]}
    assert http.get(f"{shop_server.url}{path}", params=asked).text == "1158201444"
    assert http.get(f"{shop_server.url}{path}", params={**asked, "hub.verify_token": "guessed"}).status_code == 401
    assert tell(b'{"entry": []}').json() == {"messages": 0, "replies": 0, "confirm": ""}
    assert tell(b'{"entry": []}', secret=b"guessed").status_code == 401
    assert tell(b"[1]").status_code == 400
    [shown] = call("GET", "providers").json()["providers"]
    assert (shown["accepted"], shown["ignored"], shown["refused"]) == (0, 1, 1)
    assert SECRET.decode() not in call("GET", "providers").text
    assert call("DELETE", "providers/meta").json() == {"providers": []}
