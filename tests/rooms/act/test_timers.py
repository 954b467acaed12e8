"""A timer fires once, at its time, with the facts' own guarantee: in the transaction, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import sqlalchemy as sa

from rapport.act import store, timers
from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Timer, Work
from rapport.storage.engine import Database
from rapport.storage.settings import Cache

SHOP = WorkspaceId(1)
NOON = 1_790_000_000_000_000
ADA, BO = b"a" * 16, b"b" * 16


class Clock:
    """Fires timers of the kind `ring` and remembers which."""

    def __init__(self, db: Database, *, poison: bytes = b"") -> None:
        self.db = db
        self.rung: list[bytes] = []
        self._poison = poison
        self.work = BatchWork(Stages([], own=()), Cache())

    def schedule(self, key: bytes, due_at: int) -> None:
        self.work.schedule(SHOP, "ring", key, due_at)
        self.flush()

    def flush(self) -> None:
        with self.db.write() as conn:
            self.work.flush(conn, now=NOON)

    def run(self, now: int, *, buckets: Sequence[int] | None = None) -> int:
        with self.db.write() as conn:
            fired = timers.run_due(conn, now, {"ring": self._ring}, self.work, buckets=buckets)
            self.work.flush(conn, now=now)
        return fired

    def waiting(self) -> list[sa.Row[tuple[object, ...]]]:
        with self.db.read() as conn:
            return list(conn.execute(sa.select(store.timers).order_by(store.timers.c.key)))

    def _ring(self, conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
        for timer in due:
            work.schedule(SHOP, "echo", timer.key, now + DAY)
            if timer.key == self._poison:
                conn.execute(sa.text("SELECT * FROM no_such_table"))
        self.rung.extend(timer.key for timer in due)


def test_it_fires_when_due_and_never_again(any_db: Database) -> None:
    db = any_db
    clock = Clock(db)
    clock.schedule(ADA, NOON + HOUR)
    assert clock.run(NOON + HOUR - 1) == 0
    assert clock.run(NOON + HOUR) == 1
    assert clock.run(NOON + DAY) == 0
    assert clock.rung == [ADA]


def test_the_latest_schedule_counts_and_a_cancelled_one_does_not(any_db: Database) -> None:
    db = any_db
    clock = Clock(db)
    clock.work.schedule(SHOP, "ring", ADA, NOON)
    clock.work.schedule(SHOP, "ring", ADA, NOON + HOUR)
    clock.work.schedule(SHOP, "ring", BO, NOON)
    clock.work.cancel(SHOP, "ring", BO)
    clock.flush()
    clock.schedule(ADA, NOON + 2 * HOUR)
    assert clock.run(NOON + HOUR) == 0
    assert clock.run(NOON + 2 * HOUR) == 1
    assert clock.rung == [ADA]


def test_what_a_rolled_back_transaction_fired_fires_again(db: Database) -> None:
    clock = Clock(db)
    clock.schedule(ADA, NOON)
    with suppress(RuntimeError), db.write() as conn:
        timers.run_due(conn, NOON, {"ring": clock._ring}, clock.work)
        raise RuntimeError("killed")
    clock.work.abandon()
    assert clock.run(NOON) == 1
    assert [row.kind for row in clock.waiting()] == ["echo"]


def test_only_timers_of_the_buckets_held_fire(db: Database) -> None:
    clock = Clock(db)
    clock.schedule(ADA, NOON)
    other = (ADA[0] + 1) % 64
    assert clock.run(NOON, buckets=[other]) == 0
    assert clock.run(NOON, buckets=[ADA[0] % 64]) == 1


def test_a_failing_timer_waits_alone_and_its_neighbour_fires(any_db: Database) -> None:
    db = any_db
    clock = Clock(db, poison=ADA)
    clock.schedule(ADA, NOON)
    clock.schedule(BO, NOON)
    clock.run(NOON)
    assert clock.rung == [BO]
    poisoned = next(row for row in clock.waiting() if row.key == ADA)
    assert (poisoned.kind, poisoned.failures, poisoned.due_at) == ("ring", 1, NOON + MINUTE)
    clock.run(NOON + MINUTE)
    poisoned = next(row for row in clock.waiting() if row.key == ADA)
    assert (poisoned.failures, poisoned.due_at) == (2, NOON + 3 * MINUTE)
    assert [row.kind for row in clock.waiting() if row.key == ADA] == ["ring"], (
        "what the failing handler wanted is undone"
    )


def test_a_kind_without_a_slice_stays(db: Database) -> None:
    clock = Clock(db)
    clock.work.schedule(SHOP, "gone", ADA, NOON)
    clock.flush()
    assert clock.run(NOON + DAY) == 0
    assert len(clock.waiting()) == 1


def test_next_due_is_the_earliest(any_db: Database) -> None:
    db = any_db
    clock = Clock(db)
    with db.read() as conn:
        assert timers.next_due(conn, ["ring"]) is None
    clock.schedule(ADA, NOON + HOUR)
    clock.schedule(BO, NOON + MINUTE)
    with db.read() as conn:
        assert timers.next_due(conn, ["ring"]) == NOON + MINUTE
        assert timers.next_due(conn, ["ring"], buckets=[ADA[0] % 64]) == NOON + HOUR
        assert timers.pending(conn, SHOP, "ring", [ADA, Key(b"c" * 16)]) == {ADA}


def test_a_kind_without_a_slice_is_never_the_next_to_be_due(any_db: Database) -> None:
    """Or the worker would find something due each time it looks, and open a transaction for nothing."""
    db = any_db
    clock = Clock(db)
    clock.work.schedule(SHOP, "gone", ADA, NOON)
    clock.work.schedule(SHOP, "echo", ADA, NOON + HOUR)
    clock.schedule(ADA, NOON + DAY)
    with db.read() as conn:
        assert timers.next_due(conn, []) is None
        assert timers.next_due(conn, ["ring"]) == NOON + DAY
        assert timers.next_due(conn, ["ring", "echo"]) == NOON + HOUR


def test_a_kind_with_much_to_do_does_not_keep_another_waiting(any_db: Database) -> None:
    """Whichever kind it is of, the earliest timer fires first."""
    db = any_db
    clock = Clock(db)
    for n in range(20):
        clock.work.schedule(SHOP, "another", bytes([n]) * 16, NOON + n)
    clock.schedule(ADA, NOON + 5)

    def ring(conn: Connection, work: Work, due: Sequence[Timer], now: int) -> None:
        clock.rung.extend(timer.key for timer in due)

    with db.write() as conn:
        fired = timers.run_due(conn, NOON + HOUR, {"another": ring, "ring": ring}, clock.work, limit=7)
    assert fired == 7
    assert sorted(clock.rung) == sorted([ADA, *(bytes([n]) * 16 for n in range(6))])


def test_a_failing_fact_takes_its_effects_with_it(db: Database) -> None:
    clock = Clock(db)
    clock.work.schedule(SHOP, "ring", ADA, NOON)
    mark = clock.work.mark()
    clock.work.schedule(SHOP, "ring", BO, NOON)
    clock.work.rollback(mark)
    clock.flush()
    assert [row.key for row in clock.waiting()] == [ADA]
