"""Shopify's webhooks. Every topic of orders tells an order whole, with its refunds; of stock only the topics of
inventory are believed, since a sale changes no product.

**Source:** Shopify, Admin API 2026-01, topics `orders/*`, `products/*`, `inventory_levels/update`, `locations/*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

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
from rapport.kernel.currencies import exponent

__all__ = ["read"]

_CHANNELS = {"pos": "store", "shopify_draft_order": "phone"}


def read(topic: str, body: Body, at: int) -> Iterator[Thing]:
    """What a delivery says."""
    kind, _, action = topic.lower().partition("/")
    if kind == "orders" and action != "delete":
        yield from _order(body, at, is_new=action == "create")
    elif kind == "products":
        yield from _withdrawn(body, at) if action == "delete" else _product(body, at)
    elif kind == "inventory_levels" and action == "update":
        yield from _level(body, at)
    elif kind == "locations" and action != "delete":
        yield from _location(body, at)


def _order(body: Body, at: int, *, is_new: bool) -> Iterator[Thing]:
    name = text(body.get("name")) or text(body.get("id"))
    if name is None or body.get("test") is True:
        return  # a test order: nobody paid
    placed = moment(body.get("processed_at"), body.get("created_at"), otherwise=at)
    changed = max(placed, moment(body.get("updated_at"), otherwise=at))
    who = _customer(body, name)
    said = _amounts(body, name)
    facts = [fact("Order Completed", at=placed, about=who, once=True, **said)]
    status = "cancelled" if body.get("cancelled_at") else first(
        body.get("fulfillment_status"), body.get("financial_status")
    )  # fmt: skip
    facts.append(fact("Order Updated", at=changed, about=who, **said, status=text(status)))
    if body.get("cancelled_at"):
        cancelled = moment(body["cancelled_at"], otherwise=at)
        facts.append(fact("Order Cancelled", at=cancelled, about=who, once=True, order_id=name))
    facts += [refund for one in tables(body.get("refunds")) if (refund := _refund(one, name, who, body, at))]
    yield Thing("order", name, changed, facts, is_first=is_new)


def _amounts(body: Body, name: str) -> dict[str, Any]:
    """As the order was before its refunds, which are facts of their own: Shopify's current amounts are those after."""
    back = _given_back(body)
    codes = [text(one.get("code")) for one in tables(body.get("discount_codes"))]
    return {
        "order_id": name, "shopify_id": text(body.get("id")), "currency": text(body.get("currency")),
        "total": _with(body.get("current_total_price"), back.paid, otherwise=body.get("total_price")),
        "tax": _with(body.get("current_total_tax"), back.tax, otherwise=body.get("total_tax")),
        "shipping": _shipping(body), "tip": number(body.get("total_tip_received")), "duties": _duties(body),
        "discount": number(first(body.get("current_total_discounts"), body.get("total_discounts"))),
        "prices_include_tax": body.get("taxes_included") is not False,
        "coupon": next((code for code in codes if code), None), "payment_status": text(body.get("financial_status")),
        "products": [_line(one, back.pieces) for one in tables(body.get("line_items")) if not _is_tip(one)],
    }  # fmt: skip


def _is_tip(line: Body) -> bool:
    return first(line.get("tip_payment_gateway"), line.get("tip_payment_method"), line.get("tip")) is not None


def _duties(order: Body) -> Any:
    """What is paid at the border and was taken with the order, as it was before refunds."""
    stated = (
        table(table(order.get(f"{which}_total_duties_set")).get("shop_money")) for which in ("original", "current")
    )
    return number(first(*(one.get("amount") for one in stated)))


def _shipping(order: Body) -> Any:
    """What sending cost after discounts and without the tax in it, as the order's tax has that already."""
    lines = [one for one in tables(order.get("shipping_lines")) if one.get("is_removed") is not True]
    paid = [_in_shop_money(one, "discounted_price") for one in lines]
    if not lines or any(number(one) is None for one in paid):
        return number(table(table(order.get("total_shipping_price_set")).get("shop_money")).get("amount"))
    taxes = [_in_shop_money(tax, "price") for one in lines for tax in tables(one.get("tax_lines"))]
    within = [_negative(one) for one in taxes] if order.get("taxes_included") is not False else []
    return _sum([str(one) for one in (*paid, *within) if number(one) is not None])


