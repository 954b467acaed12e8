"""The worker: reads the log, resolves, folds, lets slices handle their facts — one transaction a batch.

A batch's effects and the move of the cursors past it are one commit, so every fact has its effect exactly once,
whatever is killed. A batch that fails is halved until the one fact that cannot be handled stands alone; that one is set
aside with its error and its neighbours go on.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError, OperationalError

from rapport.act import timers
from rapport.app import setaside
from rapport.app.pipeline import Pipeline
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import new_id
from rapport.kernel.memory import resident_bytes
from rapport.remember import customers
from rapport.storage import leases, log
from rapport.storage.engine import ChangeWatch, Database
from rapport.storage.leases import LeaseLost, Leases
from rapport.storage.log import Horizon, StoredRow

__all__ = ["Worker", "drain"]

_logger = logging.getLogger(__name__)

IDLE_SECONDS = (0.01, 0.05)
"""Pause between looks at an empty log: the first while facts have just come, the second when it is quiet."""
REFRESH_SECONDS = 0.4
"""Pause between two rounds of bringing customers' summaries up to date; while the log is behind, at least eight times
as long as the last round took, so that folding keeps most of the time."""
REFRESH_ROWS = 60
"""Summaries written in one transaction; few, because whoever appends waits for it."""
FIRE_AT_ONCE = 10
"""Timers run in one transaction; few, because whoever appends waits for it."""
FIRE_SECONDS = (1.0, 0.2)
"""Pause before due timers are looked for again: usually, and while many are waiting."""
EXPIRE_AT_ONCE = 20
"""Pieces of evidence that are let go in one transaction."""
EXPIRE_SECONDS = (30.0, 0.2)
"""Pause before evidence that is too old is looked for again: usually, and while there is more."""
LINK_AT_ONCE = 10
"""Records scored against a learned model in one transaction, some milliseconds each."""
LINK_LOADED = 50
"""Records loaded into the index at a time, about a millisecond each."""
LINK_SECONDS = (0.5, 0.05)
"""Least pause before the next few records are scored: usually, and while many are waiting."""
TRIES = 3
"""How often a single failing fact is tried before it is set aside."""


class _Chore:
    """What a worker does beside folding, again and again; each time it says in how many seconds next."""

    def __init__(self, run: Callable[[], float]) -> None:
        self._run = run
        self._next = 0.0

    def turn(self) -> None:
        """Run it if it is time."""
        if time.monotonic() > self._next:
            pause = self._run()
            self._next = time.monotonic() + pause


class Worker:
    """Folds the buckets it has leased. One per process; not thread-safe."""

    def __init__(self, pipeline: Pipeline, *, batch: int = 5_000) -> None:
        self.pipeline = pipeline
        self.folded = 0
        """Facts folded since start."""
        self._db = pipeline.db
        self._batch = batch
        self._leases = Leases(pipeline.db, new_id("wrk"))
        self._horizon = Horizon()
        self._pending_cursors = False
        self._watch = ChangeWatch(pipeline.db)
        self._caught_up = False
        self._reached = 0
        self._last_tick = 0.0
        self._last_work = 0.0
        self._chores = [_Chore(self._fire), _Chore(self._expire), _Chore(self._link), _Chore(self._summarise)]

    def run(self, stop: threading.Event, *, parent: int | None = None) -> None:
        """Work until `stop` is set, or until the process `parent` is no longer ours."""
        while not stop.is_set() and (parent is None or os.getppid() == parent):
            try:
                busy = self.step()
            except LeaseLost as lost:
                _logger.warning("leases lost: %s", lost.message)
                self._forget()
                continue
            except OperationalError:
                _logger.exception("the database does not answer; trying again in a second")
                self._forget()
                stop.wait(1.0)
                continue
            if not busy:
                quiet = time.monotonic() - self._last_work > 2.0
                stop.wait(IDLE_SECONDS[quiet])
        self.close()

    def close(self) -> None:
        """Hand the leases back."""
        self._leases.release()
        self._watch.close()

    def step(self) -> bool:
        """Keep the leases, fold one batch if there is one, fire what is due. True where a batch was folded."""
        now = time.monotonic()
        if now - self._last_tick > 1.0:
            self._tick()
            self._last_tick = now
        rows, cursors = self._read() if self._watch.changed() or not self._caught_up else ([], {})
        self._caught_up = len(rows) < self._batch
        if rows:
            self._process(rows, cursors)
            self._last_work = time.monotonic()
        for chore in self._chores:
            chore.turn()
        return bool(rows)

    def reached(self, seq: int) -> bool:
        """True where every fact up to `seq` is folded, by this worker or another."""
        self._store_cursors()
        with self._db.read() as conn:
            return leases.progress(conn) >= seq

    def fresh(self) -> bool:
        """Bring some summaries up to date; True where few were left to do."""
        return self._refresh() < REFRESH_ROWS

    # -- leases and clocks

    def _tick(self) -> None:
        self._store_cursors()
        if self._leases.maintain(facts=self.folded, rss_bytes=resident_bytes()):
            self._forget(keep_leases=True)
        self.pipeline.follow_settings()
        self._replay()

    def _store_cursors(self) -> None:
        if self._pending_cursors:
            with self._db.write() as conn:
                leases.move_cursors(conn, self._leases.owner, self._leases.cursors)
            self._pending_cursors = False

    def _forget(self, *, keep_leases: bool = False) -> None:
        self.pipeline.forget_all()
        if not keep_leases:
            self.pipeline.stop_linking()
            self._leases.cursors = {}
            self._last_tick = 0.0
            self._pending_cursors = False

    # -- the log

    def _read(self) -> tuple[list[StoredRow], dict[int, int]]:
        """The next batch of the buckets that are furthest behind, and where their cursors stand after it."""
        held = self._leases.cursors
        if not held:
            return [], {}
        with self._db.read() as conn:
            horizon = self._horizon.advance(conn)
        first = min(held.values())
        if first >= horizon:
            return [], {}
        group = [bucket for bucket, cursor in held.items() if cursor == first]
        upto = min([horizon, *(cursor for cursor in held.values() if cursor > first)])
        everything = len(group) == BUCKETS
        with self._db.read() as conn:
            rows = log.read_after(
                conn, after=first, upto=upto, buckets=None if everything else group, limit=self._batch
            )
        after = rows[-1].seq if len(rows) == self._batch else upto
        cursors = dict.fromkeys(group, after)
        if not rows:
            held.update(cursors)
            self._pending_cursors = True
            return self._read() if upto < horizon else ([], {})
        return rows, cursors

    def _process(self, rows: Sequence[StoredRow], cursors: dict[int, int]) -> None:
        """Commit a batch, or halve it until the failing fact stands alone."""
        for attempt in range(TRIES if len(rows) == 1 else 1):
            try:
                self._commit(rows, cursors)
                return
            except (LeaseLost, OperationalError):
                self.pipeline.abandon()
                raise
            except Exception as error:  # noqa: BLE001 - whatever a fact makes the code raise
                self.pipeline.abandon()
                if len(rows) == 1 and attempt == TRIES - 1:
                    self._set_aside(rows[0], cursors, error)
                    return
        half = len(rows) // 2
        if half:
            self._process(rows[:half], dict.fromkeys(cursors, rows[half - 1].seq))
            self._process(rows[half:], cursors)

    def _commit(self, rows: Sequence[StoredRow], cursors: dict[int, int]) -> None:
        with self._db.read() as conn:
            self.pipeline.handle(conn, rows)
        with self._db.write() as conn:
            self.pipeline.flush(conn)
            leases.move_cursors(conn, self._leases.owner, cursors)
        self.pipeline.committed()
        self._leases.cursors.update(cursors)
        self._reached = rows[-1].received_at
        self.folded += len(rows)

    def _set_aside(self, row: StoredRow, cursors: dict[int, int], error: Exception) -> None:
        _logger.error(
            "fact %s set aside: %s", row.seq, type(error).__name__, exc_info=not isinstance(error, DBAPIError)
        )
        with self._db.write() as conn:
            setaside.put(conn, row, error, at=self._db.now_us(conn))
            leases.move_cursors(conn, self._leases.owner, cursors)
        self._leases.cursors.update(cursors)

    def _replay(self) -> None:
        """Handle again what a person asked to be replayed."""
        held = list(self._leases.cursors)
        with self._db.read() as conn:
            rows = setaside.to_replay(conn, held, limit=200)
        for row in rows:
            try:
                with self._db.read() as conn:
                    self.pipeline.handle(conn, [row])
                with self._db.write() as conn:
                    self.pipeline.flush(conn)
                    leases.move_cursors(conn, self._leases.owner, {row.bucket: self._leases.cursors[row.bucket]})
                    setaside.remove(conn, row)
                self.pipeline.committed()
            except (LeaseLost, OperationalError):
                self.pipeline.abandon()
                raise
            except Exception as error:  # noqa: BLE001 - whatever a fact makes the code raise
                self.pipeline.abandon()
                with self._db.write() as conn:
                    setaside.put(conn, row, error, at=self._db.now_us(conn))

    # -- what follows from time and from folding

    def _fire(self) -> float:
        """Run a few of the timers that are due, and say how many seconds to wait before the next few.

        While the log is behind, time is where the log is: a timer must not overtake the facts that would have
        cancelled it.
        """
        buckets = list(self._leases.cursors)
        with self._db.read() as conn:
            due_at = timers.next_due(conn, self.pipeline.slices.timers, buckets=buckets)
            now = self._db.now_us(conn) if self._caught_up else self._reached
        if due_at is None or due_at > now:
            return FIRE_SECONDS[0]
        return FIRE_SECONDS[self._fire_some(now, buckets) == FIRE_AT_ONCE]

    def _fire_some(self, now: int, buckets: list[int]) -> int:
        try:
            with self._db.write() as conn:
                fired = self.pipeline.fire(conn, now, buckets, limit=FIRE_AT_ONCE)
                leases.move_cursors(conn, self._leases.owner, self._leases.cursors)
        except BaseException:
            self.pipeline.abandon()
            raise
        return fired

    def _expire(self) -> float:
        """Let evidence that was last seen too long ago count no more, and say in how many seconds to look again."""
        if 0 not in self._leases.cursors:
            return EXPIRE_SECONDS[0]
        shops = self.pipeline.expiring()
        if not shops:
            return EXPIRE_SECONDS[0]
        with self._db.write() as conn:
            self.pipeline.expire(conn, shops[0], limit=EXPIRE_AT_ONCE)
        return EXPIRE_SECONDS[1]

    def _summarise(self) -> float:
        """`_refresh`, and how many seconds to wait before the next time."""
        started = time.monotonic()
        more = self._refresh() >= REFRESH_ROWS
        took = time.monotonic() - started
        if not self._caught_up:
            return max(REFRESH_SECONDS, 8 * took)
        return max(0.1, 4 * took) if more else REFRESH_SECONDS

    def _refresh(self) -> int:
        """Bring the customers' summaries up to date; writes only where something changed."""
        buckets = list(self._leases.cursors)
        with self._db.read() as conn:
            if not customers.pending(conn, buckets=buckets):
                return 0
        with self._db.write() as conn:
            return self.pipeline.refresh(conn, buckets, limit=REFRESH_ROWS)

    def link(self) -> bool:
        """Score a few records against a learned model, or load some of its index; True where more are waiting.

        One worker does so, the one that holds the first bucket.
        """
        if 0 not in self._leases.cursors:
            self.pipeline.stop_linking()
            return False
        due = self.pipeline.due_to_link()
        if not due:
            return False
        try:
            if self.pipeline.load_links(due[0], limit=LINK_LOADED):
                with self._db.write() as conn:
                    self.pipeline.link(conn, due[0], limit=LINK_AT_ONCE)
                    leases.move_cursors(conn, self._leases.owner, {0: self._leases.cursors[0]})
        except BaseException:
            self.pipeline.stop_linking()
            raise
        return True

    def _link(self) -> float:
        """`link`, and how many seconds to wait before the next time: its share is bounded, for others wait for it."""
        started = time.monotonic()
        try:
            more = self.link()
        except (LeaseLost, OperationalError):
            raise
        except Exception as error:  # folding goes on whatever scoring runs into
            shown = not isinstance(error, DBAPIError)
            _logger.error("scoring failed: %s; again in a minute", type(error).__name__, exc_info=shown)
            return 60.0
        done = time.monotonic()
        quiet = done - self._last_work > 2.0
        return max(LINK_SECONDS[more], (1 if quiet else 4) * (done - started))


