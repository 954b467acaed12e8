"""What one fact says of an order, a promise or a shipment. Never raises; what cannot be read says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rapport.capabilities.promises.facts import SCAN
from rapport.capabilities.promises.model import Known
from rapport.capabilities.promises.paid_back import PaidBack
from rapport.capabilities.promises.shipments import Line, Scan, state_named
from rapport.capabilities.promises.store import Told
from rapport.capabilities.promises.windows import window_stated, zone_of
from rapport.kernel.clock import zone_named
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key
from rapport.kernel.order_states import state_of
from rapport.remember import inputs, stated
from rapport.remember.inputs import ReadingSettings

__all__ = ["NOT_YET", "Said", "read_fact"]

_LONG = 200
_MOST_LINES = 500
_STATED = {"Order Shipped": "in_transit", "Order Delivered": "delivered"}


class Said(NamedTuple):
    """What a fact says; each part may be missing."""

    order_id: str = ""
    order: Known | None = None
    made: Told | None = None
    scan: Scan | None = None
    back: PaidBack | None = None
    products: tuple[str, ...] = ()
    """Whose stock has changed."""


def read_fact(strand: Key, fact: Fact, *, zone: str, reading: ReadingSettings) -> Said:
    """What a fact says. `zone` is the shop's own clock."""
    if fact.name == "Stock Level Changed":
        return Said(products=tuple(sorted(_stocked(fact.properties))))
    order_id = inputs.text(fact.properties.get("order_id"), 512) or ""
    if fact.name == SCAN:
        return Said(order_id=order_id, scan=_scan(fact, order_id))
    if not order_id:
        return Said()
    if _ends(fact):
        ended = Known(order_id, bytes(strand), NOT_YET, zone, "", "", (), fact.occurred_at)
        return Said(order_id=order_id, order=ended)
    if fact.name == "Order Refunded":
        refund_id = inputs.text(fact.properties.get("refund_id"), _LONG) or fact.id
        return Said(order_id=order_id, back=PaidBack(order_id, fact.id, refund_id, fact.occurred_at, _lines(fact)))
    there = _zone(fact, zone, reading)
    scan = _scan(fact, order_id) if fact.name in _STATED else None
    order = None
    if fact.name in ("Order Completed", "Order Updated"):
        order = Known(
            order_id,
            bytes(strand),
            fact.occurred_at,
            there,
            _country(fact, reading),
            _region(fact),
            _lines(fact),
            fact.occurred_at if state_of(fact) == "cancelled" else None,
        )
        if fact.name == "Order Updated":
            order = order._replace(placed_at=NOT_YET)
    window, made = window_stated(fact.properties), None
    if window is not None:
        reason = inputs.text(fact.properties.get("promise_reason"), _LONG) or ""
        made = Told(order_id, fact.id, fact.occurred_at, *window, by="shop", reason=reason)
    return Said(order_id=order_id, order=order, made=made, scan=scan)


_AMOUNTS = ("revenue", "subtotal", "amount", "total", "value")
"""In which of them a refund says how much of the order it is."""

NOT_YET = 2**62
"""When an order was placed, by facts that do not say it."""


def _ends(fact: Fact) -> bool:
    """Whether nothing is to come any more: cancelled, or all of it paid back."""
    if fact.name == "Order Refunded":
        return not inputs.products(fact.properties) and all(fact.properties.get(name) is None for name in _AMOUNTS)
    return fact.name != "Order Completed" and state_of(fact) == "cancelled"


def _scan(fact: Fact, order_id: str) -> Scan:
    said = fact.properties
    tracking = inputs.text(said.get("tracking_number"), _LONG) or inputs.text(said.get("tracking_code"), _LONG) or ""
    named = inputs.text(said.get("shipment_id"), _LONG) or tracking
    word = _STATED.get(fact.name) or inputs.text(said.get("status")) or ""
    named_eta = (inputs.text(said.get(name), 60) for name in ("estimated_delivery", "estimated_delivery_date", "eta"))
    return Scan(
        shipment_id=named or f"order:{order_id}", at=fact.occurred_at, fact=fact.id, state=state_named(word), said=word,
        carrier=inputs.text(said.get("carrier")) or "", tracking=tracking,
        eta=next((one for one in named_eta if one), ""),
        place=inputs.text(said.get("place"), _LONG) or "", location_id=inputs.text(said.get("location_id")) or "",
        lines=_lines(fact), whole_order=not named,
    )  # fmt: skip


def _lines(fact: Fact) -> tuple[Line, ...]:
    found = []
    for product in inputs.products(fact.properties)[:_MOST_LINES]:
        product_id = inputs.product_id(product)
        if product_id:
            found.append(
                Line(
                    product_id, inputs.variant(product) or "", inputs.pieces(product),
                    inputs.text(product.get("name")) or "", inputs.text(product.get("sku")) or "",
                )
            )  # fmt: skip
    return tuple(found)


def _zone(fact: Fact, shop: str, reading: ReadingSettings) -> str:
    seen = inputs.text(fact.context.get("timezone"), 60) or ""
    address = fact.properties.get("shipping_address")
    named = inputs.text(address.get("time_zone"), 60) if isinstance(address, Mapping) else None
    if named and zone_named(named).key == named:
        return named
    return zone_of(_country(fact, reading), seen, shop)


def _country(fact: Fact, reading: ReadingSettings) -> str:
    found = stated.country(fact, reading)
    return str(found[1]) if found else ""


def _region(fact: Fact) -> str:
    address = fact.properties.get("shipping_address")
    if not isinstance(address, Mapping):
        return ""
    return next((text for name in ("state", "region", "province") if (text := inputs.text(address.get(name), 40))), "")


def _stocked(said: Mapping[str, Any]) -> set[str]:
    levels = said.get("levels")
    several = levels if isinstance(levels, list) else [said]
    return {found for one in several[:_LONG] if isinstance(one, dict) and (found := inputs.product_id(one))}
