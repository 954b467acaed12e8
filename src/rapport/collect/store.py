"""The tables of collecting: sources, their hourly health, and the quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.collect.model import Limits, QuarantineRow, Source
from rapport.collect.redacting import Aside, without_field
from rapport.kernel.clock import HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.locks import Lock, lock_shared
from rapport.storage.log import LogRow, facts, id_under_source, ids_secret
from rapport.storage.lookup import select_among
from rapport.storage.redaction import Rule, rules_of
from rapport.storage.suppression import names_erased, version_of

__all__ = [
    "COUNTERS",
    "add_health",
    "all_source_rows",
    "bytes_since",
    "count_open",
    "health_since",
    "insert_quarantined",
    "new_in_each",
    "quarantine",
    "refused_since",
    "source_health",
    "source_unread",
    "source_values",
    "sources",
    "touch_sources",
]

sources = Table(
    "sources",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("write_key", Text, nullable=False, unique=True),
    Column("previous_key", Text),
    Column("previous_until", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("max_event_bytes", Integer, nullable=False),
    Column("max_batch_bytes", Integer, nullable=False),
    Column("max_batch_facts", Integer, nullable=False),
    Column("facts_per_second", Integer, nullable=False),
    Column("max_quarantined", Integer, nullable=False),
    Column("burst_facts", Integer, nullable=False, server_default="0"),
    Column("megabytes_per_day", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger),
    Column("asks_signatures", Boolean, nullable=False, server_default=sa.false()),
    Column("signing_secret", LargeBinary),
)

COUNTERS = ("accepted", "duplicates", "quarantined", "dropped", "refused", "bytes")
"""New facts; facts known already; bad ones kept; bad ones not kept, or let go, as quarantine is full; facts refused by
a limit; bytes of all that was not refused."""

source_health = Table(
    "source_health",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTERS[:-1]),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Index("source_health_hour", "hour"),
)

source_unread = Table(
    "source_unread",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("source", CText, primary_key=True),
    Column("day", CText, primary_key=True),
    Column("event", CText, primary_key=True),
    Column("field", CText, primary_key=True),
    Column("facts", BigInteger, nullable=False),
    Column("example", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
"""How many facts of an event, received on a day of the shop (its date), had a field that could not be read, with the
newest of them. The row without a field counts all of the event's facts since the first of that day that had one."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_at", BigInteger),
    Column("original", LargeBinary),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Index("quarantine_once", "workspace", "source", "body_hash", unique=True),
    Index("quarantine_open", "workspace", "state", "source", "id"),
    Index("quarantine_sizes", "workspace", "source", "id", "size"),
)
"""`original` is the message as it came, where somebody has changed it since; `size` are the bytes of all of it."""


def _without_redacted(conn: Connection, rows: Sequence[QuarantineRow]) -> list[QuarantineRow]:
    rules = rules_of(conn, (row.workspace for row in rows)) if version_of(conn) else {}
    found = list(rows)
    for workspace, own in rules.items():
        for rule in own:
            cleaned = [_without(rule, row) if row.workspace == workspace else row for row in found]
            found = [row for row in cleaned if row is not None]
    return found


def _without(rule: Rule, row: QuarantineRow) -> QuarantineRow | None:
    kept = without_field(rule, row.workspace, Aside(row.source, row.received_at, row.body, row.envelope, None))
    return None if kept is None else row._replace(body=kept.body, envelope=kept.envelope)


def insert_quarantined(conn: Connection, rows: Sequence[QuarantineRow]) -> int:
    """Quarantine messages in this transaction; one that is there already is left out. Returns how many were new.

    One that names somebody erased is left out, too: nobody can tell yet whose it is, and it must not bring them back.
    A field that was redacted is taken out.
    """
    lock_shared(conn, Lock.APPENDING)  # before it is read who was erased and what redacted
    rows = _without_redacted(conn, rows)
    for workspace in {row.workspace for row in rows}:
        own = [row for row in rows if row.workspace == workspace]
        erased = names_erased(conn, workspace, [row.body for row in own])
        left_out = {own[place].id for place in erased}
        rows = [row for row in rows if row.id not in left_out]
    values = [
        {**row._asdict(), "state": "open", "settled_at": None, "size": len(row.body) + len(row.envelope)}
        for row in rows
    ]  # fmt: skip
    return insert_ignore(conn, quarantine, values, key=("workspace", "source", "body_hash"))


