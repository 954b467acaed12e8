"""What the machine allows at most: rows a second into the log table alone."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.installation import Installation, database
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate

__all__ = ["append_limit"]

ROWS = 60_000
"""How many rows are appended; a shorter log is appended several times."""


def append_limit(running: Installation, engine: str) -> float:
    """Rows a second of the same facts into an empty log of the same engine, 1,000 a commit."""
    source = Database.open(running.database_url or f"sqlite:///{running.data / 'rapport.db'}")
    with source.read() as conn:
        stored = log.read_after(conn, after=0, upto=1 << 60, buckets=None, limit=ROWS)
    source.close()
    rows = [log.LogRow(*row[1:]) for row in stored]
    rounds = max(1, ROWS // len(rows))
    return len(rows) * rounds / sum(_append(engine, rows) for _ in range(rounds))


def _append(engine: str, rows: list[log.LogRow]) -> float:
    with tempfile.TemporaryDirectory() as folder, database(engine) as fresh:
        target = Database.open(fresh or f"sqlite:///{Path(folder) / 'limit.db'}")
        migrate(target)
        started = time.perf_counter()
        for first in range(0, len(rows), 1_000):
            with target.write() as conn:
                log.append(conn, rows[first : first + 1_000])
        elapsed = time.perf_counter() - started
        target.close()
    return elapsed
