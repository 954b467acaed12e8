"""To learn from the shop's own orders how long they take: every hour, from the latest ones, those on their way too."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.capabilities.promises import store
from rapport.capabilities.promises.lateness import Lived, Model, Stage, learn
from rapport.capabilities.promises.shipments import Shipment, shipments_of_scans
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.storage.workspaces import all_workspaces

__all__ = ["DAYS", "LEARNING", "lived_of", "model_of"]

DAYS = 60
"""Orders of so many days are learnt from: what carriers did a year ago says little (chosen on Olist, see the
benchmarks)."""
MOST_A_DAY = 50
"""Orders of one day that are read: of a large shop a part, spread over all days."""
_EVERY = HOUR


def model_of(conn: Connection, workspace: WorkspaceId, *, now: int) -> Model:
    """What the shop's latest orders teach. Reads the orders of `DAYS`, and the scans of `MOST_A_DAY` of each day."""
    p = store.promises.c
    place = sa.func.row_number().over(partition_by=p.placed_at // sa.literal(DAY, sa.BigInteger), order_by=p.order_id)
    each = (
        sa.select(p.order_id, p.placed_at, p.arrived_at, p.segment, place.label("place"))
        .where(
            p.workspace == workspace, p.placed_at >= now - DAYS * DAY, p.status != "cancelled", p.method == "delivery"
        )
        .subquery()
    )  # fmt: skip
    rows = conn.execute(sa.select(each).where(each.c.place <= MOST_A_DAY)).all()
    scans = store.scans_of(conn, workspace, [row.order_id for row in rows])

    def lived() -> Iterator[Lived]:
        for row in rows:
            shipments = shipments_of_scans(scans.get(row.order_id, ()))
            yield from lived_of(row.placed_at, row.arrived_at, shipments, row.segment, now=now)

    return learn(lived())


def lived_of(
    placed_at: int, arrived_at: int | None, shipments: list[Shipment], segment: str, *, now: int
) -> Iterator[Lived]:
    """How long an order took from the beginning of each stage, or has taken so far."""
    handed = max((one.handed_at for one in shipments if one.handed_at is not None), default=None)
    out = max((one.out_at for one in shipments if one.out_at is not None), default=None)
    stages: tuple[tuple[Stage, int | None], ...] = (("placed", placed_at), ("handed", handed), ("out", out))
    for stage, since in stages:
        if since is not None:
            until = arrived_at if arrived_at is not None else now
            yield Lived(stage, segment, max(0, until - since) / HOUR, arrived_at is not None)


def _shops(conn: Connection, turn: Turn) -> list[WorkspaceId]:
    """Shops with promises whose lesson is an hour old."""
    known = store.lateness.c
    query = sa.select(known.workspace).where(known.learnt_at > turn.now - _EVERY)
    fresh = set(conn.execute(query).scalars())
    p = store.promises.c
    return [
        shop.id
        for shop in all_workspaces(conn)
        if shop.id not in fresh and conn.execute(sa.select(p.order_id).where(p.workspace == shop.id).limit(1)).first()
    ]


def _due(conn: Connection, turn: Turn) -> bool:
    return bool(_shops(conn, turn))


def _run(turn: Turn) -> int:
    with turn.db.read() as conn:
        shops = _shops(conn, turn)[: turn.at_most]
        learnt = [(shop, model_of(conn, shop, now=turn.now)) for shop in shops]
    with turn.write() as conn:
        for shop, model in learnt:
            store.save_model(conn, shop, model, now=turn.now)
    return len(learnt)


LEARNING = Job(
    name="promises.learning", title="How long orders take is learnt", due=_due, run=_run, at_most=1,
    pause_seconds=300.0,
)  # fmt: skip
