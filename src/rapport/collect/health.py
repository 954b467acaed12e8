"""How each source is doing: counted in memory by the endpoints, added to `source_health` every few seconds."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict

import msgspec
from sqlalchemy import Connection

from rapport.collect.model import Source
from rapport.collect.store import COUNTERS, add_health, health_since, touch_sources
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.outage import going_on

__all__ = ["Health", "HealthCounts", "health_of_sources"]


class HealthCounts(msgspec.Struct, kw_only=True):
    """What came from one source in a time: see COUNTERS in `store`."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    dropped: int = 0
    refused: int = 0
    bytes: int = 0


class Health:
    """Counts of this process that the database does not have yet."""

    def __init__(self, db: Database, *, flush_seconds: float = 3.0) -> None:
        self._db = db
        self._flush_seconds = flush_seconds
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, str, int], dict[str, int]] = {}
        self._seen: dict[tuple[int, str], int] = {}

    def count(self, source: Source, *, now: int, **numbers: int) -> None:
        """Add to the counters of a source (names of COUNTERS)."""
        key = (source.workspace, source.id, now - now % HOUR)
        with self._lock:
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = dict.fromkeys(COUNTERS, 0)
            for name, number in numbers.items():
                counts[name] += number
            self._seen[key[:2]] = now

    def flush(self) -> None:
        """Write what was counted since the last flush; if that fails it is kept for the next."""
        with self._lock:
            counts, self._counts = self._counts, {}
            seen, self._seen = self._seen, {}
        if not seen:
            return
        rows = [
            {"workspace": workspace, "source": source, "hour": hour, **numbers}
            for (workspace, source, hour), numbers in counts.items()
        ]
        is_written = False
        with going_on("the sources' counters were written"):
            with self._db.write() as conn:
                add_health(conn, rows)
                touch_sources(conn, seen)
            is_written = True
        if not is_written:
            self._put_back(counts, seen)

    async def keep_flushing(self) -> None:
        """Flush every few seconds until cancelled."""
        while True:
            await asyncio.sleep(self._flush_seconds)
            await asyncio.to_thread(self.flush)

    def _put_back(self, counts: dict[tuple[int, str, int], dict[str, int]], seen: dict[tuple[int, str], int]) -> None:
        with self._lock:
            for key, numbers in counts.items():
                now = self._counts.setdefault(key, dict.fromkeys(COUNTERS, 0))
                for name, number in numbers.items():
                    now[name] += number
            self._seen = {**seen, **self._seen}


def health_of_sources(
    conn: Connection, workspace: WorkspaceId, *, now: int, back: int = DAY
) -> dict[str, HealthCounts]:
    """What came from each source in the last `back` microseconds (whole hours)."""
    totals: dict[str, HealthCounts] = defaultdict(HealthCounts)
    for row in health_since(conn, workspace, since=now - back):
        total = totals[row.source]
        for name in COUNTERS:
            setattr(total, name, getattr(total, name) + getattr(row, name))
    return dict(totals)