def drain(pipeline: Pipeline, *, batch: int = 5_000, timeout_seconds: float = 3600.0) -> int:
    """Fold all that is in the log now; where other workers run, help them and wait. Returns facts folded here.

    Facts that arrive meanwhile are not waited for: beside a busy server there are always some.
    """
    worker = Worker(pipeline, batch=batch)
    deadline = time.monotonic() + timeout_seconds
    try:
        # The second time for the facts that were stated while folding the first.
        for _ in range(2):
            upto = _newest(pipeline.db)
            while time.monotonic() < deadline:
                busy = worker.step()
                if worker.reached(upto):
                    break
                if not busy:
                    time.sleep(0.02)
        while time.monotonic() < deadline and not worker.fresh():
            pass
    finally:
        worker.close()
    return worker.folded


def link_all(pipeline: Pipeline, *, timeout_seconds: float = 3600.0) -> None:
    """Score all records that are pending; where another worker does so, wait for it."""
    worker = Worker(pipeline)
    deadline = time.monotonic() + timeout_seconds
    try:
        while time.monotonic() < deadline:
            worker.step()
            if worker.link():
                continue
            if not pipeline.due_to_link():
                break
            time.sleep(0.1)
    finally:
        worker.close()


def _newest(db: Database) -> int:
    with db.read() as conn:
        # Not the horizon: it is 0 while somebody appends, and a flush that states facts of our own does.
        return log.newest_seq(conn)
