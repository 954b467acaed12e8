"""Medusa's events, as a subscriber of the shop's posts them: `{"event": "order.placed", "data": {…}}`.

**Source:** Medusa 2, events reference, and the entities they are about; amounts are in whole units of the currency.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from rapport.adapters.shops.model import (
    Body,
    StockItem,
    Thing,
    fact,
    first,
    moment,
    number,
    person,
    table,
    tables,
    text,
)

__all__ = ["read"]


def read(topic: str, body: Body, at: int) -> Iterator[Thing]:
    """What a delivery says."""
    event, data = topic or str(body.get("event") or body.get("name") or ""), table(body.get("data"))
    if event.startswith("order."):
        yield from _order(data, at, is_new=event == "order.placed")
    elif event == "product.deleted":
        product_id = text(data.get("id"))
        if product_id is not None:
            yield Thing("product", product_id, at, [fact("Product Withdrawn", at=at, product_id=product_id)])
    elif event.startswith("product."):
        yield from _product(data, at)
    elif event.startswith(("inventory-level.", "inventory.inventory-level.")):
        yield from _level(data, at)


def _order(data: Body, at: int, *, is_new: bool) -> Iterator[Thing]:
    order_id = text(data.get("id"))
    if order_id is None or (data.get("total") is None and not data.get("items")):
        return  # an event that carries the id alone: its subscriber has to fetch the order
    if data.get("is_draft_order") is True or data.get("status") == "draft":
        return
    placed = moment(data.get("created_at"), otherwise=at)
    changed = max(placed, moment(data.get("updated_at"), otherwise=at))
    who, items = _customer(data, order_id), tables(data.get("items"))
    # Of lines without tax the discount that goes with them is the one without tax.
    is_net = bool(items) and all(one.get("is_tax_inclusive") is False for one in items)
    discount = first(data.get("discount_subtotal") if is_net else None, data.get("discount_total"))
    said: dict[str, Any] = {
        "order_id": order_id, "number": text(data.get("display_id")), "currency": text(data.get("currency_code")),
        "total": number(data.get("total")), "shipping": _shipping(data),
        "tax": number(data.get("tax_total")), "discount": number(discount),
        "prices_include_tax": not is_net, "products": [_line(one) for one in items],
    }  # fmt: skip
    facts = [fact("Order Completed", at=placed, about=who, once=True, **said)]
    status = "canceled" if data.get("canceled_at") else text(data.get("status"))
    facts.append(fact("Order Updated", at=changed, about=who, **said, status=status))
    if data.get("canceled_at"):
        cancelled = moment(data["canceled_at"], otherwise=at)
        facts.append(fact("Order Cancelled", at=cancelled, about=who, once=True, order_id=order_id))
    paid = [one for collection in tables(data.get("payment_collections")) for one in tables(collection.get("payments"))]
    facts += [
        fact("Order Refunded", at=moment(one.get("created_at"), otherwise=changed), about=who, once=True,
             refund_id=text(one.get("id")), order_id=order_id, currency=said["currency"],
             total=number(one.get("amount")))
        for payment in paid for one in tables(payment.get("refunds"))
    ]  # fmt: skip
    yield Thing("order", order_id, changed, facts, is_first=is_new)


def _shipping(data: Body) -> Any:
    """What sending cost without its tax, which the order's tax has already."""
    total, tax = number(data.get("shipping_total")), number(data.get("shipping_tax_total"))
    if total is None or tax is None:
        return total
    try:
        return number(f"{Decimal(str(total)) - Decimal(str(tax)):f}")
    except ArithmeticError:
        return total


def _line(one: Body) -> dict[str, Any]:
    said = {
        "product_id": first(text(one.get("product_id")), text(one.get("variant_sku")), text(one.get("title"))),
        "variant": text(one.get("variant_id")), "sku": text(one.get("variant_sku")),
        "name": first(text(one.get("product_title")), text(one.get("title"))), "price": number(one.get("unit_price")),
        "quantity": one.get("quantity"),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _customer(data: Body, order_id: str) -> dict[str, Any]:
    address = first(table(data.get("billing_address")), table(data.get("shipping_address"))) or {}
    who = person(
        guest=f"medusa:{order_id}", customer=("medusa_customer", text(data.get("customer_id"))),
        email=data.get("email"), phone=address.get("phone"), firstName=address.get("first_name"),
        lastName=address.get("last_name"),
    )  # fmt: skip
    return who | {"context": who["context"] | {"channel": "web"}}


def _product(data: Body, at: int) -> Iterator[Thing]:
    product_id = text(data.get("id"))
    if product_id is None or data.get("title") is None:
        return
    changed = moment(data.get("updated_at"), data.get("created_at"), otherwise=at)
    variants = tables(data.get("variants"))
    stated = fact(
        "Product Stated", at=changed, product_id=product_id, name=text(data.get("title")),
        description=text(data.get("description"), 10_000), image_url=text(data.get("thumbnail"), 1_000),
        media=[{"kind": "image", "url": text(one.get("url"), 1_000)} for one in tables(data.get("images"))],
        categories=[text(one.get("name")) for one in tables(data.get("categories"))],
        tags=[text(one.get("value")) for one in tables(data.get("tags"))],
        brand=text(table(data.get("collection")).get("title")), variants=[_variant(one) for one in variants],
        visible=data.get("status", "published") == "published",
    )  # fmt: skip
    items = tuple(
        StockItem(item, product_id, variant)
        for one in variants
        if (variant := text(one.get("id")))
        for stocked in tables(one.get("inventory_items"))
        if (item := text(stocked.get("inventory_item_id")))
    )
    yield Thing("product", product_id, changed, [stated], items)


def _variant(one: Body) -> dict[str, Any]:
    prices = [
        {"price": number(price.get("amount")), "currency": text(price.get("currency_code"))}
        for price in tables(one.get("prices"))
    ]
    options = {
        name: text(option.get("value"))
        for option in tables(one.get("options"))
        if (name := text(table(option.get("option")).get("title")))
    }
    said = {
        "variant": text(one.get("id")), "name": text(one.get("title")), "sku": text(one.get("sku")),
        "gtin": first(text(one.get("barcode")), text(one.get("ean")), text(one.get("upc"))), "prices": prices,
        "attributes": options,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, {}, [])}


def _level(data: Body, at: int) -> Iterator[Thing]:
    item, place = text(data.get("inventory_item_id")), text(data.get("location_id"))
    if item is None or place is None or data.get("stocked_quantity") is None:
        return
    changed = moment(data.get("updated_at"), otherwise=at)
    stated = fact(
        "Stock Level Changed", at=changed, location_id=place, on_hand=data["stocked_quantity"],
        reserved=data.get("reserved_quantity"), incoming=data.get("incoming_quantity"),
    )  # fmt: skip
    yield Thing("level", f"{item}@{place}", changed, [stated], waits_for=item)
