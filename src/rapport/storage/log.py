"""The log: every fact of every shop, append-only, de-duplicated for ever by its source and message id.

An id that another source has used already is kept under the source's name and a keyed hash, so that nobody who guesses
the ids of a shop's server can have its facts taken for known.

`seq` grows but on PostgreSQL becomes visible out of order: a transaction that took an earlier number may commit later.
A reader that walked past such a gap would lose facts, so it reads only up to the *safe horizon* (`Horizon`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
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
from sqlalchemy.dialects.postgresql import ARRAY

from rapport.kernel.facts import Fact, decode_fact
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.engine import metadata
from rapport.storage.locks import Lock, lock_shared
from rapport.storage.lookup import select_among
from rapport.storage.redaction import redacted
from rapport.storage.suppression import admitted, suppression, version_of

__all__ = [
    "Horizon",
    "LogMoment",
    "LogRow",
    "StoredRow",
    "append",
    "facts",
    "id_under_source",
    "ids_secret",
    "last_given",
    "latest",
    "newest_seq",
    "of_groups",
    "of_strands",
    "read_after",
    "to_fact",
]

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
    Index("facts_newest", "workspace", "seq"),
    Index("facts_source", "workspace", "source", "seq"),
    sqlite_autoincrement=True,
)


class LogRow(NamedTuple):
    """One fact on its way into the log; `body` is the JSON of the kernel's Fact."""

    workspace: WorkspaceId
    source: str
    message_id: str
    strand: bytes
    bucket: int
    occurred_at: int
    received_at: int
    body: bytes
    named: tuple[Identifier, ...] = ()
    """The identifiers it carries beside that of its strand; not stored."""


class StoredRow(NamedTuple):
    """One fact of the log."""

    seq: int
    workspace: WorkspaceId
    source: str
    message_id: str
    strand: bytes
    bucket: int
    occurred_at: int
    received_at: int
    body: bytes


_STORED = LogRow._fields[:-1]


def append(conn: Connection, rows: Sequence[LogRow]) -> int:
    """Append in this transaction; rows whose source has told this message id already are left out.

    So are those of people who were erased; what was redacted is left out of each. Returns how many were new.
    """
    if not rows:
        return 0
    lock_shared(conn, Lock.APPENDING)  # before it is read who was erased and what redacted
    kept = rows if version_of(conn) == 0 else admitted(conn, redacted(conn, rows))
    new = _insert(conn, kept)
    return new if new == len(kept) else new + _insert(conn, _of_other_sources(conn, kept))


def _insert(conn: Connection, rows: Sequence[LogRow]) -> int:
    stored = [row[:-1] for row in rows]
    return insert_ignore(conn, facts, stored, key=("workspace", "message_id"), columns=_STORED)


def _of_other_sources(conn: Connection, rows: Sequence[LogRow]) -> list[LogRow]:
    """Those rows whose id was taken by a fact of another source, each under an id of its own source's.

    One that lies under the id it would have been given before ids were keyed is known.
    """
    found: list[LogRow] = []
    for workspace in {row.workspace for row in rows}:
        own = [row for row in rows if row.workspace == workspace]
        sources = _sources_of(conn, workspace, {row.message_id for row in own})
        own = [row for row in own if sources.get(row.message_id, row.source) != row.source]
        before = _sources_of(conn, workspace, {_plain_id(row) for row in own})
        found += [row for row in own if before.get(_plain_id(row)) != row.source]
    secret = ids_secret(conn) if found else b""
    return [_under_source(row, secret) for row in found]


