"""What can be had of one product as the API and the console show it: together, and place by place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.supply import store
from rapport.capabilities.supply.bundles import bundle_levels
from rapport.capabilities.supply.model import Level, Location, State, state_of
from rapport.capabilities.supply.service import known_since
from rapport.kernel.clock import SECOND, to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import noted

__all__ = ["PlaceShown", "ProductShown", "product_shown"]


_STALE = noted("stated too long ago to be known")


class PlaceShown(msgspec.Struct, frozen=True, kw_only=True):
    """What one place has of a product, or of one of its variants."""

    location_id: str
    name: str
    variant: str
    state: State
    available: int | None
    """Pieces that can be handed over; null where that is unknown."""
    incoming: int
    incoming_at: str | None
    ships: bool
    pickup: bool
    stated_at: str
    age_seconds: int
    note: str
    """Why it counts for nothing, in words; empty where it counts."""


class ProductShown(msgspec.Struct, frozen=True, kw_only=True):
    """What can be had of a product."""

    product_id: str
    state: State
    """`in_stock` where a place that was asked about hands it over; `unknown` where no recent level says so."""
    available: int | None
    places: list[PlaceShown]


def product_shown(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, location: str = "", market: str = "",
    variant: str = "", now: int,
) -> ProductShown:  # fmt: skip
    """What can be had of a product, or of one of its variants: collected at a location where one is named, else sent.

    Raises NotFound for a location that nobody knows.
    """
    known = store.find_locations(conn, workspace)
    if location and location not in known:
        raise NotFound(f"no location {location[:60]!r}", hint="GET /api/v1/locations lists them")
    since = known_since(conn, workspace, now=now)
    levels = _levels(conn, workspace, product_id)
    if variant:
        levels = [level for level in levels if level.variant == variant]
    shown = list(_places(levels, known, location=location, market=market, since=since, now=now))
    counted = [place for place in shown if place.note in ("", _STALE)]
    pieces = sum(place.available or 0 for place in counted)
    is_known = pieces > 0 or (bool(counted) and all(place.available is not None for place in counted))
    return ProductShown(
        product_id=product_id, state=state_of(pieces, known=is_known), available=pieces if is_known else None,
        places=shown,
    )  # fmt: skip


def _levels(conn: Connection, workspace: WorkspaceId, product_id: str) -> list[Level]:
    """Its own levels, of a bundle those that its parts allow."""
    parts = store.find_bundles(conn, workspace, [product_id]).get(product_id)
    if parts is None:
        return store.levels_of_product(conn, workspace, product_id)
    found = store.levels_of_parts(conn, workspace, {part.product_id for part in parts}, None)
    return bundle_levels(product_id, parts, found)


def _places(
    levels: Iterable[Level], known: Mapping[str, Location], *, location: str, market: str, since: int, now: int
) -> Iterable[PlaceShown]:
    for level in levels:
        place = known.get(level.location_id) or Location(location_id=level.location_id, name=level.location_id)
        if (location and level.location_id != location) or not place.serves(market):
            continue
        fresh = level.stated_at >= since
        yield PlaceShown(
            location_id=place.location_id, name=place.name, variant=level.variant,
            state=state_of(level.available, known=fresh), available=level.available if fresh else None,
            incoming=level.incoming, incoming_at=to_iso(level.incoming_at) if level.incoming_at else None,
            ships=place.ships, pickup=place.pickup, stated_at=to_iso(level.stated_at),
            age_seconds=max(0, now - level.stated_at) // SECOND, note=_note(place, fresh=fresh, collect=bool(location)),
        )  # fmt: skip


def _note(place: Location, *, fresh: bool, collect: bool) -> str:
    if not place.open:
        return noted("closed")
    if collect and not place.pickup:
        return noted("nothing is collected here")
    if not collect and not place.ships:
        return noted("nothing is sent from here")
    return "" if fresh else _STALE