def _in_shop_money(one: Body, field: str) -> Any:
    """An amount in the shop's own currency: of two that are stated, the customer may have paid in the other."""
    return first(table(table(one.get(f"{field}_set")).get("shop_money")).get("amount"), one.get(field))


def _negative(amount: object) -> str:
    stated = str(amount)
    return stated[1:] if stated.startswith("-") else f"-{stated}"


class _Back(NamedTuple):
    """What the refunds of an order gave back together."""

    paid: list[object]
    tax: list[object]
    pieces: Mapping[str, int]
    """By line."""


def _given_back(order: Body) -> _Back:
    paid: list[object] = []
    tax: list[object] = []
    pieces: dict[str, int] = {}
    for one in tables(order.get("refunds")):
        amounts = _paid_back(one, order)
        if not amounts or not text(one.get("id")):
            continue  # lines that were only taken off an order: no money went back, and no refund is told of
        paid += amounts
        for line in tables(one.get("refund_line_items")):
            tax.append(_in_shop_money(line, "total_tax"))
            line_id = text(first(line.get("line_item_id"), table(line.get("line_item")).get("id")))
            number_ = line.get("quantity")
            if line_id and isinstance(number_, int) and not isinstance(number_, bool):
                pieces[line_id] = pieces.get(line_id, 0) + number_
    return _Back(paid, tax, pieces)


def _paid_back(refund: Body, order: Body) -> list[object]:
    """What went back in the order's currency: a transaction is in the one that the customer paid in."""
    return [
        _exchanged(one, order)
        for one in tables(refund.get("transactions"))
        if one.get("kind") == "refund" and one.get("status") == "success"
    ]


def _exchanged(paid: Body, order: Body) -> object:
    """A transaction's amount in the order's currency, by the rate at which the order itself was exchanged."""
    amount, wanted = _in_shop_money(paid, "amount"), text(order.get("currency"))
    if amount != paid.get("amount") or text(paid.get("currency")) in (None, wanted) or wanted is None:
        return amount
    prices = table(order.get("total_price_set"))
    shop, theirs = table(prices.get("shop_money")), table(prices.get("presentment_money"))
    if text(theirs.get("currency_code")) != text(paid.get("currency")):
        return None
    try:
        found = Decimal(str(amount)) * Decimal(str(shop.get("amount"))) / Decimal(str(theirs.get("amount")))
        return str(found.quantize(Decimal(1).scaleb(-exponent(wanted)), ROUND_HALF_UP))
    except ArithmeticError:
        return None


def _with(current: object, back: list[object], *, otherwise: object) -> Any:
    """The amount that is left with what was given back; where none is known to be left, what there was."""
    if current in (None, ""):
        return number(otherwise)
    total = _sum([str(one) for one in (current, *back) if number(one) is not None]) if back else None
    return number(current) if total is None else total


