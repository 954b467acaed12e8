"""Bucket leases: which worker folds which part of the log, and how far it has come.

Every worker renews its leases each second; a lease that was not renewed for `LEASE` is anybody's. The cursor of a
bucket moves in the transaction that holds the effects of its facts, and only while the lease is held (`move_cursors`),
so a worker that slept through its lease can do nothing but start over. A time that lies further ahead than any lease
lasts was written before the clock was set back, and counts as past.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, SmallInteger, Table, Text

from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Conflict
from rapport.kernel.identifiers import BUCKETS
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import Database, metadata

__all__ = [
    "LEASE",
    "LeaseLost",
    "Leases",
    "are_alive",
    "buckets",
    "confirm",
    "ensure_buckets",
    "move_cursors",
    "progress",
    "workers",
]

LEASE = 4 * SECOND
"""How long a silent worker keeps its buckets."""

buckets = Table(
    "buckets",
    metadata,
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("cursor", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("rss_bytes", BigInteger, nullable=False),
)


class LeaseLost(Conflict):
    """Another worker took these buckets over; forget what was computed and lease anew."""

    code = "lease_lost"


def are_alive(now: int) -> sa.ColumnElement[bool]:
    """Which workers renewed their lease within its time."""
    return workers.c.seen_at.between(now - LEASE + 1, now + LEASE)


def ensure_buckets(conn: Connection) -> None:
    """Make the rows of all buckets where they are missing."""
    rows = [{"bucket": b, "cursor": 0, "owner": "", "lease_until": 0} for b in range(BUCKETS)]
    insert_ignore(conn, buckets, rows, key=("bucket",))


def move_cursors(conn: Connection, owner: str, cursors: Mapping[int, int]) -> None:
    """Record how far these buckets are folded, and renew their leases: whoever commits is alive.

    Raises LeaseLost unless `owner` holds them all.
    """
    until = _now(conn) + LEASE
    by_cursor: dict[int, list[int]] = {}
    for bucket, cursor in cursors.items():
        by_cursor.setdefault(cursor, []).append(bucket)
    for cursor, group in by_cursor.items():
        moved = conn.execute(
            buckets.update()
            .where(buckets.c.bucket.in_(group), buckets.c.owner == owner)
            .values(cursor=cursor, lease_until=until)
        ).rowcount
        if moved != len(group):
            raise LeaseLost(f"{len(group) - moved} of {len(group)} buckets are leased by another worker now")


def confirm(conn: Connection, owner: str, held: Collection[int]) -> None:
    """Make sure that `owner` holds these buckets, and goes on to until this transaction ends.

    Raises LeaseLost where another worker took one of them over.
    """
    query = sa.select(buckets.c.bucket).where(buckets.c.bucket.in_(held), buckets.c.owner == owner)
    # In the order in which `maintain` locks them, so that two never wait for each other.
    found = conn.execute(query.order_by(buckets.c.bucket).with_for_update(read=True)).all()
    if len(found) != len(held):
        raise LeaseLost(f"{len(held) - len(found)} of {len(held)} buckets are leased by another worker now")


def _now(conn: Connection) -> Any:
    """The clock of `Database.now_us`, as an expression where the server's own is asked."""
    if conn.dialect.name == "sqlite":
        return time.time_ns() // 1000
    return sa.literal_column("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint", sa.BigInteger)


def progress(conn: Connection) -> int:
    """Every fact with seq up to this number is folded."""
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.min(buckets.c.cursor), 0))).scalar_one())


class Leases:
    """This worker's share of the buckets."""

    def __init__(self, db: Database, owner: str) -> None:
        self._db = db
        self.owner = owner
        self.cursors: dict[int, int] = {}
        self._started_at = 0

    def maintain(self, *, facts: int = 0, rss_bytes: int = 0) -> bool:
        """Renew, take what is free up to a fair share, give back what is above it. True where the set changed.

        Fair is an equal part of the buckets for every worker seen within a lease's time.
        """
        with self._db.write() as conn:
            now = self._db.now_us(conn)
            self._heartbeat(conn, now, facts, rss_bytes)
            if conn.dialect.name == "postgresql":
                conn.exec_driver_sql("SELECT bucket FROM buckets ORDER BY bucket FOR UPDATE").all()
            rows = conn.execute(sa.select(buckets).order_by(buckets.c.bucket)).all()
            alive = conn.execute(sa.select(sa.func.count()).select_from(workers).where(are_alive(now))).scalar_one()
            share = -(-BUCKETS // max(1, alive))
            mine = {row.bucket: row.cursor for row in rows if row.owner == self.owner}
            held = range(now, now + 2 * LEASE)
            free = [r for r in rows if r.owner == "" or (r.owner != self.owner and r.lease_until not in held)]
            surplus = sorted(mine)[share:]
            taken = free[: max(0, share - len(mine))]
            for bucket in surplus:
                del mine[bucket]
            mine.update({row.bucket: row.cursor for row in taken})
            self._store(conn, list(mine), surplus, now)
        changed = mine.keys() != self.cursors.keys()
        self.cursors = mine
        return changed

    def release(self) -> None:
        """Give everything back (on an orderly stop), so that others need not wait for the lease to end."""
        with self._db.write() as conn:
            conn.execute(buckets.update().where(buckets.c.owner == self.owner).values(owner="", lease_until=0))
            conn.execute(workers.delete().where(workers.c.id == self.owner))
        self.cursors = {}

    def _heartbeat(self, conn: Connection, now: int, facts: int, rss_bytes: int) -> None:
        self._started_at = self._started_at or now
        row = {
            "id": self.owner, "host": socket.gethostname(), "pid": os.getpid(), "started_at": self._started_at,
            "seen_at": now, "facts": facts, "rss_bytes": rss_bytes,
        }  # fmt: skip
        upsert(conn, workers, [row], key=("id",), update=("seen_at", "facts", "rss_bytes"))
        conn.execute(workers.delete().where(sa.not_(workers.c.seen_at.between(now - 60 * LEASE, now + LEASE))))

    def _store(self, conn: Connection, mine: Sequence[int], surplus: Sequence[int], now: int) -> None:
        if surplus:
            conn.execute(buckets.update().where(buckets.c.bucket.in_(surplus)).values(owner="", lease_until=0))
        if mine:
            conn.execute(
                buckets.update().where(buckets.c.bucket.in_(mine)).values(owner=self.owner, lease_until=now + LEASE)
            )
