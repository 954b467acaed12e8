"""Two people who change something at the same moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from sqlalchemy import Connection

from rapport.kernel.errors import Conflict
from rapport.storage.engine import Database

__all__ = ["change_beside"]

_PATIENCE = 60.0
"""Seconds after which a test that hangs fails."""

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def change_beside(
    db: Database, first: Callable[[Connection], object], second: Callable[[Connection], object]
) -> Conflict | None:
    """Let both change something at a time; returns why the second could not, where that was a conflict.

    On PostgreSQL the second begins when the first has written and not yet committed, and the first commits once the
    second waits for it, or is through. On SQLite there is one writer: they take turns.
    """
    if db.dialect == "sqlite":
        for change in (first, second):
            with db.write() as conn:
                try:
                    change(conn)
                except Conflict as told:
                    return told
        return None

    def run() -> None:
        with db.engine.begin() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = '50s'")
            second(other)

    with ThreadPoolExecutor(1) as pool:
        with db.engine.begin() as conn:
            first(conn)
            running = pool.submit(run)
            _wait(db, running)
        error = running.exception(_PATIENCE)
    if error is None or isinstance(error, Conflict):
        return error
    raise error


def _wait(db: Database, running: Future[None]) -> None:
    """Until it waits for a lock, or is through."""
    until = time.monotonic() + _PATIENCE
    with db.engine.connect() as looking:
        while not running.done() and not looking.exec_driver_sql(_WAITING).scalar_one():
            assert time.monotonic() < until, "the second change neither waits nor ends"
            looking.rollback()
            wait([running], timeout=0.01)
