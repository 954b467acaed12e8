"""`GET /components/supply/availability?key=…`: what a shop's own page says of a product's stock, by the write key.

Everybody can read that key, so nobody learns how much there is: only whether there is some, and when it is the last.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import Parameter

from rapport.capabilities.supply.model import State
from rapport.capabilities.supply.service import location_named
from rapport.capabilities.supply.shown import PlaceShown, product_shown
from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.web.shoppers import Shopper

__all__ = ["COMPONENTS"]

FEW = 5
"""So many pieces or fewer are told, so that a shopper can hurry; of more only that they are there."""
OFTEN = 600

Short = Annotated[str, Parameter(max_length=120)]


class StorePublic(msgspec.Struct, frozen=True, kw_only=True):
    """An open store where goods are collected."""

    location_id: str
    name: str
    state: State
    left: int | None
    """Pieces, where they are few."""


class AvailabilityPublic(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a product can be had: in the store that was asked about, else sent."""

    product_id: str
    state: State
    left: int | None
    location_id: str
    location: str
    """The store's name; empty where none was asked about."""
    incoming_at: str | None
    """When more are expected, the first time."""
    stated_at: str | None
    """The oldest statement this rests on."""
    places: list[StorePublic]
    """Stores that hand it over, by name."""


@get("/availability", opened_by="write_key", a_minute=OFTEN, sync_to_thread=True)
def availability_component(
    db: Database, shopper: Shopper, product: Short, variant: Short = "", location: Short = "", market: Short = ""
) -> Response[bytes]:
    """What can be had of a product, as far as a shopper is told; unknown in a store that nobody has stated yet."""
    now, workspace = now_us(), shopper.workspace
    with db.read() as conn:
        chosen = location_named(conn, workspace, location) if location else None
        if location and chosen is None:
            return _answer(_unknown(product, location))
        asked = product_shown(
            conn, workspace, product, location=location, market=market, variant=variant, now=now
        )  # fmt: skip
        everywhere = asked
        if location:
            everywhere = product_shown(conn, workspace, product, market=market, variant=variant, now=now)
    counted = [place for place in asked.places if not place.note]
    shown = AvailabilityPublic(
        product_id=product, state=asked.state, left=_few(asked.available), location_id=location,
        location=chosen.name if chosen else "",
        incoming_at=min((place.incoming_at for place in asked.places if place.incoming_at), default=None),
        stated_at=min((place.stated_at for place in counted), default=None) if asked.available is not None else None,
        places=_stores(everywhere.places),
    )  # fmt: skip
    return _answer(shown)


def _unknown(product: str, location: str) -> AvailabilityPublic:
    return AvailabilityPublic(
        product_id=product, state="unknown", left=None, location_id=location, location="", incoming_at=None,
        stated_at=None, places=[],
    )  # fmt: skip


def _answer(shown: AvailabilityPublic) -> Response[bytes]:
    body = msgspec.json.encode(shown)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def _stores(places: Iterable[PlaceShown]) -> list[StorePublic]:
    """Each store once, whichever variants it has."""
    pieces: dict[tuple[str, str], int] = {}
    for place in places:
        if place.pickup and place.note != "closed" and place.available:
            one = (place.name, place.location_id)
            pieces[one] = pieces.get(one, 0) + place.available
    return [
        StorePublic(location_id=location_id, name=name, state="in_stock", left=_few(there))
        for (name, location_id), there in sorted(pieces.items())
    ]


def _few(pieces: int | None) -> int | None:
    return pieces if pieces is not None and 0 < pieces <= FEW else None


COMPONENTS = (availability_component,)
