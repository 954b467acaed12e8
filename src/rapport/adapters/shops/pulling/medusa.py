"""Medusa's lists: products and orders in the order of their changes; all levels of stock, which name no time to ask by.

**Source:** Medusa 2, Admin API reference: `updated_at[$gte]`, `order`, `fields`; secret API keys (Basic).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from rapport.adapters.shops.model import Body, tables
from rapport.adapters.shops.pulling.model import Asked, Page, Place, Said, ShopList, System, Unreadable, changed_after
from rapport.kernel.clock import to_iso
from rapport.kernel.language import noted

__all__ = ["SYSTEM"]

_SIZE = 50
_PRODUCT = (
    "*categories,*tags,*images,*collection,*variants,*variants.prices,*variants.options,*variants.inventory_items"
)
_ORDER = (
    "*items,*billing_address,*shipping_address,*payment_collections,*payment_collections.payments,"
    "*payment_collections.payments.refunds,+total,+tax_total,+shipping_total,+shipping_tax_total,+discount_total,"
    "+discount_subtotal,+is_draft_order"
)


def _ask(path: str, fields: str, place: Place) -> Asked:
    since = (("updated_at[$gte]", to_iso(place.since)),) if place.since else ()
    return Asked(f"/admin/{path}", (
        ("limit", str(_SIZE)), ("offset", place.page or "0"), ("order", "updated_at"), ("fields", fields), *since
    ))  # fmt: skip


def _things(answer: Any, name: str) -> list[Body]:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
        raise Unreadable(f"the answer has no list of {name}")
    return tables(answer[name])


def _read(name: str, event: str, place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    found = _things(answer, name)
    said = [Said("", {"event": event, "data": one}) for one in found]
    if len(found) < _SIZE:
        return Page(said)
    since = changed_after(found[-1].get("updated_at"), place)
    return Page(said, "" if since else str(int(place.page or 0) + _SIZE), since)


def _ask_stock(place: Place) -> Asked:
    return Asked("/admin/inventory-items", (
        ("limit", str(_SIZE)), ("offset", place.page or "0"), ("order", "id"), ("fields", "id,*location_levels")
    ))  # fmt: skip


def _read_stock(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    found = _things(answer, "inventory_items")
    page = str(int(place.page or 0) + _SIZE) if len(found) == _SIZE else ""
    return Page(list(_levels(found)), page)


def _levels(items: list[Body]) -> Iterator[Said]:
    for item in items:
        for level in tables(item.get("location_levels")):
            data = {"inventory_item_id": item.get("id"), **level}
            yield Said("", {"event": "inventory-level.updated", "data": data})


SYSTEM = System(
    "medusa",
    (
        ShopList(noted("products"), partial(_ask, "products", _PRODUCT), partial(_read, "products", "product.updated")),
        ShopList(noted("stock"), _ask_stock, _read_stock),
        ShopList(
            noted("orders"), partial(_ask, "orders", _ORDER), partial(_read, "orders", "order.updated"), is_whole=False
        ),
    ),
    headers=lambda key: {"authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}"},
    pause_seconds=0.15,
)
