"""What is promised about one order, shown and changed: for the API, the console and the customer's own page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.capabilities.orders import OrderShown, find_order
from rapport.capabilities.promises import store
from rapport.capabilities.promises.links import order_path
from rapport.capabilities.promises.model import CLOSED, IN_DANGER, Choice, Known, Made, history_of
from rapport.capabilities.promises.service.watching import judge_here
from rapport.capabilities.promises.shipments import Shipment, shipments_of_scans
from rapport.capabilities.promises.store import Row, Told
from rapport.capabilities.promises.windows import read_window
from rapport.kernel.clock import to_iso, zone_named
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId, new_id
from rapport.kernel.text import clean

__all__ = [
    "HistoryShown",
    "OrderShown",
    "PromiseShown",
    "PromiseWanted",
    "ShipmentShown",
    "Whole",
    "WindowShown",
    "WindowWanted",
    "choices_open",
    "find_promise",
    "load",
    "promise",
    "shipments_shown",
    "show_order",
]  # fmt: skip

_Moment = Annotated[str, Meta(max_length=60)]


class WindowWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it is to be there: dates of the destination (`2026-12-04`, the whole day), or moments."""

    from_: Annotated[_Moment | None, Meta(description="Left out, only the end is promised.")] = msgspec.field(
        name="from", default=None
    )
    to: _Moment


class PromiseWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise somebody makes, or makes anew."""

    window: WindowWanted
    reason: Annotated[str, Meta(max_length=500)] = ""
    """Why, in words that the customer may read."""


class WindowShown(msgspec.Struct, frozen=True, kw_only=True):
    """When it is to be there: dates of the destination where whole days are meant, else moments in UTC."""

    from_: str | None = msgspec.field(name="from")
    to: str | None


class HistoryShown(msgspec.Struct, frozen=True, kw_only=True):
    """A promise as it was made."""

    made_at: str
    window: WindowShown
    promised_by: str
    """`shop`, `staff`, `customer`, or `rapport` by the shop's calendar."""
    reason: str
    method: str
    location_id: str