def _sources_of(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> dict[str, str]:
    """By message id of which source its fact is; of those that are in the log."""
    query = sa.select(facts.c.message_id, facts.c.source)
    return {row.message_id: row.source for row in select_among(conn, query, workspace, facts.c.message_id, ids)}


def ids_secret(conn: Connection) -> bytes:
    """The installation's secret of ids that nobody else may guess."""
    return bytes(conn.execute(sa.select(suppression.c.ids_secret)).scalar_one())


def id_under_source(row: LogRow, secret: bytes) -> str:
    """An id for a row that no other source can have: its source's, and a hash of its own under `ids_secret`."""
    return f"{row.source}:{blake2b(row.message_id.encode(), key=secret, digest_size=16).hexdigest()}"


def _plain_id(row: LogRow) -> str:
    """As ids were made until they were keyed; whoever knew a source's id could take it before the source did."""
    return id_under_source(row, b"")


def _under_source(row: LogRow, secret: bytes) -> LogRow:
    ident = id_under_source(row, secret)
    return row._replace(message_id=ident, body=msgspec.json.encode({**msgspec.json.decode(row.body), "id": ident}))


def newest_seq(conn: Connection) -> int:
    """The largest `seq` in the log, 0 where it is empty. Smaller ones may still appear: see `Horizon`."""
    return int(conn.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM facts").scalar_one())


def last_given(conn: Connection) -> int:
    """The largest `seq` that was ever given to a fact, also where that fact is no longer there."""
    if conn.dialect.name == "sqlite":
        return int(
            conn.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'facts'").scalar_one()
        )
    return int(
        conn.exec_driver_sql("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM facts_seq_seq").scalar_one()
    )


class Horizon:
    """How far the log can be read without passing a gap. One per reader; remembers what it waits for."""

    def __init__(self) -> None:
        self.looked_at = 0
        """When that was, on the clock of `Database.now_us`."""
        self._safe = 0
        self._candidate = 0
        self._waiting: frozenset[str] = frozenset()

    @property
    def is_held_back(self) -> bool:
        """Whether it waits for somebody who is appending; mostly for some milliseconds."""
        return bool(self._waiting)

    def advance(self, conn: Connection) -> int:
        """The largest `seq` below which no fact can appear any more.

        On PostgreSQL: read the sequence, then who is appending. Whoever took a number up to that one held the shared
        lock by then; once all of those have ended, everything up to it is final. What follows on `conn` must see what
        they have committed: use `Database.look`, not an older snapshot.
        """
        if conn.dialect.name == "sqlite":
            self.looked_at = time.time_ns() // 1000
            return newest_seq(conn)
        if not self._waiting:
            self._candidate = last_given(conn)
        now, found = conn.exec_driver_sql(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, array_agg(virtualtransaction)"
            " FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND classid = 0"
            " AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (int(Lock.APPENDING),),
        ).one()
        self.looked_at = int(now)
        appending = frozenset(found or ())
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


def latest(
    conn: Connection,
    workspace: WorkspaceId,
    *,
    source: str | None = None,
    after: int = 0,
    before: int | None = None,
    limit: int = 50,
) -> list[StoredRow]:
    """The newest facts of a shop (of one source where it is given), newest first, with after < seq < before only."""
    query = sa.select(facts).where(facts.c.workspace == workspace, facts.c.seq > after)
    if source is not None:
        query = query.where(facts.c.source == source)
    if before is not None:
        query = query.where(facts.c.seq < before)
    return [StoredRow._make(row) for row in conn.execute(query.order_by(facts.c.seq.desc()).limit(limit))]


class LogMoment(NamedTuple):
    """A place in the order of happening; `seq` tells facts of the same microsecond apart."""

    occurred_at: int
    seq: int


def of_strands(
    conn: Connection,
    workspace: WorkspaceId,
    strands: Sequence[bytes],
    *,
    before: LogMoment | None = None,
    limit: int = 50,
) -> list[StoredRow]:
    """Facts of these strands as one story, the latest to happen first, those before a moment only.

    Cost: at most `limit` entries of the index for each strand, and the rows that are returned, however many there are.
    """
    if not strands:
        return []
    choose = _of_strands_postgresql if conn.dialect.name == "postgresql" else _of_strands_sqlite
    query = choose(workspace, strands, before, limit).order_by(*_LATEST)
    return [StoredRow._make(row) for row in conn.execute(query)]


def of_groups(
    conn: Connection, workspace: WorkspaceId, groups: Sequence[Sequence[bytes]], *, limit: int
) -> list[list[StoredRow]]:
    """Like `of_strands` for several groups of strands, at most `limit` facts of each: a statement for each 100."""
    found: list[list[StoredRow]] = []
    choose = _of_groups_postgresql if conn.dialect.name == "postgresql" else _of_groups_sqlite
    for some in chunks(groups, 100):
        rows_of: dict[bytes, list[list[StoredRow]]] = {}
        for strands in some:
            found.append([])
            for strand in dict.fromkeys(strands):
                rows_of.setdefault(strand, []).append(found[-1])
        if rows_of:
            for row in conn.execute(choose(workspace, [group for group in some if group], limit).order_by(*_LATEST)):
                for rows in rows_of[row.strand]:
                    rows.append(StoredRow._make(row))
    return found


_LATEST = (facts.c.occurred_at.desc(), facts.c.seq.desc())


def _of_groups_sqlite(
    workspace: WorkspaceId, groups: Sequence[Sequence[bytes]], limit: int
) -> sa.Select[*tuple[Any, ...]]:
    each = (_of_strands_sqlite(workspace, strands, None, limit).order_by(*_LATEST).subquery() for strands in groups)
    return sa.select(facts).where(facts.c.seq.in_(sa.union_all(*(sa.select(page.c.seq) for page in each))))


def _of_groups_postgresql(
    workspace: WorkspaceId, groups: Sequence[Sequence[bytes]], limit: int
) -> sa.Select[*tuple[Any, ...]]:
    """One text and one plan for however many groups."""
    pairs = [(place, strand) for place, strands in enumerate(groups) for strand in strands]
    wanted = (
        sa.func.unnest(
            sa.cast([place for place, _ in pairs], ARRAY(Integer)),
            sa.cast([strand for _, strand in pairs], ARRAY(LargeBinary)),
        )
        .table_valued("place", "strand")
        .render_derived()
    )
    one = sa.select(facts.c.occurred_at, facts.c.seq)
    one = one.where(facts.c.workspace == _unforeseen(workspace), facts.c.strand == wanted.c.strand)
    each = one.order_by(*_LATEST).limit(_unforeseen(limit)).lateral()
    latest = (each.c.occurred_at.desc(), each.c.seq.desc())
    rank = sa.func.row_number().over(partition_by=wanted.c.place, order_by=latest).label("rank")
    ranked = sa.select(each.c.seq, rank).select_from(wanted.join(each, sa.true())).subquery()
    page = sa.select(ranked.c.seq).where(ranked.c.rank <= limit)
    return sa.select(facts).where(facts.c.seq.in_(page))


def _of_strands_sqlite(
    workspace: WorkspaceId, strands: Sequence[bytes], before: LogMoment | None, limit: int
) -> sa.Select[*tuple[Any, ...]]:
    """SQLite leaves a strand's range of the index as soon as the page is full of later facts."""
    query = sa.select(facts).where(facts.c.workspace == workspace, facts.c.strand.in_(strands))
    return _earlier(query, before).limit(limit)


def _of_strands_postgresql(
    workspace: WorkspaceId, strands: Sequence[bytes], before: LogMoment | None, limit: int
) -> sa.Select[*tuple[Any, ...]]:
    """PostgreSQL would read and sort all facts of all strands: it is told to take the latest of each, then of those."""
    values = sa.cast(list(strands), ARRAY(LargeBinary))
    wanted = sa.func.unnest(values).table_valued("strand").render_derived()
    one = sa.select(facts.c.occurred_at, facts.c.seq)
    one = one.where(facts.c.workspace == _unforeseen(workspace), facts.c.strand == wanted.c.strand)
    each = _earlier(one, before).order_by(*_LATEST).limit(_unforeseen(limit)).lateral()
    page = sa.select(each.c.seq).select_from(wanted.join(each, sa.true()))
    page = page.order_by(each.c.occurred_at.desc(), each.c.seq.desc()).limit(limit)
    return sa.select(facts).where(facts.c.seq.in_(page))


def _unforeseen(number: int) -> sa.ScalarSelect[int]:
    """A number that PostgreSQL learns only when it has its plan, so that the plan is the same whatever it believes.

    Of a shop that came after the last statistics it believes that it has no facts, and reads all of them; where a limit
    is more than it believes a strand to have, it reads and sorts the strand. Of a limit it cannot see it expects a
    tenth of the rows and follows the index.

    **Source:** `preprocess_limit` and `var_eq_non_const` in PostgreSQL's planner.
    """
    return sa.select(sa.literal(number)).scalar_subquery()


def _earlier(query: sa.Select[*tuple[Any, ...]], before: LogMoment | None) -> sa.Select[*tuple[Any, ...]]:
    if before is None:
        return query
    place = sa.tuple_(sa.literal(before.occurred_at), sa.literal(before.seq))
    return query.where(sa.tuple_(facts.c.occurred_at, facts.c.seq) < place)


def to_fact(row: StoredRow) -> Fact:
    """The fact of a row, decoded."""
    return decode_fact(
        row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=row.seq
    )
