"""Shipments of an order: a set. Each is what its scans say by the carrier's time, and never goes backwards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from rapport.capabilities.promises.windows import read_window
from rapport.kernel.language import noted

__all__ = [
    "MOVING", "Back", "Line", "Scan", "Shipment", "ShipmentState", "all_arrived", "ended_at", "left_of",
    "shipments_of_scans", "state_named",
]  # fmt: skip

ShipmentState = Literal[
    "announced", "packed", "in_transit", "out_for_delivery", "attempted", "ready_to_collect", "delivered", "returning",
    "lost", "unknown",
]  # fmt: skip

MOVING = frozenset(
    {"in_transit", "out_for_delivery", "attempted", "ready_to_collect", "delivered", "returning", "lost"}
)
"""It has been handed over."""
_STATES = (
    noted("announced"), noted("packed"), noted("in transit"), noted("out for delivery"), noted("attempted"),
    noted("ready to collect"), noted("delivered"), noted("returning"), noted("lost"), noted("unknown"),
)  # fmt: skip
_BEFORE = frozenset({"announced", "packed"})

_WORDS: Mapping[ShipmentState, str] = {
        "announced": "announced label_created pre_transit created information_received info_received registered "
                     "label_printed booked ordered",
        "packed": "packed picked picking packing ready_to_ship ready_for_shipment awaiting_collection",
        "in_transit": "in_transit transit shipped sent picked_up collected_by_carrier accepted handed_over departed "
                      "arrived arrival_scan departure_scan in_customs customs customs_cleared sorting on_its_way "
                      "dispatched delayed held rerouted forwarded",
        "out_for_delivery": "out_for_delivery with_courier on_vehicle on_delivery_vehicle courier_assigned",
        "attempted": "attempted attempt_fail attempted_delivery delivery_attempted failed_attempt delivery_failed "
                     "not_at_home failure",
        "ready_to_collect": "ready_to_collect ready_for_pickup ready_for_collection available_for_pickup "
                            "available_for_collection at_pickup_point pickup_ready",
        "delivered": "delivered collected handed_out picked_up_by_customer signed_for delivered_to_neighbour "
                     "delivered_to_mailbox received",
        "returning": "returning returned return_to_sender returned_to_sender refused",
        "lost": "lost damaged destroyed missing",
}  # fmt: skip
"""What carriers and their brokers call it. **Sources:** EasyPost, Shippo, AfterShip and karrio name their unified
states in their references; the other words are those carriers print."""
_NAMES = {name: state for state, names in _WORDS.items() for name in names.split()}


def state_named(text: str) -> ShipmentState:
    """The state a carrier's word means; `unknown` for one that nobody has told us yet.

    >>> state_named("Out for Delivery"), state_named("OUT-FOR-DELIVERY"), state_named("PFAND-7")
    ('out_for_delivery', 'out_for_delivery', 'unknown')
    """
    return _NAMES.get("_".join(text.lower().replace("-", " ").replace("_", " ").split()), "unknown")


UTC = ZoneInfo("UTC")


class Line(NamedTuple):
    """So many pieces of a product."""

    product_id: str
    variant: str
    pieces: int
    name: str = ""
    sku: str = ""


class Back(NamedTuple):
    """What was paid back of an order at one moment."""

    at: int
    lines: tuple[Line, ...] = ()


class Scan(NamedTuple):
    """What one fact says of a shipment."""

    shipment_id: str
    at: int
    """By the carrier's clock."""
    fact: str
    state: str
    said: str
    """The carrier's own word."""
    carrier: str = ""
    tracking: str = ""
    eta: str = ""
    """When the carrier expects it there, as it says it."""
    place: str = ""
    location_id: str = ""
    """The store, of what is collected."""
    lines: tuple[Line, ...] = ()
    """What is in it; empty where nobody says."""
    whole_order: bool = False
    """The fact names no shipment: it speaks of the order."""


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment as it stands."""

    shipment_id: str
    state: str
    """By the carrier's time; a word nobody knows changes it in nothing."""
    state_at: int
    said: str
    """The carrier's latest own word, known or not."""
    carrier: str
    tracking: str
    handed_at: int | None
    """First moving scan."""
    out_at: int | None
    """Out for delivery, the first time."""
    delivered_at: int | None
    eta_at: int | None
    place: str
    location_id: str
    lines: tuple[Line, ...]
    whole_order: bool
    unknown: int
    """Scans whose word nobody knows."""