class ShipmentShown(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment as it stands. States move by the carrier's time."""

    shipment_id: str
    state: str
    """`announced`, `packed`, `in_transit`, `out_for_delivery`, `attempted`, `ready_to_collect`, `delivered`,
    `returning`, `lost`; `unknown` while no scan has said anything we know."""
    state_at: str
    said: str
    """The carrier's latest own word."""
    carrier: str
    tracking_number: str
    handed_at: str | None
    delivered_at: str | None
    expected_at: str | None
    """When the carrier expects it there."""
    place: str
    location_id: str
    products: list[dict[str, Any]]
    """What is in it; empty where nobody says."""


class PromiseShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised about an order, and how that stands."""

    order_id: str
    what: Literal["delivery", "collect"]
    location_id: str
    status: str
    """`made`, `renegotiated`, `at_risk`, `broken`, `kept` or `cancelled`."""
    window: WindowShown
    time_zone: str
    """Of the destination, whose days are meant."""
    promised_by: str
    made_at: str
    reason: str
    """Why this promise was made as it was."""
    confidence: float | None
    """The probability that it is kept, by the shop's own history; null while that is too short to say."""
    in_danger_because: str
    """`no_stock`, `not_handed_over`, `no_movement`, `carrier_later`, `lost`, `returning`, `not_ready`, `over`, or
    nothing."""
    likely_window: WindowShown | None
    """When it is likely to be there instead."""
    arrived_at: str | None
    history: list[HistoryShown]
    choice: str | None
    """What the customer chose about it."""
    shipments: list[ShipmentShown]
    page: str
    """The customer's own page of this order, below the address of this server; whoever has it sees the order."""


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one promise."""

    order: Known
    history: list[Made]
    row: Row
    shipments: list[Shipment]
    choices: dict[str, tuple[str, str, int]]

    @property
    def choice(self) -> tuple[str, str, int] | None:
        """What the customer chose about the promise in force."""
        return self.choices.get(self.row.window_id)

    @property
    def may_choose(self) -> bool:
        """Whether there is anything to choose: it is in danger, and nothing was chosen about it yet."""
        return self.row.status in IN_DANGER and self.row.arrived_at is None and self.choice is None


def load(conn: Connection, workspace: WorkspaceId, order_id: str) -> Whole:
    """All that is known of one promise. Raises NotFound."""
    order = store.known_of(conn, workspace, [order_id]).get(order_id)
    row = store.rows_of(conn, workspace, [order_id]).get(order_id)
    if order is None:
        raise NotFound(f"no order {order_id[:60]!r} is known", hint="orders are known by the order_id of their facts")
    if row is None:
        raise NotFound(f"nothing was promised about order {order_id[:60]!r}", hint="POST makes a promise")
    made = store.made_of(conn, workspace, {order_id: order}).get(order_id, [])
    history = history_of(made) or [Made(row.window_id, row.placed_at, row.window, "rapport", "")]
    scans = store.scans_of(conn, workspace, [order_id]).get(order_id, [])
    return Whole(
        order=order, history=history, row=row, shipments=shipments_of_scans(scans, zone_named(order.zone)),
        choices=store.choices_of(conn, workspace, order_id),
    )  # fmt: skip


def show_order(conn: Connection, workspace: WorkspaceId, order_id: str) -> OrderShown:
    """The order as it stands, with its shipments. Raises NotFound."""
    return find_order(conn, workspace, order_id, shipments=shipments_shown(conn, workspace, order_id))


def find_promise(conn: Connection, workspace: WorkspaceId, order_id: str) -> PromiseShown:
    """What was promised about an order, as it was judged last. Raises NotFound."""
    whole = load(conn, workspace, order_id)
    row, made, zone = whole.row, whole.history[-1], zone_named(whole.order.zone)
    return PromiseShown(
        order_id=order_id, what="collect" if row.method == "collect" else "delivery", location_id=row.location_id,
        status=row.status, window=WindowShown(**_window(row.window.told(zone))), time_zone=whole.order.zone,
        promised_by=made.by, made_at=to_iso(made.at), reason=made.reason,
        confidence=None if row.risk is None else round(1 - row.risk / 1000, 3), in_danger_because=row.cause,
        likely_window=None if row.proposed is None else WindowShown(**_window(row.proposed.told(zone))),
        arrived_at=_iso(row.arrived_at), history=[_made(one, zone) for one in whole.history],
        choice=whole.choice[0] if whole.choice else None, shipments=[_shipment(one) for one in whole.shipments],
        page=order_path(conn, workspace, order_id),
    )  # fmt: skip


def promise(
    conn: Connection, workspace: WorkspaceId, order_id: str, wanted: PromiseWanted, *, by: str, now: int
) -> PromiseShown:
    """Make a promise about an order, or another one than before. The same window again changes nothing.

    Raises NotFound for an order nobody reported, InvalidInput for a window that cannot be read or is over, Conflict
    where the order has arrived or was cancelled.
    """
    store.lock_orders(conn, [order_id])
    order = store.known_of(conn, workspace, [order_id]).get(order_id)
    if order is None:
        raise NotFound(f"no order {order_id[:60]!r} is known", hint="orders are known by the order_id of their facts")
    window = read_window(wanted.window.from_, wanted.window.to, zone_named(order.zone))
    if window is None:
        raise InvalidInput(
            f"no window from {wanted.window.from_!r} to {wanted.window.to!r}",
            hint="dates such as 2026-12-04, or moments such as 2026-12-04T14:00:00+01:00, the first before the second",
        )
    if window.to_at <= now:
        raise InvalidInput(f"{wanted.window.to!r} is over: nobody can promise that", hint="promise a later time")
    row = store.rows_of(conn, workspace, [order_id]).get(order_id)
    if row is not None and (row.status in CLOSED or row.arrived_at is not None):
        raise Conflict(f"order {order_id[:60]!r} is {row.status}", hint="only what is still to come is promised anew")
    if row is None or (row.window, row.method) != (window, "delivery"):
        reason = clean(wanted.reason, longest=500)
        first, last = wanted.window.from_ or "", wanted.window.to
        store.save_made(conn, workspace, [Told(order_id, new_id("prm"), now, first, last, by, reason)])
        judge_here(conn, workspace, order_id, now=now)
    return find_promise(conn, workspace, order_id)


def shipments_shown(conn: Connection, workspace: WorkspaceId, order_id: str) -> list[ShipmentShown]:
    """The shipments of an order: a set, the earliest first. An order nobody shipped has none."""
    scans = store.scans_of(conn, workspace, [order_id]).get(order_id, [])
    order = store.known_of(conn, workspace, [order_id]).get(order_id) if scans else None
    return [_shipment(one) for one in shipments_of_scans(scans, zone_named(order.zone if order else "UTC"))]


def choices_open(whole: Whole, *, stores: Sequence[object]) -> list[Choice]:
    """What a customer may choose now."""
    if not whole.may_choose:
        return []
    found: list[Choice] = ["wait"]
    if stores:
        found.append("collect")
    if whole.row.handed_at is not None:
        found.append("replace")
    return [*found, "cancel"]


def _window(told: dict[str, str | None]) -> dict[str, Any]:
    return {"from_": told["from"], "to": told["to"]}


def _made(made: Made, zone: Any) -> HistoryShown:
    return HistoryShown(
        made_at=to_iso(made.at), window=WindowShown(**_window(made.window.told(zone))), promised_by=made.by,
        reason=made.reason, method=made.method, location_id=made.location_id,
    )  # fmt: skip


def _shipment(one: Shipment) -> ShipmentShown:
    return ShipmentShown(
        shipment_id=one.shipment_id, state=one.state, state_at=to_iso(one.state_at), said=one.said, carrier=one.carrier,
        tracking_number=one.tracking, handed_at=_iso(one.handed_at), delivered_at=_iso(one.delivered_at),
        expected_at=_iso(one.eta_at), place=one.place, location_id=one.location_id,
        products=[
            {"product_id": line.product_id, "variant": line.variant or None, "quantity": line.pieces}
            for line in one.lines
        ],
    )  # fmt: skip


def _iso(at: int | None) -> str | None:
    return None if at is None else to_iso(at)
