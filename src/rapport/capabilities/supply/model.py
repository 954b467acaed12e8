"""Where goods lie and how many: locations, levels, and what follows from them. Pure.

A level is what a location has of a product (of a variant, where it has some): on hand, of that reserved, and what is
on its way. *Available* is on hand less reserved and never below zero: one definition in every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.moments import read_moment
from rapport.remember import inputs

__all__ = ["LEVELS_A_FACT", "Availability", "Level", "Location", "State", "levels_of", "location_of", "state_of"]

State = Literal["in_stock", "sold_out", "unknown"]

LEVELS_A_FACT = 200
_MOST = 10**9
_LONG = 200


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place where goods lie."""

    location_id: str
    name: str
    ships: bool = True
    """Orders are sent from here."""
    pickup: bool = True
    """Customers collect here."""
    open: bool = True
    """False: closed until it is stated otherwise; it hands over nothing."""
    markets: tuple[str, ...] = ()
    """The markets that see it (`DE`, `b2b` …); empty: all."""
    country: str = ""
    """ISO 3166."""
    city: str = ""
    postcode: str = ""
    street: str = ""
    time_zone: str = ""
    hours: dict[str, str] = {}
    """By day (`mon` … `sun`), as people write it: `10:00-19:00`; a day that is missing is closed."""
    url: str = ""

    def serves(self, market: str) -> bool:
        """Whether this market sees it; without a market, all do."""
        return not self.markets or not market or market in self.markets


class Level(NamedTuple):
    """What one statement says a location has. The latest by (time, fact) is what it has."""

    workspace: WorkspaceId
    product_id: str
    variant: str
    """Empty where the product has none."""
    location_id: str
    on_hand: int
    reserved: int
    incoming: int
    incoming_at: int | None
    """When it is expected; None where nobody has said."""
    stated_at: int
    fact: str
    net: bool = False
    """Stated as what can be handed over: what lies there for orders already taken is not in it, and nobody knows it."""

    @property
    def available(self) -> int:
        """What can be handed over, as it was stated."""
        return available_of(self.on_hand, self.reserved)


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a product can be had, of all the places that were asked about together."""

    state: State
    available: int | None = None
    """Pieces; None where it is unknown."""
    stated_at: int | None = None
    """When the oldest level was stated that this rests on; where it is unknown, when the last one was."""


def available_of(on_hand: int, reserved: int) -> int:
    """Pieces that can be handed over.

    >>> available_of(10, 4), available_of(2, 5), available_of(-3, 0)
    (6, 0, 0)
    """
    return max(0, on_hand - max(0, reserved))


def state_of(available: int, *, known: bool) -> State:
    """In one word."""
    return ("in_stock" if available > 0 else "sold_out") if known else "unknown"


def levels_of(workspace: WorkspaceId, fact: Fact) -> list[Level]:
    """The levels of a `Stock Level Changed`: one, or those of its `levels`. What cannot be read is left out."""
    stated = fact.properties.get("levels")
    if not isinstance(stated, list):
        stated = [fact.properties]
    shared = fact.properties
    found = (_level(workspace, fact, one, shared) for one in stated[:LEVELS_A_FACT] if isinstance(one, dict))
    return [level for level in found if level is not None]


def _level(workspace: WorkspaceId, fact: Fact, said: Mapping[str, Any], shared: Mapping[str, Any]) -> Level | None:
    place = inputs.text(said.get("location_id") or shared.get("location_id"))
    product = inputs.product_id(dict(said))
    net = said.get("on_hand") is None
    on_hand = whole(said.get("available") if net else said["on_hand"])
    if place is None or product is None or on_hand is None:
        return None
    reserved = 0 if net else whole(said.get("reserved"))
    due = said.get("incoming_at")
    return Level(
        workspace, product, inputs.variant(dict(said)) or "", place, on_hand, max(0, reserved or 0),
        max(0, whole(said.get("incoming")) or 0), None if due is None else _moment(due), fact.occurred_at, fact.id,
        net,
    )  # fmt: skip


def whole(value: object) -> int | None:
    """A count of pieces, None where it is none.

    >>> whole("12"), whole(3.0), whole(-2), whole(1.5), whole(True), whole("many"), whole(None)
    (12, 3, -2, None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return int(number) if abs(number) <= _MOST and number.is_integer() else None


def _moment(value: object) -> int | None:
    return read_moment(value) if isinstance(value, str | int | float) else None


def location_of(fact: Fact) -> Location | None:
    """The location a `Location Stated` describes; None where it names none."""
    said = fact.properties
    place = inputs.text(said.get("location_id"))
    if place is None:
        return None
    roles, markets, hours = said.get("roles"), said.get("markets"), said.get("hours")
    has_roles = isinstance(roles, list)
    return Location(
        location_id=place, name=inputs.text(said.get("name")) or place,
        ships="ships" in roles if has_roles and roles is not None else True,
        pickup="pickup" in roles if has_roles and roles is not None else True,
        open=said.get("open") is not False,
        markets=tuple(m for one in markets[:50] if (m := inputs.text(one, 40))) if isinstance(markets, list) else (),
        hours={d: h for day, when in hours.items() if (d := inputs.text(day, 10)) and (h := inputs.text(when, 40))}
        if isinstance(hours, dict) else {},
        **{name: inputs.text(said.get(name), _LONG) or "" for name in _TEXTS},
    )  # fmt: skip


_TEXTS = ("country", "city", "postcode", "street", "time_zone", "url")
