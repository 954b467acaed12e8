"""Somebody erased: from the log, their identifiers, every table of every slice, and the bytes that are left on disk.

One transaction forgets the person, or nothing of it happens; from its commit on their facts are left out
(`storage/suppression.py`) and whatever workers hold in memory is read anew. What follows tidies the files, and may be
done again: a database keeps the bytes of what it deleted until it is told not to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.collect.sources import identifier_policy
from rapport.compose.person import erase_person
from rapport.kernel.identifiers import NAMED
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import customers
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import members_of
from rapport.resolve.reading.identities import Member
from rapport.storage import suppression
from rapport.storage.bulk import chunks
from rapport.storage.locks import Lock, lock_alone

if TYPE_CHECKING:
    from rapport.compose.installed import Installed

__all__ = ["Proof", "StoreErased", "erase", "mentions"]

ERASED = "(erased)"
"""What stands where somebody erased was mentioned."""
SHORTEST_MENTION = 8
"""Characters of an identifier that is looked for in texts; a shorter one may be any word."""


class StoreErased(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the person in one table, and is gone."""

    slice: str
    table: str
    rows: int


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure did, without anything of the person; tables without a row of theirs are named, too."""

    identifiers: int
    erased_at: str
    stores: list[StoreErased]
    mentions: list[StoreErased]
    """Rows of others, or of nobody, in which an identifier of the person was overwritten."""
    files: str = ""
    """What was done to the database's files afterwards, and what was found there."""
    left: list[str] = []
    """What this cannot reach, in words."""


def erase(
    conn: Connection, slices: Installed, workspace: WorkspaceId, key: Key, *, now: int, told: str
) -> tuple[Proof, list[str]]:
    """Erase whoever certainly has this identifier, in this transaction; returns the proof, and what to look for.

    Erasing somebody who is gone already finds nothing, and says so. `told` is the time in words.
    """
    suppression.erasing(conn)
    lock_alone(conn, Lock.APPENDING)
    store.lock(conn, workspace)
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete = ON")
    members = members_of(conn, workspace, key)
    keys = sorted({key, *(one.key for one in members)})
    suppression.suppress(conn, workspace, keys, now=now)
    _part_from_others(conn, workspace, keys, now=now)
    texts = mentions(members)
    gone = erase_person(conn, slices, workspace, keys)
    owner = {held.table.name: one.name for one in slices.slices for held in one.holds}
    found = [
        StoreErased(slice=owner[table], table=str(table), rows=rows)
        for table, rows in sorted(gone.items())
        if table in owner
    ]
    overwritten = [
        StoreErased(slice=owner[table.name], table=str(table.name), rows=rows)
        for table, rows in _overwrite(conn, slices, workspace, texts)
        if rows
    ]
    proof = Proof(identifiers=len(members), erased_at=told, stores=found, mentions=overwritten)
    return proof, texts


def mentions(members: Iterable[Member]) -> list[str]:
    """The identifiers of a person that are looked for in texts of others: no number that may be any order's."""
    values = {
        one.value
        for one in members
        if one.namespace in ("email", "phone")
        or (one.namespace != NAMED and len(one.value) >= SHORTEST_MENTION and not one.value.isdigit()
            and not one.value.isalpha())
    }  # fmt: skip
    return sorted(values, key=len, reverse=True)


def _part_from_others(conn: Connection, workspace: WorkspaceId, keys: Sequence[Key], *, now: int) -> None:
    """Take back what ties the person to others (a learned link, a shared browser), so that those stay who they are."""
    e = store.evidence.c
    ties: list[bytes] = []
    for some in chunks(keys, 500):
        query = sa.select(e.id, e.a, e.b).where(e.workspace == workspace, sa.or_(e.a.in_(some), e.b.in_(some)))
        own = set(keys)
        ties += [row.id for row in conn.execute(query) if not {row.a, row.b} <= own]
    if ties:
        policy = identifier_policy(settings_of(conn, workspace))
        moved = corrections.withdraw(conn, workspace, ties, policy, author="rapport", reason="erased", now=now)
        customers.mark_moved(conn, moved)


_APART = frozenset({"facts", "strands", "privacy_requests"})
"""Where nothing is overwritten: the log of others is theirs, states follow from it, requests hold no text of people."""


def _overwrite(
    conn: Connection, slices: Installed, workspace: WorkspaceId, texts: Sequence[str]
) -> Iterable[tuple[Table, int]]:
    """Overwrite these texts wherever a table keeps texts or documents. Cost: each such table is read once."""
    if not texts:
        return
    for name, table in sorted(slices.tables.items()):
        if name not in _APART and "workspace" in table.c:
            yield table, _overwrite_in(conn, table, workspace, texts)


def _overwrite_in(conn: Connection, table: Table, workspace: WorkspaceId, texts: Collection[str]) -> int:
    keys = list(table.primary_key.columns)
    columns = [one for one in table.columns if isinstance(one.type, sa.Text | sa.LargeBinary) and one not in keys]
    if not columns:
        return 0
    held = sa.or_(*(_holds(conn, column, text) for column in columns for text in texts))
    rows = conn.execute(sa.select(*keys, *columns).where(table.c.workspace == workspace, held)).all()
    for row in rows:
        values = {one.name: _overwritten(row._mapping[one], texts) for one in columns}
        conn.execute(table.update().where(*(one == row._mapping[one] for one in keys)).values(values))
    return len(rows)


def _holds(conn: Connection, column: sa.Column[object], text: str) -> sa.ColumnElement[bool]:
    wanted = sa.literal(text.encode() if isinstance(column.type, sa.LargeBinary) else text)
    if conn.dialect.name == "sqlite":
        return sa.func.instr(column, wanted) > 0
    if isinstance(column.type, sa.LargeBinary):
        return sa.func.position(wanted.op("IN")(column)) > 0
    return sa.func.strpos(column, wanted) > 0


def _overwritten(value: object, texts: Collection[str]) -> object:
    for text in texts:
        if isinstance(value, str):
            value = value.replace(text, ERASED)
        elif isinstance(value, bytes):
            value = value.replace(text.encode(), ERASED.encode())
    return value
