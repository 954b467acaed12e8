"""How a person is told and erased where rows are found by their lots, redemptions and memberships."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.capabilities.loyalty import store
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks

__all__ = [
    "draws_of",
    "entries_of",
    "forget_draws",
    "forget_entries",
    "forget_pauses",
    "forget_periods",
    "forget_returns",
    "pauses_of",
    "periods_of",
    "returns_of",
]

_d, _l, _p = store.draws.c, store.lots.c, store.periods.c
_OF_REDEMPTION = _d.redemption == store.redemptions.c.id
_OF_MEMBERSHIP = _p.membership == store.memberships.c.id


def entries_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The entries of the lots of these strands, in plain values."""
    e = store.entries.c
    for some in chunks(sorted(keys), 500):
        joined = store.entries.join(
            store.lots, (_l.workspace == e.workspace) & (_l.programme == e.programme) & (_l.lot == e.lot)
        )  # fmt: skip
        query = (
            sa.select(e.programme, e.lot, e.number, e.at, e.debit, e.credit, e.points, e.words)
            .select_from(joined)
            .where(e.workspace == workspace, _l.strand.in_(some))
        )
        for row in conn.execute(query.order_by(e.at, e.lot, e.number)):
            yield {**row._mapping, "at": to_iso(row.at)}


def forget_entries(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the entries of the lots of these strands."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(_l.lot).where(_l.workspace == workspace, _l.strand.in_(some))
        gone += conn.execute(
            sa.delete(store.entries).where(store.entries.c.workspace == workspace, store.entries.c.lot.in_(theirs))
        ).rowcount  # fmt: skip
    return gone


def draws_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The draws of the redemptions of these strands, in plain values."""
    return _through(conn, workspace, keys, store.draws, store.redemptions, _OF_REDEMPTION)


def forget_draws(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the draws of the redemptions of these strands."""
    return _forget_through(conn, workspace, keys, store.draws, _d.redemption, store.redemptions)


def returns_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """What was told to be given back of the redemptions of these strands, in plain values."""
    on = store.returns.c.redemption == store.redemptions.c.id
    return _through(conn, workspace, keys, store.returns, store.redemptions, on)


def forget_returns(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete them."""
    return _forget_through(conn, workspace, keys, store.returns, store.returns.c.redemption, store.redemptions)


def periods_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The periods of the memberships of these strands, in plain values."""
    return _through(conn, workspace, keys, store.periods, store.memberships, _OF_MEMBERSHIP)


def forget_periods(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the periods of the memberships of these strands."""
    return _forget_through(conn, workspace, keys, store.periods, _p.membership, store.memberships)


def pauses_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[Mapping[str, Any]]:
    """The pauses of the memberships of these strands, in plain values."""
    on = store.pauses.c.membership == store.memberships.c.id
    return _through(conn, workspace, keys, store.pauses, store.memberships, on)


def forget_pauses(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Delete the pauses of the memberships of these strands."""
    return _forget_through(conn, workspace, keys, store.pauses, store.pauses.c.membership, store.memberships)


def _through(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], table: Table, owner: Table,
    on: sa.ColumnElement[bool],
) -> Iterable[Mapping[str, Any]]:  # fmt: skip
    for some in chunks(sorted(keys), 500):
        joined = table.join(owner, on & (table.c.workspace == owner.c.workspace))
        query = sa.select(table).select_from(joined).where(owner.c.workspace == workspace, owner.c.strand.in_(some))
        for row in conn.execute(query):
            yield {name: value for name, value in row._mapping.items() if name != "workspace"}


def _forget_through(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], table: Table, column: sa.ColumnElement[Any],
    owner: Table,
) -> int:  # fmt: skip
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(owner.c.id).where(owner.c.workspace == workspace, owner.c.strand.in_(some))
        gone += conn.execute(sa.delete(table).where(table.c.workspace == workspace, column.in_(theirs))).rowcount
    return gone
