"""Whether the installation as a whole is well: named conditions, each with what to do about it.

`/readyz`, `/metrics` and the header of every page of the console say the same. A *grave* one means that facts cannot be
taken at the moment: then the server is not ready.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import destinations, webhooks
from rapport.act.webhooks import CHANNEL, FAILING_FROM
from rapport.kernel.clock import MINUTE, SECOND
from rapport.kernel.language import kept, noted
from rapport.storage import leases, log
from rapport.storage.engine import Database

__all__ = ["FULL_BYTES", "NAMES", "NEARLY_FULL_BYTES", "Condition", "Folding", "conditions", "is_read_only"]

FULL_BYTES = 64 * 1024 * 1024
"""With less free disk nothing more can be promised to be kept."""
NEARLY_FULL_BYTES = 1024**3
NO_WORKER = 30 * SECOND
"""A worker says each second that it lives, and one that died is started again within five."""
STALLED = 60 * SECOND
"""Facts wait for so long without one being folded."""
AHEAD = MINUTE
"""So far in the future nothing was received, unless the clock was set back since."""


class Condition(NamedTuple):
    """Something that is not as it should be."""

    name: str
    what: str
    to_do: str
    grave: bool = False


NAMES = {
    "database_read_only": "The database takes nothing.",
    "disk_full": "The disk is full.",
    "disk_nearly_full": "The disk is nearly full.",
    "no_worker": "No worker runs.",
    "folding_stalled": "Facts wait and none is folded.",
    "clock_jumped": "The clock was set back.",
    "webhooks_failing": "Webhooks fail or were switched off for failing.",
}
"""All there are, as the metrics call them."""


class Folding:
    """Whether folding moves, seen by whoever asks again and again. One for each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress = -1
        self._since = 0.0

    def stands_still(self, progress: int) -> float:
        """For how many seconds it has been where it is, as far as anybody looked."""
        with self._lock:
            if progress != self._progress:
                self._progress, self._since = progress, time.monotonic()
            return time.monotonic() - self._since


FOLDING = Folding()


def conditions(db: Database, conn: Connection, *, folding: Folding = FOLDING) -> list[Condition]:
    """What is amiss now, the grave first. Cost: some looks at indexes and one at the disk."""
    now = db.now_us(conn)
    found = [
        *_read_only(db, conn), *_disk(db.folder), *_workers(conn, now), *_stalled(conn, now, folding),
        *_clock(conn, now), *_webhooks(conn),
    ]  # fmt: skip
    return sorted(found, key=lambda one: not one.grave)


def is_read_only(db: Database, conn: Connection) -> bool:
    """Whether the database takes nothing as it is."""
    if db.path is not None:
        return not (os.access(db.path, os.W_OK) and os.access(db.path.parent, os.W_OK))
    return bool(
        conn.exec_driver_sql(
            "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'"
        ).scalar_one()
    )


def _read_only(db: Database, conn: Connection) -> list[Condition]:
    if not is_read_only(db, conn):
        return []
    to_do = (
        f"Give the user of this process the right to write to {db.path.name} and its folder." if db.path
        else "Is it a standby, or was default_transaction_read_only switched on? Point RAPPORT_DATABASE_URL at the one"
        " that takes writes."
    )  # fmt: skip
    return [Condition("database_read_only", noted("The database takes nothing: it is read-only"), to_do, grave=True)]


def _disk(folder: Path | None) -> list[Condition]:
    if folder is None or not folder.exists():
        return []
    usage = shutil.disk_usage(folder)
    nearly = usage.free < NEARLY_FULL_BYTES and usage.free < usage.total // 10
    if usage.free >= FULL_BYTES and not nearly:
        return []
    left = f"{usage.free // 1024**2:,} of {usage.total // 1024**2:,} MB are free"
    to_do = noted("Make room on the disk of the data folder, or give it a larger one; what came in is safe.")
    if usage.free < FULL_BYTES:
        return [Condition("disk_full", f"The disk is full: {left}", to_do, grave=True)]
    return [Condition("disk_nearly_full", f"The disk is nearly full: {left}", to_do)]


def _workers(conn: Connection, now: int) -> list[Condition]:
    seen_at = leases.workers.c.seen_at
    # One seen in the future died before the clock was set back: nobody says so again.
    alive = sa.select(seen_at).where(seen_at.between(now - NO_WORKER + 1, now + NO_WORKER)).limit(1)
    if conn.execute(alive).first() is not None:
        return []
    what = noted("No worker runs: what comes in is kept, and nothing here changes")
    to_do = noted("Start the server again, or a worker beside it with “rapport worker”.")
    return [Condition("no_worker", what, to_do)]


def _stalled(conn: Connection, now: int, folding: Folding) -> list[Condition]:
    progress = leases.progress(conn)
    still = folding.stands_still(progress)
    f = log.facts.c
    waits = sa.select(f.received_at).where(f.seq > progress).order_by(f.seq).limit(1)
    received_at = conn.execute(waits).scalar()
    if received_at is None or still * SECOND < STALLED or received_at > now - STALLED:
        return []
    minutes = (now - received_at) // MINUTE
    what = kept("Facts have waited for %(minutes)s minutes, and none is folded") % {"minutes": minutes}
    to_do = noted("The worker's log says why. Ending it is safe: another is started and goes on where it stopped.")
    return [Condition("folding_stalled", what, to_do)]


def _clock(conn: Connection, now: int) -> list[Condition]:
    f = log.facts.c
    newest = conn.execute(sa.select(f.received_at).order_by(f.seq.desc()).limit(1)).scalar()
    if newest is None or newest <= now + AHEAD:
        return []
    what = f"The clock was set back: the newest fact was received {(newest - now) // MINUTE} minutes from now"
    return [Condition("clock_jumped", what, "Set the clock right, and let the machine follow a time server (NTP).")]


def _webhooks(conn: Connection) -> list[Condition]:
    w, d = webhooks.c, destinations.c
    its = (d.workspace == w.workspace) & (d.channel == CHANNEL) & (d.destination == w.id)
    failing = sa.select(sa.func.count()).select_from(webhooks.join(destinations, its))
    number = conn.execute(failing.where(w.enabled, d.failures >= FAILING_FROM)).scalar_one()
    if not number:
        return []
    what = noted("A webhook fails") if number == 1 else kept("%(number)s webhooks fail") % {"number": number}
    to_do = noted("See under Webhooks what they answer. What waits for them is tried again for five days.")
    return [Condition("webhooks_failing", what, to_do)]
