"""WooCommerce's webhooks. Orders are told whole with their refunds; stock with the product or variation it is of, all
in one place.

**Source:** WooCommerce, REST API v3, webhooks with topics `order.*` and `product.*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from rapport.adapters.shops.model import Body, Thing, fact, first, is_tip, moment, number, person, table, tables, text
from rapport.remember import inputs

__all__ = ["PLACE", "read"]

PLACE = "woocommerce"
_NO_ORDER = frozenset({"pending", "draft", "checkout-draft", "auto-draft"})
_CANCELLED = frozenset({"cancelled"})
_ENDED = frozenset({"cancelled", "trash", "failed"})
_FINE = Decimal("0.000001")
_LONGEST = 20
"""Digits of an amount: longer ones are none."""
UNCOUNTED = 1_000
"""Pieces that are said of a product which is in stock again without being counted."""


def read(topic: str, body: Body, at: int) -> Iterator[Thing]:
    """What a delivery says."""
    kind, _, action = topic.lower().partition(".")
    if kind == "order" and action in ("created", "updated", "restored"):
        yield from _order(body, at, is_new=action == "created")
    elif kind == "product" and action == "deleted":
        product_id = text(body.get("id"))
        if product_id is not None:
            yield Thing("product", product_id, at, [fact("Product Withdrawn", at=at, product_id=product_id)])
    elif kind == "product":
        yield from _product(body, at)


def _order(body: Body, at: int, *, is_new: bool) -> Iterator[Thing]:
    name, status = text(body.get("number")) or text(body.get("id")), str(body.get("status", "")).lower()
    if name is None or status in _NO_ORDER:
        return
    placed = moment(body.get("date_created_gmt"), otherwise=at)
    changed = max(placed, moment(body.get("date_modified_gmt"), otherwise=at))
    who, said = _customer(body, name), _amounts(body, name)
    if status in _ENDED and not (status in _CANCELLED and first(body.get("date_paid_gmt"), body.get("date_paid"))):
        yield Thing("order", name, changed, [_ended(said, who, status, changed)], if_known=True)
        return
    facts = [fact("Order Completed", at=placed, about=who, once=True, **said)]
    facts.append(fact("Order Updated", at=changed, about=who, **said, status=status))
    if status in _CANCELLED:
        facts.append(fact("Order Cancelled", at=changed, about=who, once=True, order_id=name))
    for one in tables(body.get("refunds")):
        total, refund_id = text(one.get("total")), text(one.get("id"))
        if total and refund_id:
            facts.append(fact(
                "Order Refunded", at=changed, about=who, once=True, refund_id=refund_id, order_id=name,
                currency=said["currency"], total=total.lstrip("-"),
            ))  # fmt: skip
    yield Thing("order", name, changed, facts, is_first=is_new)


def _ended(said: dict[str, Any], who: dict[str, Any], status: str, at: int) -> dict[str, Any]:
    """How an order that was not paid ends.

    A payment that failed calls nothing off, it may be tried again: it makes the order worth nothing until it is paid.
    """
    if status != "failed":
        return fact("Order Cancelled", at=at, about=who, once=True, order_id=said["order_id"])
    return fact(
        "Order Updated", at=at, about=who, order_id=said["order_id"], currency=said["currency"], status=status,
        total=0, shipping=0, tax=0,
    )  # fmt: skip


def _amounts(body: Body, name: str) -> dict[str, Any]:
    """Lines and discount by one measure: prices as on the shelf, before coupons, with tax where the shelf has it.

    WooCommerce's own `price` of a line is neither: it is net, and after coupons.
    """
    includes_tax = body.get("prices_include_tax") is True
    fields = ("subtotal", "subtotal_tax") if includes_tax else ("subtotal",)
    lines = tables(body.get("line_items"))
    before = [_each(one, fields) for one in lines]
    are_before = all(price is not None for price in before)
    off = ("discount_total", "discount_tax") if includes_tax else ("discount_total",)
    coupons = [text(one.get("code")) for one in tables(body.get("coupon_lines"))]
    return {
        "order_id": name, "currency": text(body.get("currency")), "total": number(body.get("total")),
        "shipping": number(body.get("shipping_total")), "tax": number(body.get("total_tax")), "tip": _tip(body),
        "discount": _sum(body, off) if are_before else None,
        "prices_include_tax": includes_tax, "coupon": next((one for one in coupons if one), None),
        "payment_method": text(body.get("payment_method_title")),
        "products": [
            _line(one, price if are_before else number(one.get("price")))
            for one, price in zip(lines, before, strict=True)
        ],
    }  # fmt: skip


def _tip(body: Body) -> str | None:
    """Fees that are called a tip, as the plugins for tips call them: without tax, which the order's tax has."""
    found = [number(one.get("total")) for one in tables(body.get("fee_lines")) if is_tip(one.get("name"))]
    try:
        return f"{sum((Decimal(str(one)) for one in found if one is not None), Decimal(0)):f}" if found else None
    except ArithmeticError:
        return None


