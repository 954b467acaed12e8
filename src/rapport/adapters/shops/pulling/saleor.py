"""Saleor's lists, by GraphQL, with the fields that its webhooks' subscription queries ask for.

**Source:** Saleor 3.22, GraphQL API: `orders` and `products` sorted by LAST_MODIFIED_AT, cursors of connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from rapport.adapters.shops.model import table, tables, text
from rapport.adapters.shops.pulling.model import Asked, Page, Place, Said, ShopList, System, Unreadable
from rapport.kernel.clock import to_iso
from rapport.kernel.language import noted

__all__ = ["SYSTEM"]

_ORDERS = """query($after: String, $filter: OrderFilterInput) {
  orders(first: 50, after: $after, filter: $filter, sortBy: {field: LAST_MODIFIED_AT, direction: ASC}) {
    pageInfo { hasNextPage endCursor } edges { node { id number status created updatedAt userEmail voucherCode
    user { id } total { gross { amount currency } tax { amount } } shippingPrice { net { amount } }
    billingAddress { firstName lastName phone }
    lines { productName productSku quantity unitPrice { gross { amount } } variant { id product { id } } }
    grantedRefunds { id createdAt amount { amount } } } } } }"""
_PRODUCTS = """query($after: String, $filter: ProductFilterInput) {
  products(first: 50, after: $after, filter: $filter, sortBy: {field: LAST_MODIFIED_AT, direction: ASC}) {
    pageInfo { hasNextPage endCursor } edges { node { id name updatedAt category { name } media { url alt }
    attributes { attribute { name } values { name } }
    variants { id name sku channelListings { channel { slug } price { amount currency } }
      stocks { warehouse { id } quantity quantityAllocated } } } } } }"""


def _ask(query: str, place: Place) -> Asked:
    wanted: dict[str, Any] = {"updatedAt": {"gte": to_iso(place.since)}} if place.since else {}
    variables = {"after": place.page or None, "filter": wanted}
    return Asked("/graphql/", body=msgspec.json.encode({"query": query, "variables": variables}))


def _read(name: str, kind: str, place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    if not isinstance(answer, dict):
        raise Unreadable("the answer is no object")
    faults = [text(one.get("message"), 120) or "" for one in tables(answer.get("errors"))]
    found = table(table(answer.get("data")).get(name))
    if faults or not isinstance(found.get("edges"), list):
        raise Unreadable(f"refused: {faults[0]}" if faults else f"the answer has no {name}")
    nodes = [table(one.get("node")) for one in tables(found["edges"])]
    information = table(found.get("pageInfo"))
    page = text(information.get("endCursor"), 2_000) if information.get("hasNextPage") is True else None
    return Page([Said(f"{kind}_updated", {kind: node}) for node in nodes], page or "")


SYSTEM = System(
    "saleor",
    (
        ShopList(noted("products"), partial(_ask, _PRODUCTS), partial(_read, "products", "product")),
        ShopList(noted("orders"), partial(_ask, _ORDERS), partial(_read, "orders", "order"), is_whole=False),
    ),
    headers=lambda key: {"authorization": f"Bearer {key}"},
    pause_seconds=0.2,
)
