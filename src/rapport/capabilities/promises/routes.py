"""`/api/v1/orders/{id}`: one order as it stands; `/api/v1/orders/{id}/promise`: what was promised about it, how that
stands, and to promise it anew; `/api/v1/shipments`: what carriers, the warehouse and stores say of shipments.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta

from rapport.capabilities.promises.facts import SCAN
from rapport.capabilities.promises.service.promising import (
    OrderShown,
    PromiseShown,
    PromiseWanted,
    find_promise,
    promise,
    show_order,
)
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.collect.own import own_fact
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput
from rapport.kernel.moments import read_moment
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database

__all__ = ["ROUTES"]

OrderId = Annotated[str, Parameter(max_length=512)]
Short = Annotated[str, Meta(max_length=200)]


class GoodsTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is in a shipment."""

    product_id: Annotated[str, Meta(min_length=1, max_length=120)]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    variant: Annotated[str, Meta(max_length=120)] = ""


class ShipmentTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a shipment is. It names its `shipment_id`, its `tracking_number`, or else its order."""

    status: Annotated[str, Meta(min_length=1, max_length=120)]
    """The carrier's own word; what nobody knows is kept and shown, and changes nothing."""
    shipment_id: Short = ""
    tracking_number: Short = ""
    order_id: Annotated[str, Meta(max_length=512)] = ""
    """Told once it need not be told again."""
    at: Annotated[str, Meta(max_length=40)] = ""
    """By the carrier's clock, with its offset from UTC; now where it is left out."""
    carrier: Annotated[str, Meta(max_length=120)] = ""
    place: Short = ""
    location_id: Annotated[str, Meta(max_length=120)] = ""
    """The store it is ready in, of what is collected."""
    estimated_delivery: Annotated[str, Meta(max_length=60)] = ""
    products: Annotated[list[GoodsTold], Meta(max_length=500)] = []


class ShipmentsTold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where shipments are."""

    shipments: Annotated[list[ShipmentTold], Meta(min_length=1, max_length=200)]


class ShipmentsAccepted(msgspec.Struct, frozen=True, kw_only=True):
    """What was told is in the log; it holds within a second."""

    accepted: int


@get("/orders/{order_id:str}", permission="customers:read", tags=["orders"], sync_to_thread=True)
def get_order(db: Database, principal: Principal, order_id: OrderId) -> OrderShown:
    """An order with its lines, its refunds, its shipments, its customer and what is left of its revenue."""
    with db.read() as conn:
        return show_order(conn, principal.workspace, order_id)


@get("/orders/{order_id:str}/promise", permission="promises:read", tags=["orders"], sync_to_thread=True)
def get_promise(db: Database, principal: Principal, order_id: OrderId) -> PromiseShown:
    """What was promised about an order, how that stands, what stands against it, and its shipments."""
    with db.read() as conn:
        return find_promise(conn, principal.workspace, order_id)


@post(
    "/orders/{order_id:str}/promise", permission="promises:write", status_code=200, tags=["orders"],
    sync_to_thread=True,
)  # fmt: skip
def post_promise(db: Database, principal: Principal, order_id: OrderId, data: PromiseWanted) -> PromiseShown:
    """Promise when an order is there, or promise it anew; the customer's page says so, with the reason. The same
    window again changes nothing.
    """
    with db.write() as conn:
        return promise(conn, principal.workspace, order_id, data, by="staff", now=now_us())


@post("/shipments", permission="promises:write", status_code=200, tags=["orders"], sync_to_thread=True)
def tell_shipments(
    principal: Principal, appender: Appender, vocabulary: Vocabulary, data: ShipmentsTold
) -> ShipmentsAccepted:
    """Tell where shipments are, at most 200. Once answered that is in the log; the same again changes nothing."""
    now = now_us()
    rows = []
    for one in data.shipments:
        at = read_moment(one.at) if one.at else now
        if at is None:
            raise InvalidInput(f"{one.at!r} is no moment", hint="such as 2026-11-20T10:00:00Z")
        if not (one.shipment_id or one.tracking_number or one.order_id):
            raise InvalidInput("a shipment needs its shipment_id, tracking_number or order_id")
        said: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(one).items() if name != "at"}
        digest = blake2b(msgspec.json.encode([at, said], order="sorted"), digest_size=16).hexdigest()
        rows.append(
            own_fact(
                principal.workspace, name=SCAN, id=f"shipment-{digest}", occurred_at=at, received_at=now,
                properties=said, vocabulary=vocabulary,
            )
        )  # fmt: skip
    appender.append_sync(rows)
    return ShipmentsAccepted(accepted=len(rows))


ROUTES = (get_order, get_promise, post_promise, tell_shipments)