def _sum(body: Body, fields: Sequence[str]) -> str | None:
    """The sum of some amounts, of which the first has to be there."""
    stated = [number(body.get(field)) for field in fields]
    if stated[0] is None:
        return None
    try:
        found = sum((Decimal(str(one)) for one in stated if one is not None), Decimal(0))
    except ArithmeticError:
        return None
    return f"{found:f}" if found.is_finite() else None


def _each(line: Body, fields: Sequence[str]) -> str | None:
    """What a piece of a line costs by these amounts of the whole line, unrounded."""
    total, pieces = _sum(line, fields), inputs.quantity(dict(line))
    if total is None or pieces is None or pieces <= 0 or len(total) > _LONGEST:
        return None
    return f"{(Decimal(total) / Decimal(pieces)).quantize(_FINE).normalize():f}"


def _line(one: Body, price: object) -> dict[str, Any]:
    variation = text(one.get("variation_id"))
    said = {
        "product_id": first(text(one.get("product_id")), text(one.get("sku")), text(one.get("name"))),
        "variant": variation if variation != "0" else None, "sku": text(one.get("sku")), "name": text(one.get("name")),
        "price": price, "quantity": one.get("quantity"),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _customer(body: Body, name: str) -> dict[str, Any]:
    billing, customer = table(body.get("billing")), text(body.get("customer_id"))
    who = person(
        guest=f"woocommerce:{name}", customer=("woocommerce_customer", customer if customer != "0" else None),
        email=billing.get("email"), phone=billing.get("phone"), firstName=billing.get("first_name"),
        lastName=billing.get("last_name"), company=billing.get("company"),
    )  # fmt: skip
    return who | {"context": who["context"] | {"channel": "web"}}


def _product(body: Body, at: int) -> Iterator[Thing]:
    product_id = text(body.get("id"))
    if product_id is None:
        return
    changed = moment(body.get("date_modified_gmt"), body.get("date_created_gmt"), otherwise=at)
    parent = text(body.get("parent_id"))
    is_variation = body.get("type") == "variation" and parent not in (None, "0")
    if not is_variation:
        yield Thing("product", product_id, changed, [_stated(body, product_id, changed)])
    of = {"product_id": parent, "variant": product_id} if is_variation else {"product_id": product_id}
    yield from _level(body, product_id, of, changed)


def _level(body: Body, product_id: str, of: dict[str, Any], changed: int) -> Iterator[Thing]:
    """Stock that is counted as it is counted; else a product is sold out by hand until it is in stock again by hand."""
    is_counted = body.get("manage_stock") is True and body.get("stock_quantity") is not None
    is_out = body.get("stock_status") == "outofstock"
    is_of_others = body.get("manage_stock") == "parent" or body.get("type") in ("variable", "grouped")
    if not is_counted and (is_of_others or not body.get("stock_status")):
        return
    available = body["stock_quantity"] if is_counted else 0 if is_out else UNCOUNTED
    level = fact("Stock Level Changed", at=changed, location_id=PLACE, **of, available=available)
    yield Thing("level", product_id, changed, [level], if_known=not (is_counted or is_out))


def _stated(body: Body, product_id: str, changed: int) -> dict[str, Any]:
    attributes = {name: one.get("options") for one in tables(body.get("attributes")) if (name := text(one.get("name")))}
    related = [("cross_sell", body.get("cross_sell_ids")), ("upsell", body.get("upsell_ids"))]
    html = body.get("description")
    return fact(
        "Product Stated", at=changed, product_id=product_id, name=text(body.get("name")),
        description=re.sub(r"<[^>]{0,500}>", " ", html[:20_000]) if isinstance(html, str) else None,
        sku=text(body.get("sku")), gtin=text(body.get("global_unique_id")), url=text(body.get("permalink"), 1_000),
        price=number(body.get("price")), list_price=number(body.get("regular_price")),
        categories=[text(one.get("name")) for one in tables(body.get("categories"))],
        tags=[text(one.get("name")) for one in tables(body.get("tags"))], attributes=attributes,
        media=[{"kind": "image", "url": text(one.get("src"), 1_000), "alt": text(one.get("alt"))}
               for one in tables(body.get("images"))],
        relations=[{"kind": kind, "product_id": text(other)} for kind, ids in related if isinstance(ids, list)
                   for other in ids],
        visible=body.get("status", "publish") == "publish" and body.get("catalog_visibility") != "hidden",
    )  # fmt: skip
