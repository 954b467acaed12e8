"""The facts of promises: what carriers and warehouses say of shipments, and what we state of a promise."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from rapport.capabilities.promises.shipments import state_named
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, noted, retold
from rapport.kernel.wording import FactKind, joined, short
from rapport.remember import inputs

__all__ = [
    "ARRIVED_LATE", "AT_RISK", "BROKEN", "CHOSEN", "FACT_KINDS", "IDENTITY_FACTS", "KEPT", "LISTENS_TO", "MADE",
    "RENEGOTIATED", "SCAN", "own_id",
]  # fmt: skip

MADE, AT_RISK, BROKEN, KEPT, RENEGOTIATED = (
    "Promise Made", "Promise At Risk", "Promise Broken", "Promise Kept", "Promise Renegotiated",
)  # fmt: skip
ARRIVED_LATE = "Late Order Arrived"
CHOSEN = "Delivery Choice Made"
SCAN = "Shipment Updated"

IDENTITY_FACTS = ("Customer Merged", "Customer Split")
"""After these, an order may be somebody else's."""

LISTENS_TO = (
    *IDENTITY_FACTS,
    "Order Completed", "Order Updated", "Order Cancelled", "Order Refunded", "Order Shipped", "Order Delivered", SCAN,
    "Stock Level Changed",
)  # fmt: skip


def own_id(order_id: str, window_id: str, name: str) -> str:
    """The message id of a fact of ours: one for each promise and what became of it."""
    key = f"{order_id}\x1f{window_id}\x1f{name}".encode("utf-8", "surrogatepass")
    return f"promise-{blake2b(key, digest_size=16).hexdigest()}"


def _refuse_scan(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where it names no shipment, or says nothing of it."""
    said = fact.properties
    if not any(inputs.text(said.get(name)) for name in ("shipment_id", "tracking_number", "order_id")):
        raise InvalidFact(
            "a shipment needs its shipment_id, tracking_number or order_id", path="$.properties.shipment_id"
        )
    if not inputs.text(said.get("status")):
        raise InvalidFact("say what became of the shipment: status", path="$.properties.status")


def _scan(fact: Fact) -> str:
    said = fact.properties
    state = state_named(short(said.get("status")))
    shown = gettext(state.replace("_", " ")) if state != "unknown" else short(said.get("status"))
    return joined(shown, short(said.get("carrier")), short(said.get("place")))


def _promise(fact: Fact) -> str:
    window = fact.properties.get("window")
    until = short(window.get("to"), 30) if isinstance(window, Mapping) else ""
    return joined(
        gettext("order %(order)s", order=short(fact.properties.get("order_id"))),
        gettext("by %(day)s", day=until[:10]) if until else "", retold(short(fact.properties.get("reason"), 90)),
    )  # fmt: skip


def _chosen(fact: Fact) -> str:
    return joined(gettext(short(fact.properties.get("choice"))), short(fact.properties.get("location_id")))


def _own(name: str, meaning: str, tone: str = "own", **more: str) -> FactKind:
    properties: dict[str, Any] = {
        "order_id": "of which order", "window": "`from` and `to` as dates of the destination, or moments",
        "by": "who made the promise: shop, staff, customer or rapport", "reason": "why, in a word or in words",
        "method": "delivery or collect", "location_id": "in which store", **more,
    }  # fmt: skip
    return FactKind(
        name=name, meaning=meaning, stated_by="rapport", icon="box", tone=tone, topic="orders", tell=_promise,
        properties=properties,
    )  # fmt: skip


FACT_KINDS = (
    FactKind(
        name=SCAN, meaning="a carrier, the warehouse or a store says where a shipment is", about="shop", icon="box",
        tell=_scan, refuse=_refuse_scan,
        also=(
            "tracking updated", "shipment scanned", "parcel scanned", "tracking event", "shipment status changed",
            "shipment tracking updated",
        ),
        properties={
            "shipment_id": "which shipment; without it its tracking_number", "tracking_number": "the carrier's number",
            "order_id": "of which order; told once it need not be told again", "status": "the carrier's own word",
            "carrier": "who carries it", "place": "where it was scanned", "location_id": "in which store it is ready",
            "estimated_delivery": "when the carrier expects it there", "products": "what is in it",
        },
    ),
    _own(noted(MADE), noted("we promised when an order is there")),
    _own(noted(AT_RISK), noted("a promise is likely to be broken"), "loss",
        probability="of being late, where it is known"),
    _own(noted(BROKEN), noted("an order was not there in time"), "loss", arrived_at="when it came after all"),
    _own(
        noted(ARRIVED_LATE), noted("an order whose promise was broken is there"), "buy", arrived_at="when it came",
        days_late="begun days after the window",
    ),
    _own(noted(KEPT), noted("an order was there in time"), "buy", arrived_at="when it was there"),
    _own(noted(RENEGOTIATED), noted("another time, or another way, was agreed on"), was="the window before"),
    FactKind(
        name=CHOSEN, meaning="a customer chose what is to become of an order that is late", stated_by="rapport",
        by_person=True,
        icon="box", topic="orders", tell=_chosen,
        properties={
            "order_id": "of which order", "choice": "wait, collect, replace or cancel",
            "location_id": "the store, of what is collected",
        },
    ),
)  # fmt: skip
