"""WooCommerce's lists, in the order of their changes: each full page is followed by what changed since its last.

**Source:** WooCommerce, REST API v3: `modified_after`, `dates_are_gmt`, `orderby=modified`; product variations.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rapport.adapters.shops.model import tables, text
from rapport.adapters.shops.pulling.model import Asked, Page, Place, Said, ShopList, System, Unreadable, changed_after
from rapport.kernel.clock import SECOND, to_iso
from rapport.kernel.language import noted

__all__ = ["SYSTEM"]

_ROOT = "/wp-json/wc/v3"
_ORDERS = 100
_PRODUCTS = 10
"""A product with variations costs a request of its own."""
_VARIATIONS = 100


def _ask(path: str, status: str, size: int, place: Place) -> Asked:
    # "After" leaves out that very second.
    since = (("modified_after", to_iso(place.since - SECOND)[:19]), ("dates_are_gmt", "true")) if place.since else ()
    return Asked(f"{_ROOT}/{path}", (
        ("per_page", str(size)), ("page", place.page or "1"), ("orderby", "modified"), ("order", "asc"),
        ("status", status), *since,
    ))  # fmt: skip


def _read(topic: str, size: int, place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    if not isinstance(answer, list):
        raise Unreadable("the answer is no list")
    found = tables(answer)
    parts = [name for one in found if one.get("type") == "variable" and (name := text(one.get("id")))]
    said = [Said(topic, one) for one in found]
    if len(answer) < size or not found:
        return Page(said, parts=parts)
    since = changed_after(found[-1].get("date_modified_gmt"), place)
    page = "" if since else str(int(place.page or 1) + 1)
    return Page(said, page, since, parts=parts)


def _ask_variations(product_id: str, number: int) -> Asked:
    asked = (("per_page", str(_VARIATIONS)), ("page", str(number)), ("orderby", "id"), ("order", "asc"))
    return Asked(f"{_ROOT}/products/{int(product_id)}/variations", asked)


def _read_variations(product_id: str, answer: Any) -> Sequence[Said]:
    if not isinstance(answer, list):
        raise Unreadable("the answer is no list")
    return [Said("product.updated", {**one, "type": "variation", "parent_id": product_id}) for one in tables(answer)]


def _list(name: str, path: str, status: str, size: int, *, is_whole: bool) -> ShopList:
    is_products = path == "products"
    topic = "product.updated" if is_products else "order.updated"
    return ShopList(
        name, partial(_ask, path, status, size), partial(_read, topic, size), is_whole,
        _ask_variations if is_products else None, _read_variations if is_products else None, _VARIATIONS,
    )  # fmt: skip


SYSTEM = System(
    "woocommerce",
    (
        _list(noted("products"), "products", "any", _PRODUCTS, is_whole=True),
        _list(noted("products in the bin"), "products", "trash", _PRODUCTS, is_whole=False),
        _list(noted("orders"), "orders", "any", _ORDERS, is_whole=False),
        _list(noted("orders in the bin"), "orders", "trash", _ORDERS, is_whole=False),
    ),
    headers=lambda key: {"authorization": f"Basic {b64encode(key.encode()).decode()}"},
    pause_seconds=0.25,
)
