"""Workers that start, die and catch up on a shop's log, for tests of what is learned from the past."""

from __future__ import annotations

from rapport.app.filling import FILLING
from rapport.app.pipeline import Pipeline
from rapport.app.worker import Worker
from rapport.compose.installed import Installed
from rapport.storage import leases, log
from tests.shop import Shop

__all__ = ["finish", "kill_workers", "newest", "worker"]


def worker(shop: Shop, slices: Installed, *, at_once: int = 1_000) -> Worker:
    """A new one; whoever worked before was killed, and its leases have run out."""
    kill_workers(shop)
    return Worker(Pipeline(shop.db, slices=slices), filled_at_once=at_once)


def kill_workers(shop: Shop) -> None:
    """Whoever worked is gone, and the leases have run out."""
    with shop.db.write() as conn:
        leases.ensure_buckets(conn)
        conn.execute(leases.buckets.update().values(lease_until=0))
        conn.execute(leases.workers.delete())


def finish(shop: Shop, working: Worker) -> None:
    """Fold all there is, and learn all that was missed."""
    working.step()
    while not working.reached(newest(shop)) or working.run_job(FILLING):
        working.step()


def newest(shop: Shop) -> int:
    """The number of the newest fact."""
    with shop.db.read() as conn:
        return log.newest_seq(conn)
