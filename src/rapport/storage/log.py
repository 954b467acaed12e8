"""The log: every fact of every shop, append-only, de-duplicated for ever by its message id.

`seq` grows but on PostgreSQL becomes visible out of order: a transaction that took an earlier number may commit later.
A reader that walked past such a gap would lose facts, so it reads only up to the *safe horizon* (`Horizon`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from rapport.kernel.facts import Fact, decode_fact
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import metadata

__all__ = ["Horizon", "LogRow", "StoredRow", "append", "facts", "latest", "of_strands", "read_after", "to_fact"]

facts = Table(
    "facts",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("workspace", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("workspace", "message_id", name="facts_message"),
    Index("facts_strand", "workspace", "strand", "occurred_at", "seq"),
    sqlite_autoincrement=True,
)

_APPENDING = 7_262_041
"""Advisory lock that every appending transaction shares on PostgreSQL, so that readers can see who may fill a gap."""


class LogRow(NamedTuple):
    """One fact on its way into the log; `body` is the JSON of the kernel's Fact."""

    workspace: int
    source: str
    message_id: str
    strand: bytes
    bucket: int
    occurred_at: int
    received_at: int
    body: bytes


class StoredRow(NamedTuple):
    """One fact of the log."""

    seq: int
    workspace: int
    source: str
    message_id: str
    strand: bytes
    bucket: int
    occurred_at: int
    received_at: int
    body: bytes


def append(conn: Connection, rows: Sequence[LogRow]) -> int:
    """Append in this transaction; rows whose (workspace, message id) is known already are left out.

    Returns how many were new.
    """
    if not rows:
        return 0
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({_APPENDING})")
    return insert_ignore(conn, facts, [row._asdict() for row in rows], key=("workspace", "message_id"))


class Horizon:
    """How far the log can be read without passing a gap. One per reader; remembers what it waits for."""

    def __init__(self) -> None:
        self._safe = 0
        self._candidate = 0
        self._waiting: frozenset[str] = frozenset()

    def advance(self, conn: Connection) -> int:
        """The largest `seq` below which no fact can appear any more.

        On PostgreSQL: read the sequence, then who is appending. Whoever took a number up to that one held the shared
        lock by then; once all of those have ended, everything up to it is final. `conn` must not be in an older
        snapshot than this call (use a fresh read-committed transaction).
        """
        if conn.dialect.name == "sqlite":
            return int(conn.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM facts").scalar_one())
        if not self._waiting:
            self._candidate = int(
                conn.exec_driver_sql(
                    "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM facts_seq_seq"
                ).scalar_one()
            )
        appending = frozenset(
            conn.exec_driver_sql(
                "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 0"
                " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (_APPENDING,),
            ).scalars()
        )
        self._waiting = self._waiting & appending if self._waiting else appending
        if not self._waiting:
            self._safe = self._candidate
        return self._safe


def read_after(
    conn: Connection, *, after: int, upto: int, buckets: Sequence[int] | None, limit: int
) -> list[StoredRow]:
    """The next facts of these buckets (of all where None) with after < seq <= upto, in order, at most `limit`."""
    if upto <= after or (buckets is not None and not buckets):
        return []
    query = sa.select(facts).where(facts.c.seq > after, facts.c.seq <= upto)
    if buckets is not None:
        query = query.where(facts.c.bucket.in_(buckets))
    rows = conn.execute(query.order_by(facts.c.seq).limit(limit))
    return [StoredRow._make(row) for row in rows]


def latest(conn: Connection, workspace: int, *, after: int = 0, limit: int = 50) -> list[StoredRow]:
    """The newest facts of a shop, newest first, those with seq > after only."""
    query = sa.select(facts).where(facts.c.workspace == workspace, facts.c.seq > after)
    return [StoredRow._make(row) for row in conn.execute(query.order_by(facts.c.seq.desc()).limit(limit))]


def of_strands(
    conn: Connection, workspace: int, strands: Sequence[bytes], *, before: int | None = None, limit: int = 50
) -> list[StoredRow]:
    """Facts of these strands, latest first by when they happened, those with seq < before only."""
    query = sa.select(facts).where(facts.c.workspace == workspace, facts.c.strand.in_(strands))
    if before is not None:
        query = query.where(facts.c.seq < before)
    query = query.order_by(facts.c.occurred_at.desc(), facts.c.seq.desc()).limit(limit)
    return [StoredRow._make(row) for row in conn.execute(query)]


def to_fact(row: StoredRow) -> Fact:
    """The fact of a row, decoded."""
    return decode_fact(
        row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=row.seq
    )
