"""The lake's one lease: whoever writes to it (archiver, compaction, erasure) is alone while it does.

A vacuum would take away what an append has written and not committed yet, and two archivers would archive twice. The
lease is a lock that dies with its holder: a session's advisory lock on PostgreSQL, whose machines share one, and a lock
on a file beside a SQLite database.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from rapport.kernel.errors import Conflict
from rapport.storage.engine import Database
from rapport.storage.lake.table import Lake
from rapport.storage.locks import Lock

__all__ = ["alone"]


@contextmanager
def alone(db: Database, lake: Lake, *, wait: bool = True) -> Iterator[None]:
    """Be the only one who writes to the lake. Raises Conflict where somebody else does and `wait` is False."""
    with _on_postgresql(db, wait=wait) if db.dialect == "postgresql" else _on_disk(lake, wait=wait) as held:
        if not held:
            raise Conflict("somebody else is writing to the lake", hint="try again when that is done")
        yield


@contextmanager
def _on_postgresql(db: Database, *, wait: bool) -> Iterator[bool]:
    """Held by the session, not by a transaction, which would keep the database from tidying for minutes."""
    key = sa.literal(int(Lock.LAKE), sa.BigInteger)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if wait:
            conn.execute(sa.select(sa.func.pg_advisory_lock(key)))
        elif not conn.execute(sa.select(sa.func.pg_try_advisory_lock(key))).scalar():
            yield False
            return
        try:
            yield True
        finally:
            conn.execute(sa.select(sa.func.pg_advisory_unlock(key)))


@contextmanager
def _on_disk(lake: Lake, *, wait: bool) -> Iterator[bool]:
    lake.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(lake.folder / "lease", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)
