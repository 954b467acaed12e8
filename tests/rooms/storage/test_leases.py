"""Buckets are shared among the workers that live, and a cursor moves for its holder alone."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rapport.kernel.clock import SECOND
from rapport.kernel.identifiers import BUCKETS
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.leases import LEASE, LeaseLost, Leases


def test_a_lone_worker_holds_everything(db: Database) -> None:
    alone = Leases(db, "one")
    assert alone.maintain()
    assert sorted(alone.cursors) == list(range(BUCKETS))
    assert not alone.maintain(), "nothing changed the second time"


def test_workers_share_equally_and_never_overlap(db: Database) -> None:
    everyone = [Leases(db, f"worker {n}") for n in range(4)]
    for _ in range(3):
        for worker in everyone:
            worker.maintain()
    held = [bucket for worker in everyone for bucket in worker.cursors]
    assert sorted(held) == list(range(BUCKETS))
    assert {len(worker.cursors) for worker in everyone} == {BUCKETS // 4}


def test_the_buckets_of_a_silent_worker_are_taken_over_where_it_stopped(db: Database) -> None:
    dead, heir = Leases(db, "dead"), Leases(db, "heir")
    dead.maintain()
    with db.write() as conn:
        leases.move_cursors(conn, "dead", {3: 41})
        conn.execute(leases.buckets.update().values(lease_until=1))
        conn.execute(leases.workers.update().values(seen_at=sa.literal(db.now_us(conn) - 2 * LEASE)))
    heir.maintain()
    assert len(heir.cursors) == BUCKETS
    assert heir.cursors[3] == 41
    with pytest.raises(LeaseLost), db.write() as conn:
        leases.move_cursors(conn, "dead", {3: 99})
    with db.read() as conn:
        assert conn.execute(sa.select(leases.buckets.c.cursor).where(leases.buckets.c.bucket == 3)).scalar_one() == 41


def test_a_clock_that_was_set_back_after_a_crash_keeps_no_bucket(db: Database) -> None:
    dead, heir = Leases(db, "dead"), Leases(db, "heir")
    dead.maintain()
    with db.write() as conn:
        ahead = db.now_us(conn) + 3600 * SECOND
        conn.execute(leases.buckets.update().values(lease_until=ahead))
        conn.execute(leases.workers.update().values(seen_at=ahead))
    heir.maintain()
    assert len(heir.cursors) == BUCKETS
    with db.read() as conn:
        assert [row.id for row in conn.execute(sa.select(leases.workers))] == ["heir"]
    with pytest.raises(LeaseLost), db.write() as conn:
        leases.move_cursors(conn, "dead", {3: 99})


def test_progress_is_that_of_the_slowest_bucket(db: Database) -> None:
    worker = Leases(db, "one")
    worker.maintain()
    with db.write() as conn:
        leases.move_cursors(conn, "one", {bucket: 10 + bucket for bucket in range(BUCKETS)})
    with db.read() as conn:
        assert leases.progress(conn) == 10


def test_an_orderly_stop_frees_the_buckets_at_once(db: Database) -> None:
    first, second = Leases(db, "first"), Leases(db, "second")
    first.maintain()
    first.release()
    second.maintain()
    assert len(second.cursors) == BUCKETS
