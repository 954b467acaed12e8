"""`/api/v1/products/{id}/availability`, `/locations`, `/stock`: what can be had where, and stating it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.supply import store
from rapport.capabilities.supply.facts import LEVEL, LOCATION
from rapport.capabilities.supply.model import Location
from rapport.capabilities.supply.shown import ProductShown, product_shown
from rapport.capabilities.supply.stating import state
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

Short = Annotated[str, Meta(min_length=1, max_length=120)]
Pieces = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]


class LevelStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """So many pieces of a product are in a place."""

    location_id: Short
    product_id: Short
    on_hand: Pieces
    variant: Annotated[str, Meta(max_length=120)] = ""
    reserved: Pieces = 0
    incoming: Pieces = 0
    incoming_at: Annotated[str, Meta(max_length=40)] | None = None


class StockStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Levels of stock as they were counted at one moment."""

    levels: Annotated[list[LevelStated], Meta(min_length=1, max_length=200)]
    stated_at: Annotated[str, Meta(max_length=40)] | None = None
    """When they were so, with its offset from UTC; now where it is left out. An older statement never replaces a newer
    one."""


class LocationStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place where goods lie."""

    location_id: Short
    name: Short
    roles: Annotated[list[Annotated[str, Meta(pattern="^(ships|pickup)$")]], Meta(max_length=2)]
    open: bool = True
    markets: Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=50)] = []
    country: Annotated[str, Meta(max_length=2)] = ""
    city: Annotated[str, Meta(max_length=120)] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    street: Annotated[str, Meta(max_length=200)] = ""
    time_zone: Annotated[str, Meta(max_length=60)] = ""
    hours: Annotated[dict[Annotated[str, Meta(max_length=10)], Annotated[str, Meta(max_length=40)]],
                     Meta(max_length=7)] = {}  # fmt: skip
    url: Annotated[str, Meta(max_length=200)] = ""


class LocationsStated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places as they are from now on."""

    locations: Annotated[list[LocationStated], Meta(min_length=1, max_length=200)]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What was stated is in the log; it holds within a second."""

    accepted: int


class LocationsShown(msgspec.Struct, frozen=True, kw_only=True):
    """All places where goods lie, by name."""

    locations: list[Location]


@get("/products/{product_id:str}/availability", permission="supply:read", tags=["supply"], sync_to_thread=True)
def get_availability(
    db: Database,
    principal: Principal,
    product_id: Annotated[str, Parameter(max_length=120)],
    location: Annotated[
        str, Parameter(max_length=120, description="The store that was chosen; without it, all places.")
    ] = "",
    market: Annotated[str, Parameter(max_length=40, description="Only places that serve this market.")] = "",
) -> ProductShown:
    """What can be had of a product, where, and how old that knowledge is. A product nobody stated is unknown."""
    with db.read() as conn:
        return product_shown(
            conn, principal.workspace, product_id, location=location, market=market, now=now_us()
        )  # fmt: skip


@post("/stock", permission="supply:write", status_code=200, tags=["supply"], sync_to_thread=True)
def state_stock(
    db: Database, principal: Principal, appender: Appender, vocabulary: Vocabulary, data: StockStated
) -> Accepted:
    """State levels of stock, at most 200. Once answered they are in the log; the same ones again change nothing."""
    now = now_us()
    at = now if data.stated_at is None else read_moment(data.stated_at)
    if at is None:
        raise InvalidInput(f"stated_at {data.stated_at!r} is no moment", hint="such as 2026-11-20T10:00:00Z")
    state(
        principal.workspace, appender, vocabulary, LEVEL, {"levels": msgspec.to_builtins(data.levels)}, at=at, now=now
    )
    return Accepted(accepted=len(data.levels))


@post("/locations", permission="supply:write", status_code=200, tags=["supply"], sync_to_thread=True)
def state_locations(
    db: Database, principal: Principal, appender: Appender, vocabulary: Vocabulary, data: LocationsStated
) -> Accepted:
    """State places as they are from now on."""
    now = now_us()
    for one in data.locations:
        state(principal.workspace, appender, vocabulary, LOCATION, msgspec.to_builtins(one), at=now, now=now)
    return Accepted(accepted=len(data.locations))


@get("/locations", permission="supply:read", tags=["supply"], sync_to_thread=True)
def list_locations(db: Database, principal: Principal) -> LocationsShown:
    """All places where goods lie."""
    with db.read() as conn:
        return LocationsShown(locations=list(store.find_locations(conn, principal.workspace).values()))


ROUTES = (get_availability, state_stock, state_locations, list_locations)
