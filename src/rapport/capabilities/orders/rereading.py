"""What an older version read of orders and refunds and no fact says any more, by this one: taken away.

Called once all facts are told again. An order id, for instance, that was a number cut short is a text now, and the row
under the old one nobody's.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders import kept_sums
from rapport.capabilities.orders.changes import READING
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.settling import settle
from rapport.capabilities.orders.store import NEVER, UNREPORTED, orders
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import chunks

__all__ = ["forget_older_readings"]

_o, _r = orders.c, refunds.c


def forget_older_readings(conn: Connection) -> None:
    """Take away what only an older version has read, and sum the days anew that this changes."""
    touched = _orders_touched(conn)
    stale: tuple[tuple[sa.Column[Any], dict[str, Any]], ...] = (
        (_o.reading, {"rank": UNREPORTED, "at": NEVER, "fact": "", "country": "", "currency": "", "revenue_minor": 0,
                      "gross_minor": None, "prices": None}),
        (_o.updated_reading, {"updated_at": -1, "updated_fact": "", "updated_currency": "", "updated_minor": 0,
                              "updated_gross": None, "updated_told": None}),
        (_o.cancelled_reading, {"cancelled_at": None}),
    )  # fmt: skip
    kept_sums.mark_of_orders(conn, _is_older(_o.reading), table=orders)
    kept_sums.mark_of_orders(conn, _is_older(_r.reading), table=refunds)
    conn.execute(refunds.delete().where(_is_older(_r.reading)))
    for reading, nothing in stale:
        conn.execute(orders.update().where(_is_older(reading)).values({**nothing, reading.name: 0}))
    for workspace, order_ids in touched.items():
        for some in chunks(order_ids, 500):
            kept_sums.mark(conn, workspace, settle(conn, workspace, some, ()))


def _is_older(reading: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return (reading > 0) & (reading < READING)


def _orders_touched(conn: Connection) -> dict[WorkspaceId, list[str]]:
    """The orders of which something goes, or a refund does."""
    some = sa.or_(*(_is_older(reading) for reading in (_o.reading, _o.updated_reading, _o.cancelled_reading)))
    of_refunds = sa.select(_r.workspace, _r.order_id).where(_is_older(_r.reading), _r.order_id.is_not(None))
    found: dict[WorkspaceId, list[str]] = {}
    for workspace, order_id in conn.execute(sa.select(_o.workspace, _o.order_id).where(some).union(of_refunds)):
        found.setdefault(WorkspaceId(workspace), []).append(order_id)
    return found