def new_in_each(conn: Connection, requests: Sequence[Sequence[LogRow]]) -> list[int]:
    """How many rows of each request the append just before in this transaction took; the others were known.

    A row is taken as new where the log holds it with this very receipt, under its id or one of its source's.
    """
    stored: dict[tuple[int, str], tuple[str, int]] = {}
    secret = ids_secret(conn)
    for workspace in {row.workspace for rows in requests for row in rows}:
        here = [row for rows in requests for row in rows if row.workspace == workspace]
        asked = {*(row.message_id for row in here), *(id_under_source(row, secret) for row in here)}
        query = sa.select(facts.c.message_id, facts.c.source, facts.c.received_at)
        for row in select_among(conn, query, workspace, facts.c.message_id, asked):
            stored[workspace, row.message_id] = (row.source, row.received_at)
    return [sum(_is_new(stored, row, secret) for row in rows) for rows in requests]


def bytes_since(conn: Connection, since: int) -> dict[tuple[int, str], int]:
    """What each (workspace, source) has sent in the hours since a moment."""
    h = source_health.c
    query = sa.select(h.workspace, h.source, sa.func.sum(h.bytes)).where(h.hour >= since - since % HOUR)
    return {(ws, source): int(sum_) for ws, source, sum_ in conn.execute(query.group_by(h.workspace, h.source))}


def refused_since(conn: Connection, workspace: WorkspaceId, since: int, *, counter: str = "refused") -> dict[str, int]:
    """How many facts of each source its limits refused in the hours since a moment; those with none are missing.

    By another counter that one, such as `dropped`.
    """
    h = source_health.c
    query = (
        sa.select(h.source, sa.func.sum(h[counter]))
        .where(h.workspace == workspace, h.hour >= since - since % HOUR, h[counter] > 0)
        .group_by(h.source)
        .order_by(h.source)
    )
    return {source: int(number) for source, number in conn.execute(query)}


def _is_new(stored: dict[tuple[int, str], tuple[str, int]], row: LogRow, secret: bytes) -> bool:
    """Whether the log holds a row with its receipt; each that it holds is counted once."""
    for ident in (row.message_id, id_under_source(row, secret)):
        if stored.get((row.workspace, ident)) == (row.source, row.received_at):
            del stored[row.workspace, ident]
            return True
    return False


def count_open(conn: Connection) -> dict[tuple[int, str], int]:
    """Open quarantine rows of each (workspace, source)."""
    query = (
        sa.select(quarantine.c.workspace, quarantine.c.source, sa.func.count())
        .where(quarantine.c.state == "open")
        .group_by(quarantine.c.workspace, quarantine.c.source)
    )
    return {(workspace, source): number for workspace, source, number in conn.execute(query)}


def all_source_rows(conn: Connection) -> list[sa.Row[Any]]:
    """Every source of every workspace, oldest first."""
    return list(conn.execute(sa.select(sources).order_by(sources.c.created_at, sources.c.id)))


def source_values(source: Source) -> dict[str, Any]:
    """The row of a source."""
    return {
        "workspace": source.workspace,
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "write_key": source.write_key,
        "previous_key": source.previous_key,
        "previous_until": source.previous_until,
        "enabled": source.enabled,
        **{name: getattr(source.limits, name) for name in Limits.__struct_fields__},
        "created_at": source.created_at,
        "last_seen_at": source.last_seen_at,
        "asks_signatures": source.asks_signatures,
    }


def add_health(conn: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Add counts to the hours they belong to; each row has workspace, source, hour and all COUNTERS."""
    increments = {name: f"source_health.{name} + excluded.{name}" for name in COUNTERS}
    upsert(conn, source_health, list(rows), key=("workspace", "source", "hour"), update=increments)


def touch_sources(conn: Connection, seen: dict[tuple[int, str], int]) -> None:
    """Record when these sources were last heard of."""
    for (workspace, source), at in seen.items():
        conn.execute(
            sources.update()
            .where(sources.c.workspace == workspace, sources.c.id == source)
            .where(sa.or_(sources.c.last_seen_at.is_(None), sources.c.last_seen_at < at))
            .values(last_seen_at=at)
        )


def health_since(conn: Connection, workspace: WorkspaceId, *, since: int) -> list[sa.Row[Any]]:
    """Hourly counts of all sources of a workspace since a moment, oldest first."""
    return list(
        conn.execute(
            sa.select(source_health)
            .where(source_health.c.workspace == workspace, source_health.c.hour >= since - since % HOUR)
            .order_by(source_health.c.hour, source_health.c.source)
        )
    )
