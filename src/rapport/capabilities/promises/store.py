"""Tables of promises: what facts say of orders, windows and shipments, each a row by its fact; and how promises stand.

What facts say may come late, twice and in any order: the latest statement holds. How a promise stands is written anew
from all of it, by one transaction at a time for each order (`lock_orders`).
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text

from rapport.capabilities.promises.lateness import Model
from rapport.capabilities.promises.model import Known, Made
from rapport.capabilities.promises.shipments import Line, Scan
from rapport.capabilities.promises.windows import Window, read_window
from rapport.collect.statements import unverified_of
from rapport.kernel.clock import zone_named
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import change_among, select_among

__all__ = [
    "UNREPORTED",
    "Row",
    "choices",
    "choices_of",
    "known_of",
    "lateness",
    "load_model",
    "lock_orders",
    "made_of",
    "orders",
    "orders_of_shipments",
    "parcels",
    "promises",
    "replace_orders",
    "rows_of",
    "save_choice",
    "save_made",
    "save_model",
    "save_orders",
    "save_rows",
    "save_scans",
    "save_waits",
    "scans",
    "scans_of",
    "waiting_for",
    "waits",
    "windows",
]  # fmt: skip

_metadata = MetaData()

orders = Table(
    "promises_orders",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("zone", CText, nullable=False),
    Column("country", CText, nullable=False),
    Column("region", CText, nullable=False),
    Column("lines", Text, nullable=False),
    Column("lines_at", BigInteger, nullable=False),
    Column("cancelled_at", BigInteger),
    Index("promises_orders_of_strand", "workspace", "strand"),
)
"""`lines` (JSON) are those of the latest fact that tells any."""

windows = Table(
    "promises_windows",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("id", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("from_said", CText, nullable=False),
    Column("to_said", CText, nullable=False),
    Column("by", CText, nullable=False),
    Column("reason", Text, nullable=False),
    Column("method", CText, nullable=False),
    Column("location_id", CText, nullable=False),
)
"""Windows as they were said: which moments those are depends on the destination, which another fact may tell later."""

parcels = Table(
    "promises_parcels",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("shipment_id", CText, primary_key=True),
    Column("order_id", CText, primary_key=True),
    Index("promises_parcels_of_order", "workspace", "order_id"),
)
"""Which shipment belongs to which order; a scan may name the shipment alone."""

scans = Table(
    "promises_scans",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("shipment_id", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("state", CText, nullable=False),
    Column("said", CText, nullable=False),
    Column("carrier", CText, nullable=False),
    Column("tracking", CText, nullable=False),
    Column("eta", CText, nullable=False),
    Column("place", Text, nullable=False),
    Column("location_id", CText, nullable=False),
    Column("lines", Text, nullable=False),
    Column("whole_order", Boolean, nullable=False),
    Index("promises_scans_of_shipment", "workspace", "shipment_id"),
    Index("promises_scans_unknown", "workspace", "state", "at"),
)

choices = Table(
    "promises_choices",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("window_id", CText, primary_key=True),
    Column("choice", CText, nullable=False),
    Column("location_id", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What a customer chose about a promise in danger: once for each promise."""

