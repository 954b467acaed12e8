"""WooCommerce's webhooks. Orders are told whole with their refunds; stock with the product or variation it is of, all
in one place.

**Source:** WooCommerce, REST API v3, webhooks with topics `order.*` and `product.*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rapport.adapters.shops.model import Body, Thing, fact, first, moment, number, person, table, tables, text

__all__ = ["PLACE", "read"]

PLACE = "woocommerce"
_NO_ORDER = frozenset({"pending", "failed", "draft", "checkout-draft", "auto-draft", "trash"})
_CANCELLED = frozenset({"cancelled"})


def read(topic: str, body: Body, at: int) -> Iterator[Thing]:
    """What a delivery says."""
    kind, _, action = topic.lower().partition(".")
    if kind == "order" and action in ("created", "updated", "restored"):
        yield from _order(body, at, is_new=action == "created")
    elif kind == "product" and action == "deleted":
        product_id = text(body.get("id"))
        if product_id is not None:
            yield Thing("product", product_id, at, [fact("Product Withdrawn", at=at, once=True, product_id=product_id)])
    elif kind == "product":
        yield from _product(body, at)


def _order(body: Body, at: int, *, is_new: bool) -> Iterator[Thing]:
    name, status = text(body.get("number")) or text(body.get("id")), str(body.get("status", "")).lower()
    if name is None or status in _NO_ORDER:
        return
    placed = moment(body.get("date_created_gmt"), otherwise=at)
    changed = max(placed, moment(body.get("date_modified_gmt"), otherwise=at))
    who, said = _customer(body, name), _amounts(body, name)
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


def _amounts(body: Body, name: str) -> dict[str, Any]:
    coupons = [text(one.get("code")) for one in tables(body.get("coupon_lines"))]
    return {
        "order_id": name, "currency": text(body.get("currency")), "total": number(body.get("total")),
        "shipping": number(body.get("shipping_total")), "tax": number(body.get("total_tax")),
        "discount": number(body.get("discount_total")), "coupon": next((one for one in coupons if one), None),
        "payment_method": text(body.get("payment_method_title")),
        "products": [_line(one) for one in tables(body.get("line_items"))],
    }  # fmt: skip


def _line(one: Body) -> dict[str, Any]:
    variation = text(one.get("variation_id"))
    said = {
        "product_id": first(text(one.get("product_id")), text(one.get("sku")), text(one.get("name"))),
        "variant": variation if variation != "0" else None, "sku": text(one.get("sku")), "name": text(one.get("name")),
        "price": number(one.get("price")), "quantity": one.get("quantity"),
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
    if body.get("manage_stock") is True and body.get("stock_quantity") is not None:
        of = {"product_id": parent, "variant": product_id} if is_variation else {"product_id": product_id}
        level = fact(
            "Stock Level Changed", at=changed, location_id=PLACE, **of, available=body["stock_quantity"]
        )  # fmt: skip
        yield Thing("level", product_id, changed, [level])


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
