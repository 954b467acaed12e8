"""How somebody's orders and shipments are found in tables that name the order alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.capabilities.promises import store
from rapport.capabilities.promises.paid_back import paid_back
from rapport.compose.holding import Erase, Export, Holding, of_person, of_shop
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks

__all__ = ["HOLDS"]


def _orders(workspace: WorkspaceId, keys: Collection[Key]) -> sa.Select[Any]:
    o = store.orders.c
    return sa.select(o.order_id).where(o.workspace == workspace, o.strand.in_(keys))


def _theirs(table: Table, workspace: WorkspaceId, keys: Collection[Key]) -> sa.ColumnElement[bool]:
    if "order_id" in table.c:
        return sa.and_(table.c.workspace == workspace, table.c.order_id.in_(_orders(workspace, keys)))
    p = store.parcels.c
    parcels = sa.select(p.shipment_id).where(p.workspace == workspace, p.order_id.in_(_orders(workspace, keys)))
    return sa.and_(table.c.workspace == workspace, table.c.shipment_id.in_(parcels))


def _exported(table: Table) -> Export:
    def export(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
        for some in chunks(sorted(keys), 500):
            for row in conn.execute(sa.select(table).where(_theirs(table, workspace, some))):
                yield {name: _plain(name, value) for name, value in row._mapping.items() if name != "workspace"}

    return export


def _erased(table: Table) -> Erase:
    def erase(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
        return sum(
            conn.execute(sa.delete(table).where(_theirs(table, workspace, some))).rowcount
            for some in chunks(sorted(keys), 500)
        )

    return erase


def _plain(name: str, value: Any) -> Any:
    is_moment = isinstance(value, int) and not isinstance(value, bool) and (name == "at" or name.endswith("_at"))
    return (to_iso(value) if 0 < value < 2**53 else None) if is_moment else value


def _by_order(table: Table, what: str) -> Holding:
    return of_person(table, what, by=(), export=_exported(table), erase=_erased(table))


HOLDS: tuple[Holding, ...] = (
    # Erased from the last to the first: what names only an order is found by the orders, what names only a shipment by
    # the parcels.
    of_shop(store.lateness, "how long the shop's orders take, without any single one"),
    of_person(store.orders, "where somebody's orders go, and what is in them"),
    of_person(store.promises, "how the promises about somebody's orders stand"),
    _by_order(store.parcels, "which shipments belong to somebody's orders"),
    _by_order(store.waits, "for which products somebody's orders wait"),
    _by_order(store.choices, "what somebody chose when an order was late"),
    _by_order(store.windows, "what was promised about somebody's orders"),
    _by_order(paid_back, "what of somebody's orders was paid back"),
    _by_order(store.scans, "where somebody's shipments were"),
)