promises = Table(
    "promises",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("status", CText, nullable=False),
    Column("window_id", CText, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger, nullable=False),
    Column("whole_days", Boolean, nullable=False),
    Column("method", CText, nullable=False),
    Column("location_id", CText, nullable=False),
    Column("risk", Integer),
    Column("cause", CText, nullable=False),
    Column("new_from_at", BigInteger),
    Column("new_to_at", BigInteger),
    Column("segment", CText, nullable=False),
    Column("placed_at", BigInteger, nullable=False),
    Column("handed_at", BigInteger),
    Column("arrived_at", BigInteger),
    Column("told_to_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
    Index("promises_by_status", "workspace", "status", "to_at"),
    Index("promises_of_strand", "workspace", "strand"),
    Index("promises_by_placed", "workspace", "placed_at"),
)
"""How each stands. `risk` in thousandths; null while nobody knows. `new_…` are the days it is likely to come instead;
`told_to_at` is until when the customer was last told to wait."""

waits = Table(
    "promises_waits",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("order_id", CText, primary_key=True),
    Index("promises_waits_of_order", "workspace", "order_id"),
)
"""Which open orders wait to be handed over, by what is in them: a change of stock is about those."""

lateness = Table(
    "promises_lateness",
    _metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("orders", Integer, nullable=False),
    Column("learnt_at", BigInteger, nullable=False),
)
"""What a shop has learnt of how long its orders take, as JSON."""


UNREPORTED = 2**62
"""When an order was placed that nobody has reported yet, though something else was said of it."""


class Told(NamedTuple):
    """A promise as somebody said it."""

    order_id: str
    id: str
    at: int
    from_said: str
    to_said: str
    by: str
    reason: str
    method: str = "delivery"
    location_id: str = ""


class Row(NamedTuple):
    """How a promise stands, as it is kept."""

    workspace: WorkspaceId
    order_id: str
    strand: bytes
    status: str
    window_id: str
    from_at: int
    to_at: int
    whole_days: bool
    method: str
    location_id: str
    risk: int | None
    cause: str
    new_from_at: int | None
    new_to_at: int | None
    segment: str
    placed_at: int
    handed_at: int | None
    arrived_at: int | None
    told_to_at: int | None
    changed_at: int

    @property
    def window(self) -> Window:
        return Window(self.from_at, self.to_at, self.whole_days)

    @property
    def proposed(self) -> Window | None:
        return None if self.new_to_at is None else Window(self.new_from_at or 0, self.new_to_at, whole_days=True)


def lock_orders(conn: Connection, order_ids: Iterable[str]) -> None:
    """Be the only transaction that judges these orders, until it ends."""
    numbers = (zlib.crc32(order_id.encode("utf-8", "surrogatepass")) - 2**31 for order_id in order_ids)
    lock_each(conn, Lock.PROMISES, numbers)


def save_orders(conn: Connection, workspace: WorkspaceId, facts: Sequence[tuple[Known, str, int]]) -> None:
    """Keep (order, fact, when): where and by whom it was placed by its first report, its lines by the latest, and that
    it was cancelled for good.
    """
    merged: dict[str, dict[str, Any]] = {}
    for order, fact, at in sorted(facts, key=lambda one: (one[2], one[1])):
        row = merged.get(order.order_id)
        told = {
            "workspace": workspace, "order_id": order.order_id, "strand": order.strand, "placed_at": order.placed_at,
            "fact": fact, "zone": order.zone, "country": order.country, "region": order.region,
            "lines": encode_lines(order.lines), "lines_at": at if order.lines else 0,
            "cancelled_at": order.cancelled_at,
        }  # fmt: skip
        if row is None:
            merged[order.order_id] = told
            continue
        if told["placed_at"] < row["placed_at"]:
            row |= {name: told[name] for name in _PLACED}
        if told["lines_at"] >= row["lines_at"] and order.lines:
            row |= {"lines": told["lines"], "lines_at": told["lines_at"]}
        both = [when for when in (row["cancelled_at"], order.cancelled_at) if when is not None]
        row["cancelled_at"] = min(both, default=None)
    newer = "promises_orders.placed_at > excluded.placed_at"
    lines = "excluded.lines_at > promises_orders.lines_at"
    update = {name: f"CASE WHEN {newer} THEN excluded.{name} ELSE promises_orders.{name} END" for name in _PLACED} | {
        "lines": f"CASE WHEN {lines} THEN excluded.lines ELSE promises_orders.lines END",
        "lines_at": f"CASE WHEN {lines} THEN excluded.lines_at ELSE promises_orders.lines_at END",
        "cancelled_at": "CASE WHEN promises_orders.cancelled_at IS NULL OR excluded.cancelled_at < "
                        "promises_orders.cancelled_at THEN COALESCE(excluded.cancelled_at, "
                        "promises_orders.cancelled_at) ELSE promises_orders.cancelled_at END",
    }  # fmt: skip
    upsert(conn, orders, [merged[name] for name in sorted(merged)], key=("workspace", "order_id"), update=update)


_PLACED = ("strand", "placed_at", "fact", "zone", "country", "region")


def replace_orders(conn: Connection, workspace: WorkspaceId, rows: Iterable[tuple[Known, str, int]]) -> None:
    """Write (order, report, when its lines were told) as all that counts of it says, whatever was kept before."""
    found = [
        {**order._asdict(), "workspace": workspace, "fact": fact, "lines": encode_lines(order.lines), "lines_at": at}
        for order, fact, at in sorted(rows, key=lambda one: one[0].order_id)
    ]  # fmt: skip
    changing = [column.name for column in orders.columns if not column.primary_key]
    upsert(conn, orders, found, key=("workspace", "order_id"), update=changing)


def save_made(conn: Connection, workspace: WorkspaceId, made: Iterable[Told]) -> int:
    """Keep promises, each once; returns how many were new."""
    rows = [{"workspace": workspace, **one._asdict()} for one in sorted(made)]
    return insert_ignore(conn, windows, rows, key=("workspace", "order_id", "id"))


def save_scans(conn: Connection, workspace: WorkspaceId, told: Sequence[tuple[str, Scan]]) -> None:
    """Keep (order or nothing, scan), each once by its fact."""
    pairs = sorted({(scan.shipment_id, order_id) for order_id, scan in told if order_id})
    rows = [{"workspace": workspace, "shipment_id": one, "order_id": order_id} for one, order_id in pairs]
    insert_ignore(conn, parcels, rows, key=("workspace", "shipment_id", "order_id"))
    found = {scan.fact: scan for _, scan in told}
    said = [
        {"workspace": workspace, **one._asdict(), "lines": encode_lines(one.lines)} for _, one in sorted(found.items())
    ]
    insert_ignore(conn, scans, said, key=("workspace", "fact"))


def save_choice(
    conn: Connection, workspace: WorkspaceId, order_id: str, window_id: str, choice: str, location_id: str, *, now: int
) -> bool:
    """Whether this choice is the first about this promise, and is kept now."""
    row = {
        "workspace": workspace, "order_id": order_id, "window_id": window_id, "choice": choice,
        "location_id": location_id, "at": now,
    }  # fmt: skip
    return bool(insert_ignore(conn, choices, [row], key=("workspace", "order_id", "window_id")))


def save_rows(conn: Connection, rows: Sequence[Row]) -> None:
    """Write how these promises stand."""
    key = ("workspace", "order_id")
    values = [row._asdict() for row in sorted(rows, key=lambda one: one.order_id)]
    upsert(conn, promises, values, key=key, update=[name for name in Row._fields if name not in key])


def save_waits(conn: Connection, workspace: WorkspaceId, wanted: Mapping[str, Collection[str]]) -> None:
    """By order: the products it waits for; none once it was handed over."""
    change_among(conn, sa.delete(waits), workspace, waits.c.order_id, wanted)
    rows = [
        {"workspace": workspace, "product_id": product_id, "order_id": order_id}
        for order_id, products in wanted.items()
        for product_id in sorted(set(products))
    ]  # fmt: skip
    insert_ignore(conn, waits, rows, key=("workspace", "product_id", "order_id"))


def waiting_for(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], *, after: tuple[str, str], limit: int
) -> list[tuple[str, str]]:
    """(product, open order that waits for it) beyond that one, in this order; of at most 500 products."""
    w = waits.c
    beyond = sa.or_(w.product_id > after[0], sa.and_(w.product_id == after[0], w.order_id > after[1]))
    query = sa.select(w.product_id, w.order_id).where(beyond).order_by(w.product_id, w.order_id).limit(limit)
    return [(row[0], row[1]) for row in select_among(conn, query, workspace, w.product_id, product_ids)]


