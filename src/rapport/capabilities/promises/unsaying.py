"""What facts that are taken back said of orders and shipments is taken away."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.promises import store
from rapport.kernel.work import Unsaid
from rapport.storage.lookup import change_among

__all__ = ["unsay"]


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take away what withdrawn facts said of orders; of an order that nobody else names, how its promise stands, too.

    What others say of the order is told again, and the promise judged by it.
    """
    workspace = unsaid.workspace
    for table, column, values in (
        (store.scans, store.scans.c.fact, unsaid.facts), (store.windows, store.windows.c.id, unsaid.facts),
        (store.parcels, store.parcels.c.order_id, unsaid.orders),
        (store.orders, store.orders.c.order_id, unsaid.orders), (store.waits, store.waits.c.order_id, unsaid.alone),
        (store.choices, store.choices.c.order_id, unsaid.alone),
        (store.windows, store.windows.c.order_id, unsaid.alone),
    ):  # fmt: skip
        change_among(conn, sa.delete(table), workspace, column, values)
    gone = change_among(conn, sa.delete(store.promises), workspace, store.promises.c.order_id, unsaid.alone)
    return {"promises": gone} if gone else {}
