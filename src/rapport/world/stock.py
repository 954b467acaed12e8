"""What the shop's systems say of its warehouse, its stores and their shelves: the facts of supply, as a till's server
sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rapport.kernel.clock import HOUR, to_datetime, to_iso
from rapport.world.catalogue import the_catalogue
from rapport.world.messages import Delivery
from rapport.world.storefront.delivery import STORES, StorePlace

__all__ = ["EVERY", "stock_told"]

EVERY = HOUR
"""How often the shelves are counted."""

_LEVELS = 150
"""Levels of one message."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
_ZONE = ZoneInfo("Europe/London")
_EPOCH = date(1970, 1, 1)
_WAREHOUSE: dict[str, Any] = {
    "location_id": "warehouse", "name": "Warehouse", "roles": ["ships"], "city": "Swindon", "country": "GB",
}  # fmt: skip
"""Where orders are sent from."""


def stock_told(now: int) -> Iterator[Delivery]:
    """Where goods lie, then what each place has of every product today; within an hour it is the same messages."""
    catalogue = the_catalogue()
    day = (to_datetime(now).astimezone(_ZONE).date() - _EPOCH).days
    yield from _told(_WAREHOUSE, {p.id: catalogue.stored(p, day=day) for p in catalogue.products}, now)
    for store in catalogue.stores:
        yield from _told(
            _place(STORES[store.key]), {p.id: catalogue.stock(store, p, day=day) for p in catalogue.products}, now
        )


def _told(place: dict[str, Any], pieces: dict[str, int], now: int) -> Iterator[Delivery]:
    hour, key = now // EVERY, place["location_id"]
    yield _delivery("Location Stated", f"{hour}-{key}", place, now)
    levels = [{"product_id": product, "on_hand": number} for product, number in pieces.items()]
    for start in range(0, len(levels), _LEVELS):
        said = {"location_id": key, "levels": levels[start : start + _LEVELS]}
        yield _delivery("Stock Level Changed", f"{hour}-{key}-{start}", said, now)


def _place(place: StorePlace) -> dict[str, Any]:
    return {
        "location_id": place.key, "name": place.city, "roles": ["pickup"], "street": place.street, "city": place.city,
        "postcode": place.postcode, "country": place.country,
        "hours": dict.fromkeys(_DAYS, f"{place.opens}:00-{place.closes}:00"),
    }  # fmt: skip


def _delivery(event: str, name: str, said: dict[str, Any], now: int) -> Delivery:
    message = {
        "type": "track", "event": event, "messageId": f"stock-{name}", "timestamp": to_iso(now), "properties": said,
    }  # fmt: skip
    return Delivery(now, now, "store", message, "", 0)