def shipments_of_scans(scans: Iterable[Scan], zone: ZoneInfo = UTC) -> list[Shipment]:
    """The shipments of some scans, whatever order they came in; the earliest first. `zone` is the destination's.

    What speaks of the whole order stands beside real shipments only where it says that all has arrived.
    """
    by_id: dict[str, list[Scan]] = {}
    for scan in sorted(set(scans), key=lambda one: (one.at, one.fact)):
        by_id.setdefault(scan.shipment_id, []).append(scan)
    made = [_made(name, some, zone) for name, some in by_id.items()]
    real = [one for one in made if not one.whole_order]
    return real + [one for one in made if one.whole_order and (not real or one.delivered_at is not None)]


def _made(name: str, scans: Sequence[Scan], zone: ZoneInfo) -> Shipment:
    state, state_at, handed_at, out_at, delivered_at = "unknown", scans[0].at, None, None, None
    for one in scans:
        handed_at = one.at if handed_at is None and one.state in MOVING else handed_at
        out_at = one.at if out_at is None and one.state == "out_for_delivery" else out_at
        if one.state == "unknown" or delivered_at is not None or (one.state in _BEFORE and handed_at is not None):
            continue
        state, state_at = one.state, one.at
        delivered_at = one.at if one.state == "delivered" else None
    last, eta = scans[-1], read_window(None, _last(scans, "eta"), zone)
    return Shipment(
        shipment_id=name, state=state, state_at=state_at, said=last.said, carrier=_last(scans, "carrier"),
        tracking=_last(scans, "tracking"), handed_at=handed_at, out_at=out_at, delivered_at=delivered_at,
        eta_at=eta.to_at if eta is not None else None,
        place=_last(scans, "place"), location_id=_last(scans, "location_id"),
        lines=next((one.lines for one in reversed(scans) if one.lines), ()), whole_order=last.whole_order,
        unknown=sum(one.state == "unknown" for one in scans),
    )  # fmt: skip


def _last(scans: Sequence[Scan], field: str) -> str:
    return next((value for one in reversed(scans) if (value := getattr(one, field))), "")


def all_arrived(lines: Sequence[Line], shipments: Sequence[Shipment], backs: Sequence[Back] = ()) -> int | None:
    """When all was there that was still to come; None while something of it is missing.

    Where each shipment says what is in it, every line has to have come or been paid back; otherwise every shipment
    has to have come.
    """
    whole = [
        one.delivered_at for one in shipments if one.whole_order and not one.lines and one.delivered_at is not None
    ]
    if whole:
        return min(whole)
    if not shipments:
        return None
    came = sorted((one for one in shipments if one.delivered_at is not None), key=lambda one: one.delivered_at or 0)
    if not lines or not all(one.lines for one in shipments):
        return came[-1].delivered_at if len(came) == len(shipments) else None
    left = [(line, line.pieces) for line in lines]
    told = [(one.delivered_at or 0, one.lines, True) for one in came] + [(one.at, one.lines, False) for one in backs]
    has_come = False
    for at, some, is_here in sorted(told, key=lambda one: one[0]):
        left, has_come = _without(left, some), has_come or is_here
        if has_come and not left:
            return at
    return None


def left_of(lines: Sequence[Line], backs: Sequence[Back]) -> tuple[Line, ...]:
    """The lines of an order without what was paid back."""
    left = [(line, line.pieces) for line in lines]
    for one in backs:
        left = _without(left, one.lines)
    return tuple(line._replace(pieces=pieces) for line, pieces in left)


def ended_at(lines: Sequence[Line], backs: Sequence[Back]) -> int | None:
    """When the last of an order was paid back; None while something of it is to come."""
    for number, one in enumerate(backs, start=1):
        if lines and one.lines and not left_of(lines, backs[:number]):
            return one.at
    return None


def _without(left: Sequence[tuple[Line, int]], some: Sequence[Line]) -> list[tuple[Line, int]]:
    """What is left without these: of the very variant first, then of one that may be it."""
    rest = dict(enumerate(left))
    for line in some:
        pieces = line.pieces
        for is_same in (_is_same, _may_be_same):
            for place, (wanted, number) in list(rest.items()):
                if pieces and is_same(wanted, line):
                    taken = min(number, pieces)
                    pieces -= taken
                    rest[place] = (wanted, number - taken)
    return [(line, number) for line, number in rest.values() if number > 0]


def _is_same(one: Line, other: Line) -> bool:
    return one[:2] == other[:2]


def _may_be_same(one: Line, other: Line) -> bool:
    """Systems name goods differently: the shop by product and variant, the warehouse by SKU or by product alone."""
    if one.sku and other.sku:
        return one.sku == other.sku
    if one.product_id != other.product_id:
        return (one.sku or other.sku) != "" and (one.sku or one.product_id) == (other.sku or other.product_id)
    by_sku = one.variant == one.sku != "" or other.variant == other.sku != ""
    return not one.variant or not other.variant or one.variant == other.variant or by_sku
