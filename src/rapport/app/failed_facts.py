"""Facts whose handling failed: kept with their error, shown in the console, replayed when a person says so."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, SmallInteger, Table, Text

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import metadata
from rapport.storage.log import StoredRow

__all__ = ["ask_replay", "count", "erase", "failed_facts", "listing", "put", "remove", "seqs", "to_replay"]

failed_facts = Table(
    "failed_facts",
    metadata,
    Column("workspace", Integer, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("failed_facts_state", "state", "bucket"),
)


def put(conn: Connection, row: StoredRow, error: Exception, *, at: int) -> None:
    """Keep the fact with what went wrong. The trace names code, never the fact's values."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    trace = "\n".join(f"{frame.filename.rpartition('/src/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    entry = {
        "workspace": row.workspace, "seq": row.seq, "bucket": row.bucket, "message_id": row.message_id,
        "error": type(error).__name__, "trace": trace, "state": "open", "at": at, "tries": 1,
    }  # fmt: skip
    changes = {
        "error": "excluded.error", "trace": "excluded.trace", "state": "excluded.state", "at": "excluded.at",
        "tries": "failed_facts.tries + 1",
    }  # fmt: skip
    upsert(conn, failed_facts, [entry], key=("workspace", "seq"), update=changes)


def listing(conn: Connection, workspace: WorkspaceId, *, limit: int = 100) -> Sequence[sa.Row[tuple[object, ...]]]:
    """The newest of a shop."""
    query = sa.select(failed_facts).where(failed_facts.c.workspace == workspace)
    return conn.execute(query.order_by(failed_facts.c.seq.desc()).limit(limit)).all()


def count(conn: Connection, workspace: WorkspaceId) -> int:
    """How many there are in a shop."""
    query = sa.select(sa.func.count()).select_from(failed_facts).where(failed_facts.c.workspace == workspace)
    return int(conn.execute(query).scalar_one())


def ask_replay(conn: Connection, workspace: WorkspaceId, *, seq: int | None = None) -> int:
    """Have the worker handle this fact (all of the shop's where None) again. Returns how many."""
    query = failed_facts.update().where(failed_facts.c.workspace == workspace).values(state="replay")
    if seq is not None:
        query = query.where(failed_facts.c.seq == seq)
    return conn.execute(query).rowcount


def seqs(conn: Connection, buckets: Sequence[int]) -> set[int]:
    """Which facts of these buckets wait here."""
    return set(conn.execute(sa.select(failed_facts.c.seq).where(failed_facts.c.bucket.in_(buckets))).scalars())


def to_replay(conn: Connection, buckets: Sequence[int], *, limit: int) -> list[StoredRow]:
    """The facts of these buckets that wait for a replay, oldest first."""
    waiting = sa.select(failed_facts.c.seq).where(failed_facts.c.state == "replay", failed_facts.c.bucket.in_(buckets))
    seqs = conn.execute(waiting.order_by(failed_facts.c.seq).limit(limit)).scalars().all()
    if not seqs:
        return []
    query = sa.select(log.facts).where(log.facts.c.seq.in_(seqs)).order_by(log.facts.c.seq)
    return [StoredRow._make(row) for row in conn.execute(query)]


def erase(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Forget those of a person, while their facts are still in the log."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(log.facts.c.seq).where(log.facts.c.workspace == workspace, log.facts.c.strand.in_(some))
        query = failed_facts.delete().where(failed_facts.c.workspace == workspace, failed_facts.c.seq.in_(theirs))
        gone += conn.execute(query).rowcount
    return gone


def remove(conn: Connection, row: StoredRow) -> None:
    """The fact has been handled."""
    conn.execute(failed_facts.delete().where(failed_facts.c.workspace == row.workspace, failed_facts.c.seq == row.seq))