def known_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> dict[str, Known]:
    """The orders of these ids that somebody has reported."""
    o = orders.c
    query = sa.select(orders).where(o.placed_at < UNREPORTED)
    return {
        row.order_id: Known(
            row.order_id, bytes(row.strand), row.placed_at, row.zone, row.country, row.region, decode_lines(row.lines),
            row.cancelled_at,
        )
        for row in select_among(conn, query, workspace, o.order_id, order_ids)
    }  # fmt: skip


def made_of(conn: Connection, workspace: WorkspaceId, known: Mapping[str, Known]) -> dict[str, list[Made]]:
    """The promises made about these orders, read by the clock of where each goes.

    What strangers said is left out, and what a browser said where the shop itself has promised something.
    """
    found: defaultdict[str, list[Made]] = defaultdict(list)
    browsers = unverified_of(conn, workspace, known)
    for row in select_among(conn, sa.select(windows), workspace, windows.c.order_id, known):
        window = read_window(row.from_said, row.to_said, zone_named(known[row.order_id].zone))
        if window is None or browsers.get(row.order_id, {}).get(row.id):
            continue
        found[row.order_id].append(
            Made(row.id, row.at, window, row.by, row.reason, row.method, row.location_id)
        )  # fmt: skip
    for order_id, theirs in browsers.items():
        own = [made for made in found.get(order_id, ()) if made.id not in theirs]
        if any(made.by == "shop" for made in own):
            found[order_id] = own
    return found


