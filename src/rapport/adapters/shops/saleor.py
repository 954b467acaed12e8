"""Saleor's webhooks, with the payload of the subscription queries that `docs/how-to/connect-a-shop.md` shows.

Saleor sends up to four copies of one change whose times differ by milliseconds: they are folded by what they say.

**Source:** Saleor 3.22, asynchronous events and subscription payloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rapport.adapters.shops.model import Body, Thing, fact, first, moment, number, person, table, tables, text

__all__ = ["read"]


def read(topic: str, body: Body, at: int) -> Iterator[Thing]:
    """What a delivery says."""
    event = topic.lower()
    said = table(body.get("event")) or body
    order, product, variant = (table(said.get(name)) for name in ("order", "product", "productVariant"))
    if order:
        yield from _order(order, at, is_new=event == "order_created")
    elif product:
        yield from _product(product, at, is_gone=event == "product_deleted")
    elif variant:
        yield from _levels(variant, at)


def _order(order: Body, at: int, *, is_new: bool) -> Iterator[Thing]:
    name = text(order.get("number")) or text(order.get("id"))
    if name is None or order.get("status") == "DRAFT":
        return
    placed = moment(order.get("created"), otherwise=at)
    changed = max(placed, moment(order.get("updatedAt"), otherwise=at))
    who, said = _customer(order, name), _amounts(order, name)
    if order.get("status") == "EXPIRED":  # nobody confirmed or paid it in time
        ended = fact("Order Cancelled", at=changed, about=who, once=True, order_id=name)
        yield Thing("order", name, changed, [ended], if_known=True)
        return
    facts = [fact("Order Completed", at=placed, about=who, once=True, **said)]
    facts.append(fact("Order Updated", at=changed, about=who, **said, status=text(order.get("status"))))
    if order.get("status") == "CANCELED":
        facts.append(fact("Order Cancelled", at=changed, about=who, once=True, order_id=name))
    facts += [
        fact("Order Refunded", at=moment(one.get("createdAt"), otherwise=changed), about=who, once=True,
             refund_id=text(one.get("id")), order_id=name, currency=said["currency"],
             total=number(table(one.get("amount")).get("amount")))
        for one in tables(order.get("grantedRefunds"))
    ]  # fmt: skip
    yield Thing("order", name, changed, facts, is_first=is_new)


def _amounts(order: Body, name: str) -> dict[str, Any]:
    total, shipping = table(order.get("total")), table(order.get("shippingPrice"))
    gross = table(total.get("gross"))
    return {
        "order_id": name, "saleor_id": text(order.get("id")), "currency": text(gross.get("currency")),
        "total": number(gross.get("amount")), "tax": number(table(total.get("tax")).get("amount")),
        "shipping": number(table(shipping.get("net")).get("amount")), "coupon": text(order.get("voucherCode")),
        "products": [_line(one) for one in tables(order.get("lines"))],
    }  # fmt: skip


def _line(one: Body) -> dict[str, Any]:
    variant = table(one.get("variant"))
    said = {
        "product_id": first(text(table(variant.get("product")).get("id")), text(one.get("productSku")),
                            text(one.get("productName"))),
        "variant": text(variant.get("id")), "sku": text(one.get("productSku")), "name": text(one.get("productName")),
        "price": number(table(table(one.get("unitPrice")).get("gross")).get("amount")), "quantity": one.get("quantity"),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value is not None}


def _customer(order: Body, name: str) -> dict[str, Any]:
    address = table(order.get("billingAddress"))
    who = person(
        guest=f"saleor:{name}", customer=("saleor_customer", text(table(order.get("user")).get("id"))),
        email=order.get("userEmail"), phone=address.get("phone"), firstName=address.get("firstName"),
        lastName=address.get("lastName"),
    )  # fmt: skip
    return who | {"context": who["context"] | {"channel": "web"}}


def _product(product: Body, at: int, *, is_gone: bool) -> Iterator[Thing]:
    product_id = text(product.get("id"))
    if product_id is None:
        return
    changed = moment(product.get("updatedAt"), otherwise=at)
    if is_gone:
        yield Thing("product", product_id, changed, [fact("Product Withdrawn", at=changed, product_id=product_id)])
        return
    attributes = {
        name: [text(value.get("name")) for value in tables(one.get("values"))]
        for one in tables(product.get("attributes"))
        if (name := text(table(one.get("attribute")).get("name")))
    }
    variants = tables(product.get("variants"))
    stated = fact(
        "Product Stated", at=changed, product_id=product_id, name=text(product.get("name")),
        category=text(table(product.get("category")).get("name")), attributes=attributes,
        media=[{"kind": "image", "url": text(one.get("url"), 1_000), "alt": text(one.get("alt"))}
               for one in tables(product.get("media"))],
        variants=[_variant(one) for one in variants],
    )  # fmt: skip
    yield Thing("product", product_id, changed, [stated])
    for one in variants:
        yield from _levels({**one, "product": product}, at, changed=changed)


def _variant(one: Body) -> dict[str, Any]:
    prices = [
        {"market": text(table(listing.get("channel")).get("slug")),
         "price": number(table(listing.get("price")).get("amount")),
         "currency": text(table(listing.get("price")).get("currency"))}
        for listing in tables(one.get("channelListings"))
    ]  # fmt: skip
    said = {
        "variant": text(one.get("id")), "name": text(one.get("name")), "sku": text(one.get("sku")),
        "prices": [price for price in prices if price["price"] is not None],
    }  # fmt: skip
    return {name: value for name, value in said.items() if value not in (None, [])}


def _levels(variant: Body, at: int, *, changed: int | None = None) -> Iterator[Thing]:
    name, product_id = text(variant.get("id")), text(table(variant.get("product")).get("id"))
    stated = moment(variant.get("updatedAt"), otherwise=at) if changed is None else changed
    for stock in tables(variant.get("stocks")):
        place = text(table(stock.get("warehouse")).get("id"))
        if name is None or product_id is None or place is None or stock.get("quantity") is None:
            continue
        level = fact(
            "Stock Level Changed", at=stated, location_id=place, product_id=product_id, variant=name,
            on_hand=stock["quantity"], reserved=stock.get("quantityAllocated"),
        )  # fmt: skip
        yield Thing("level", f"{name}@{place}", stated, [level])
