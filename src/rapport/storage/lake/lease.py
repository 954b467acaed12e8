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

from rapport.kernel.errors import Conflict
from rapport.storage.engine import Database
from rapport.storage.lake.table import Lake
from rapport.storage.locks import Lock, held_by_session

__all__ = ["alone"]


@contextmanager
def alone(db: Database, lake: Lake, *, wait: bool = True) -> Iterator[None]:
    """Be the only one who writes to the lake. Raises Conflict where somebody else does and `wait` is False."""
    on_postgresql = db.dialect == "postgresql"
    lease = held_by_session(db.engine, Lock.LAKE, wait=wait) if on_postgresql else _on_disk(lake, wait=wait)
    with lease as held:
        if not held:
            raise Conflict("somebody else is writing to the lake", hint="try again when that is done")
        yield


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