def scans_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> dict[str, list[Scan]]:
    """What was said of the shipments of these orders, but not by strangers."""
    browsers = unverified_of(conn, workspace, order_ids)
    of_order: defaultdict[str, list[str]] = defaultdict(list)
    p = parcels.c
    for row in select_among(conn, sa.select(p.shipment_id, p.order_id), workspace, p.order_id, order_ids):
        of_order[row.shipment_id].append(row.order_id)
    found: defaultdict[str, list[Scan]] = defaultdict(list)
    columns = [scans.c[name] for name in Scan._fields]
    for row in select_among(conn, sa.select(*columns), workspace, scans.c.shipment_id, of_order):
        scan = Scan._make(row)._replace(lines=decode_lines(row.lines))
        for order_id in of_order[scan.shipment_id]:
            if not browsers.get(order_id, {}).get(scan.fact):
                found[order_id].append(scan)
    return found


def orders_of_shipments(conn: Connection, workspace: WorkspaceId, shipment_ids: Collection[str]) -> set[str]:
    """The orders these shipments belong to."""
    p = parcels.c
    return {row[0] for row in select_among(conn, sa.select(p.order_id), workspace, p.shipment_id, shipment_ids)}


def rows_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> dict[str, Row]:
    """How these promises stood when they were judged last."""
    query = sa.select(*(promises.c[name] for name in Row._fields))
    found = select_among(conn, query, workspace, promises.c.order_id, order_ids)
    return {row.order_id: Row._make(row) for row in found}


def choices_of(conn: Connection, workspace: WorkspaceId, order_id: str) -> dict[str, tuple[str, str, int]]:
    """By promise: what the customer chose, where, and when."""
    c = choices.c
    query = sa.select(c.window_id, c.choice, c.location_id, c.at).where(
        c.workspace == workspace, c.order_id == order_id
    )
    return {row.window_id: (row.choice, row.location_id, row.at) for row in conn.execute(query)}


def load_model(conn: Connection, workspace: WorkspaceId) -> Model:
    """What this shop has learnt; nothing while it has not."""
    body = conn.execute(sa.select(lateness.c.body).where(lateness.c.workspace == workspace)).scalar()
    return Model() if body is None else msgspec.json.decode(body, type=Model)


def save_model(conn: Connection, workspace: WorkspaceId, model: Model, *, now: int) -> None:
    """Put what was learnt in force."""
    row = {"workspace": workspace, "body": msgspec.json.encode(model), "orders": model.orders, "learnt_at": now}
    upsert(conn, lateness, [row], key=("workspace",), update=("body", "orders", "learnt_at"))


def chosen(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> set[tuple[str, str]]:
    """(order, promise) of those about which something else was chosen than to wait."""
    c = choices.c
    query = sa.select(c.order_id, c.window_id).where(c.choice != "wait")
    found = select_among(conn, query, workspace, c.order_id, order_ids)
    return {(row.order_id, row.window_id) for row in found}


def encode_lines(lines: Sequence[Line]) -> str:
    return msgspec.json.encode([list(line) for line in lines]).decode()


def decode_lines(text: str) -> tuple[Line, ...]:
    return tuple(Line(*one) for one in msgspec.json.decode(text))