def _line(one: Body, back: Mapping[str, int]) -> dict[str, Any]:
    said = {
        "product_id": text(one.get("product_id")) or text(one.get("sku")) or text(one.get("title")),
        "variant": text(one.get("variant_id")), "sku": text(one.get("sku")), "name": text(one.get("title")),
        "brand": text(one.get("vendor")), "price": number(one.get("price")),
        "quantity": _pieces(one, back),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _pieces(one: Body, back: Mapping[str, int]) -> Any:
    left = one.get("current_quantity")
    if not isinstance(left, int) or isinstance(left, bool):
        return first(left, one.get("quantity"))
    return left + back.get(text(one.get("id")) or "", 0)


def _customer(body: Body, name: str) -> dict[str, Any]:
    customer, address = table(body.get("customer")), table(body.get("billing_address"))
    return _on_channel(body, person(
        guest=f"shopify:{name}", customer=("shopify_customer", text(customer.get("id"))),
        email=first(body.get("email"), body.get("contact_email")), phone=first(body.get("phone"), address.get("phone")),
        firstName=first(customer.get("first_name"), address.get("first_name")),
        lastName=first(customer.get("last_name"), address.get("last_name")), company=address.get("company"),
    ))  # fmt: skip


def _on_channel(body: Body, who: dict[str, Any]) -> dict[str, Any]:
    channel = _CHANNELS.get(str(body.get("source_name")), "web")
    return who | {"context": who["context"] | {"channel": channel}}


def _refund(one: Body, name: str, who: dict[str, Any], order: Body, at: int) -> dict[str, Any] | None:
    refund_id = text(one.get("id"))
    if refund_id is None:
        return None
    lines = [line for line in tables(one.get("refund_line_items")) if not _is_tip(table(line.get("line_item")))]
    products = [_line(table(line.get("line_item")), {}) | {"quantity": line.get("quantity")} for line in lines]
    amounts = [str(number(amount)) for amount in _paid_back(one, order)]
    is_taken_off = order.get("current_total_price") not in (None, "")  # already, where no money went back
    if not amounts and (is_taken_off or not products):
        return None
    total = _sum(amounts)
    return fact(
        "Order Refunded", at=moment(one.get("processed_at"), one.get("created_at"), otherwise=at), about=who, once=True,
        refund_id=refund_id, order_id=name, currency=text(order.get("currency")), total=total, products=products,
    )  # fmt: skip


def _sum(amounts: list[str]) -> str | None:
    try:
        return str(sum((Decimal(one) for one in amounts), Decimal(0))) if amounts else None
    except InvalidOperation:
        return None


def _product(body: Body, at: int) -> Iterator[Thing]:
    product_id = text(body.get("id"))
    if product_id is None:
        return
    names = [text(one.get("name")) for one in tables(body.get("options"))]
    variants = tables(body.get("variants"))
    changed = moment(body.get("updated_at"), body.get("created_at"), otherwise=at)
    tags = body.get("tags")
    stated = fact(
        "Product Stated", at=changed, product_id=product_id, name=text(body.get("title")),
        description=_plain(body.get("body_html")), brand=text(body.get("vendor")),
        category=text(body.get("product_type")),
        tags=[tag.strip() for tag in tags.split(",")] if isinstance(tags, str) else tags,
        media=[{"kind": "image", "url": text(one.get("src"), 1_000), "alt": text(one.get("alt"))}
               for one in tables(body.get("images"))],
        variants=[_variant(one, names) for one in variants],
        visible=body.get("status", "active") == "active",
    )  # fmt: skip
    pairs = ((text(one.get("inventory_item_id")), text(one.get("id"))) for one in variants)
    items = tuple(StockItem(item, product_id, variant) for item, variant in pairs if item and variant)
    yield Thing("product", product_id, changed, [stated], items)


def _variant(one: Body, names: list[str | None]) -> dict[str, Any]:
    options = (one.get("option1"), one.get("option2"), one.get("option3"))
    attributes = {name: text(value) for name, value in zip(names, options, strict=False)
                  if name and name.lower() != "title" and text(value)}  # fmt: skip
    said = {
        "variant": text(one.get("id")), "name": text(one.get("title")), "sku": text(one.get("sku")),
        "gtin": text(one.get("barcode")), "price": number(one.get("price")),
        "list_price": number(one.get("compare_at_price")), "attributes": attributes,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, {})}


def _withdrawn(body: Body, at: int) -> Iterator[Thing]:
    product_id = text(body.get("id"))
    if product_id is not None:
        yield Thing("product", product_id, at, [fact("Product Withdrawn", at=at, product_id=product_id)])


def _level(body: Body, at: int) -> Iterator[Thing]:
    item, place = text(body.get("inventory_item_id")), text(body.get("location_id"))
    if item is None or place is None or body.get("available") is None:
        return
    changed = moment(body.get("updated_at"), otherwise=at)
    stated = fact("Stock Level Changed", at=changed, location_id=place, available=body["available"])
    yield Thing("level", f"{item}@{place}", changed, [stated], waits_for=item)


def _location(body: Body, at: int) -> Iterator[Thing]:
    place = text(body.get("id"))
    if place is None:
        return
    changed = moment(body.get("updated_at"), otherwise=at)
    stated = fact(
        "Location Stated", at=changed, location_id=place, name=text(body.get("name")),
        open=body.get("active") is not False, street=text(body.get("address1")), city=text(body.get("city")),
        postcode=text(body.get("zip")),         country=text(body.get("country_code")),
    )  # fmt: skip
    yield Thing("level", f"location@{place}", changed, [stated])


def _plain(html: object) -> str | None:
    if not isinstance(html, str):
        return None
    return re.sub(r"<[^>]{0,500}>", " ", html[:20_000])
