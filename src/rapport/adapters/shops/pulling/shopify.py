"""Shopify's lists. They are read to their end by the cursor in the header Link, which stays true while things change.

**Source:** Shopify, Admin REST API 2026-01: pagination, rate limits (2 requests a second), Order, Product, Event,
Location, InventoryLevel. Orders older than 60 days need the scope `read_all_orders`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from rapport.adapters.shops.model import Body, tables, text
from rapport.adapters.shops.pulling.model import Asked, Page, Place, Said, ShopList, System, Unreadable
from rapport.kernel.clock import to_iso
from rapport.kernel.language import noted

__all__ = ["SYSTEM"]

_ROOT = "/admin/api/2026-01"
_MOST = "250"
_FEWER = "100"
"""Orders are long."""
_AT_ONCE = 50
"""Locations whose levels may be asked for together."""
_LONGEST_LINK = 16_000


def _asked(
    path: str, place: Place, *, field: str, limit: str = _MOST, query: tuple[tuple[str, str], ...] = ()
) -> Asked:
    if place.page:  # a cursor holds what was asked first, and allows nothing beside it
        return Asked(_ROOT + path, (("limit", limit), ("page_info", place.page)))
    since = ((field, to_iso(place.since)),) if place.since else ()
    return Asked(_ROOT + path, (("limit", limit), *query, *since))


def _things(answer: Any, name: str) -> list[Body]:
    if not isinstance(answer, dict) or not isinstance(answer.get(name), list):
        raise Unreadable(f"the answer has no list of {name}")
    return tables(answer[name])


def _next(headers: Mapping[str, str]) -> str:
    """The cursor of the page that follows, empty at the end. What cannot be read is no end: raises Unreadable."""
    told = headers.get("link", "")
    if len(told) > _LONGEST_LINK:
        raise Unreadable(f"its header Link has {len(told):,} characters")
    for link in told.split(","):
        address, *parameters = link.split(";")
        if any(one.strip().replace('"', "").casefold() == "rel=next" for one in parameters):
            return _cursor(address.strip().strip("<>"))
    return ""


def _cursor(address: str) -> str:
    for part in urlsplit(address).query.split("&"):
        name, _, value = part.partition("=")
        if name == "page_info" and value:
            return unquote(value)
    raise Unreadable("its header Link leads to a next page without a cursor")


def _read_locations(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    found = _things(answer, "locations")
    ids = [name for one in found if (name := text(one.get("id")))]
    return Page([Said("locations/update", one) for one in found], carried=",".join(ids))


def _read_products(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    return Page([Said("products/update", one) for one in _things(answer, "products")], _next(headers))


def _read_gone(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    return Page(list(_gone(_things(answer, "events"))), _next(headers))


def _gone(events: list[Body]) -> Iterator[Said]:
    for one in events:
        if one.get("subject_type") == "Product" and one.get("verb") == "destroy" and text(one.get("subject_id")):
            yield Said("products/delete", {"id": one["subject_id"]}, text(one.get("created_at")) or "")


def _ask_levels(place: Place) -> Asked:
    group, _, cursor = place.page.partition(" ")
    ids = place.carried.split(",")[int(group or 0) * _AT_ONCE :][:_AT_ONCE]
    return _asked(
        "/inventory_levels.json", Place(since=place.since, page=cursor), field="updated_at_min",
        query=(("location_ids", ",".join(ids)),),
    )  # fmt: skip


def _read_levels(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    found, group = _things(answer, "inventory_levels"), int(place.page.partition(" ")[0] or 0)
    cursor, page = _next(headers), ""
    if cursor:
        page = f"{group} {cursor}"
    elif place.carried.count(",") >= (group + 1) * _AT_ONCE:
        page = str(group + 1)
    return Page([Said("inventory_levels/update", one) for one in found], page)


def _read_orders(place: Place, answer: Any, headers: Mapping[str, str]) -> Page:
    return Page([Said("orders/updated", one) for one in _things(answer, "orders")], _next(headers))


SYSTEM = System(
    "shopify",
    (
        ShopList(noted("locations"), lambda place: Asked(f"{_ROOT}/locations.json"), _read_locations),
        ShopList(
            noted("products"), lambda place: _asked("/products.json", place, field="updated_at_min"), _read_products
        ),
        ShopList(
            noted("deleted products"),
            lambda place: _asked(
                "/events.json", place, field="created_at_min", query=(("filter", "Product"), ("verb", "destroy"))
            ),
            _read_gone,
            is_whole=False,
        ),
        ShopList(noted("stock"), _ask_levels, _read_levels),
        ShopList(
            noted("orders"),
            lambda place: _asked(
                "/orders.json", place, field="updated_at_min", limit=_FEWER, query=(("status", "any"),)
            ),
            _read_orders,
            is_whole=False,
        ),
    ),
    headers=lambda key: {"x-shopify-access-token": key},
    pause_seconds=0.55,
)
