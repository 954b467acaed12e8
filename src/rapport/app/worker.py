"""The worker: reads the log, resolves, folds, lets slices handle their facts — one transaction a batch; jobs between.

A batch's effects and the move of the cursors past it are one commit, so every fact has its effect exactly once,
whatever is killed. A batch that fails is halved until the one fact that cannot be handled stands alone; that one is set
aside with its error and its neighbours go on.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence

from sqlalchemy.exc import DBAPIError

from rapport.act import job_reports
from rapport.act.job_reports import NOBODY, JobState
from rapport.act.job_runner import JobRunner
from rapport.act.jobs import Job, Moment
from rapport.app import failed_facts
from rapport.app.filling import FILLING, filling
from rapport.app.pace import Pace
from rapport.app.pipeline import Pipeline
from rapport.app.redacting import redacting
from rapport.app.secret_keeping import sealing
from rapport.app.undoing import FORGETTING, undoing
from rapport.compose.answering import answering
from rapport.compose.erasing import erasing
from rapport.compose.retention import retention
from rapport.compose.upkeep import LINKING, SUMMARIES
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import new_id
from rapport.kernel.memory import resident_bytes
from rapport.kernel.tracing import span
from rapport.remember import backfill
from rapport.remember.backfill import TraitStatus
from rapport.storage import leases, log
from rapport.storage.engine import ChangeWatch, Database
from rapport.storage.leases import LeaseLost, Leases
from rapport.storage.log import Horizon, StoredRow
from rapport.storage.outage import OUTAGE, is_outage

__all__ = ["Worker", "drain", "fill_all", "jobs_of", "link_all", "run_job_now"]

_logger = logging.getLogger(__name__)

IDLE_SECONDS = (0.01, 0.05)
"""Pause between looks at an empty log: the first while facts have just come, the second when it is quiet."""
HELD_BACK_SECONDS = 0.002
"""The same while the log is held back by somebody who commits at this moment: what they append is already there."""
HELD_BACK_LOOKS = 20
"""So often in a row; whoever appends for longer (an import) is waited for as usual."""
QUIET_SECONDS = 2.0
"""It is quiet when no fact came for so long."""
TRIES = 3
"""How often a single failing fact is tried before it is left to a person."""


class Worker:
    """Folds the buckets it has leased. One per process; not thread-safe."""

    def __init__(self, pipeline: Pipeline, *, batch: int = 5_000, filled_at_once: int = 1_000) -> None:
        self.pipeline = pipeline
        self.name = new_id("wrk")
        """How the leases and the jobs call it."""
        self.folded = 0
        """Facts folded since start."""
        self._db = pipeline.db
        self._pace = Pace(batch)
        self._leases = Leases(pipeline.db, self.name)
        self._horizon = Horizon()
        self._held_back = 0
        self._pending_cursors = False
        self._watch = ChangeWatch(pipeline.db)
        self._caught_up = False
        self._reached = 0
        self._last_tick = 0.0
        self._last_work = 0.0
        self._ends: Callable[[], bool] = lambda: False
        self._jobs = JobRunner(
            self._db, jobs_of(pipeline, filled_at_once=filled_at_once), owner=self.name
        )  # fmt: skip

    def run(self, stop: threading.Event, *, parent: int | None = None) -> None:
        """Work until `stop` is set, or until the process `parent` is no longer ours."""
        self._ends = stop.is_set
        while not stop.is_set() and (parent is None or os.getppid() == parent):
            try:
                busy = self.step()
            except LeaseLost as lost:
                self._give_up(lost)
                continue
            except DBAPIError as error:
                if not is_outage(error):
                    raise
                OUTAGE.note(error, doing="folding")
                self._forget()
                stop.wait(1.0)
                continue
            OUTAGE.over()
            if not busy:
                stop.wait(self._pause())
        self.close()

    def _pause(self) -> float:
        """Seconds until the next look at a log in which nothing was found."""
        self._held_back = self._held_back + 1 if self._horizon.is_held_back else 0
        return HELD_BACK_SECONDS if 0 < self._held_back <= HELD_BACK_LOOKS else IDLE_SECONDS[self._is_quiet()]

    def close(self) -> None:
        """Hand the leases back."""
        self._leases.release()
        self._watch.close()

    def step(self) -> bool:
        """Keep the leases, fold one batch if there is one, do what jobs are due. True where a batch was folded."""
        now = time.monotonic()
        if now - self._last_tick > 1.0:
            self._tick()
            self._last_tick = now
        limit = self._pace.batch
        rows, cursors = self._read(limit) if self._watch.changed() or not self._caught_up else ([], {})
        self._caught_up = len(rows) < limit
        if rows:
            self._process(rows, cursors)
            self._last_work = time.monotonic()
        self._jobs.look(self._moment(), ends=self._ends)
        return bool(rows)

    def help(self) -> bool:
        """`step` beside other workers; False where there is nothing to do here until they, or more facts, come.

        What a worker held whose leases were taken over, since it was too slow, is left to whoever has them now.
        """
        try:
            return self.step()
        except LeaseLost as lost:
            self._give_up(lost)
            return False

    def reached(self, seq: int) -> bool:
        """True where every fact up to `seq` is folded, by this worker or another."""
        try:
            self._store_cursors()
        except LeaseLost as lost:
            self._give_up(lost)
        with self._db.read() as conn:
            return leases.progress(conn) >= seq

    def run_job(self, name: str) -> bool:
        """Do a turn of a job now, if it is due and this worker's to do; True where more is waiting here.

        Where the leases were taken over meanwhile, the job is left to whoever has them now.
        """
        try:
            return self._jobs.run(name, self._moment())
        except LeaseLost as lost:
            self._give_up(lost)
            return False

    def is_job_due(self, name: str) -> bool:
        """Whether a job has something to do, whichever worker is to do it."""
        return self._jobs.is_due(name, self._moment())

    # -- leases and clocks

    def _tick(self) -> None:
        self._store_cursors()
        if self._leases.maintain(facts=self.folded, rss_bytes=resident_bytes()):
            self._forget(keep_leases=True)
            with self._db.write() as conn:
                self.pipeline.install(conn, self._leases.cursors)
                leases.move_cursors(conn, self._leases.owner, self._leases.cursors)
            self._jobs.enrol()
        with self._db.look() as conn:
            if self.pipeline.is_anybody_erased(conn):
                self._forget(keep_leases=True)
                self._jobs.forget(exclusive=True)
            self.pipeline.begin(conn)
            self._jobs.hear(conn, self._moment())
            changed = self.pipeline.are_settings_changed(conn)
            waiting = failed_facts.to_replay(conn, list(self._leases.cursors), limit=200)
        if changed:
            self.pipeline.forget_all()
        self._replay(waiting)

    def _store_cursors(self) -> None:
        if self._pending_cursors:
            with self._db.write() as conn:
                leases.move_cursors(conn, self._leases.owner, self._leases.cursors)
            self._pending_cursors = False

    def _give_up(self, lost: LeaseLost) -> None:
        _logger.warning("leases lost: %s", lost.message)
        self._forget()

    def _forget(self, *, keep_leases: bool = False) -> None:
        self.pipeline.forget_all()
        self._jobs.forget(exclusive=not keep_leases)
        if not keep_leases:
            self._leases.cursors = {}
            self._last_tick = 0.0
            self._pending_cursors = False

    # -- the log

    def _read(self, limit: int) -> tuple[list[StoredRow], dict[int, int]]:
        """The next batch of the buckets that are furthest behind, and where their cursors stand after it.

        Its strands are loaded on the way, where nothing is wrong with them.
        """
        held = self._leases.cursors
        if not held:
            return [], {}
        with self._db.look() as conn:
            self.pipeline.begin(conn)
            horizon = self._horizon.advance(conn)
            while (first := min(held.values())) < horizon:
                group = [bucket for bucket, cursor in held.items() if cursor == first]
                upto = min([horizon, *(cursor for cursor in held.values() if cursor > first)])
                asked = None if len(group) == BUCKETS else group
                rows = log.read_after(conn, after=first, upto=upto, buckets=asked, limit=limit)
                cursors = dict.fromkeys(group, rows[-1].seq if len(rows) == limit else upto)
                if rows:
                    self.pipeline.preload(conn, rows)
                    return rows, cursors
                held.update(cursors)
                self._pending_cursors = True
        return [], {}

    def _process(self, rows: Sequence[StoredRow], cursors: dict[int, int]) -> None:
        """Commit a batch, or halve it until the failing fact stands alone."""
        for attempt in range(TRIES if len(rows) == 1 else 1):
            try:
                self._commit(rows, cursors)
                return
            except LeaseLost:
                self.pipeline.abandon()
                raise
            except Exception as error:
                self.pipeline.abandon()
                if is_outage(error):
                    raise
                if len(rows) == 1 and attempt == TRIES - 1:
                    self._note_failure(rows[0], cursors, error)
                    return
        half = len(rows) // 2
        if half:
            self._process(rows[:half], dict.fromkeys(cursors, rows[half - 1].seq))
            self._process(rows[half:], cursors)

    def _commit(self, rows: Sequence[StoredRow], cursors: dict[int, int]) -> None:
        with span("fold", {"rapport.facts": len(rows)}, kind="consumer"):
            self._fold(rows, cursors)

    def _fold(self, rows: Sequence[StoredRow], cursors: dict[int, int]) -> None:
        with span("handle"):
            self.pipeline.handle(rows)
        with span("flush"), self._db.write(patient=True) as conn:
            began = time.monotonic()
            self.pipeline.flush(conn, now=self._horizon.looked_at)
            leases.move_cursors(conn, self._leases.owner, cursors)
            self._pace.note(len(rows), time.monotonic() - began, waited_for=self._db.is_waited_for())
        self.pipeline.committed()
        self._leases.cursors.update(cursors)
        self._reached = rows[-1].received_at
        self.folded += len(rows)

    def _note_failure(self, row: StoredRow, cursors: dict[int, int], error: Exception) -> None:
        _logger.error(
            "fact %s failed and waits for a replay: %s",
            row.seq,
            type(error).__name__,
            exc_info=not isinstance(error, DBAPIError),
        )
        with self._db.write() as conn:
            failed_facts.put(conn, row, error, at=self._db.now_us(conn))
            leases.move_cursors(conn, self._leases.owner, cursors)
        self._leases.cursors.update(cursors)

    def _replay(self, rows: Sequence[StoredRow]) -> None:
        """Handle again what a person asked to be replayed."""
        for row in rows:
            try:
                self.pipeline.handle([row])
                with self._db.write() as conn:
                    self.pipeline.flush(conn, now=self._db.now_us(conn))
                    leases.move_cursors(conn, self._leases.owner, {row.bucket: self._leases.cursors[row.bucket]})
                    failed_facts.remove(conn, row)
                self.pipeline.committed()
            except LeaseLost:
                self.pipeline.abandon()
                raise
            except Exception as error:
                self.pipeline.abandon()
                if is_outage(error):
                    raise
                with self._db.write() as conn:
                    failed_facts.put(conn, row, error, at=self._db.now_us(conn))

    # -- beside folding

    def _moment(self) -> Moment:
        return Moment(
            owner=self._leases.owner, buckets=tuple(self._leases.cursors), caught_up=self._caught_up,
            quiet=self._is_quiet(), reached=self._reached, vocabulary=self.pipeline.slices.vocabulary,
        )  # fmt: skip

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._last_work > QUIET_SECONDS


def jobs_of(pipeline: Pipeline, *, filled_at_once: int = 1_000) -> list[Job]:
    """All that workers do beside folding: what slices bring, and what is done for all of them."""
    return [
        *pipeline.slices.jobs, erasing(pipeline.slices), answering(pipeline.slices), retention(pipeline.slices),
        filling(pipeline, at_most=filled_at_once), undoing(pipeline), redacting(pipeline), FORGETTING,
        sealing(pipeline.slices),
    ]  # fmt: skip


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
                busy = worker.help()
                if worker.reached(upto):
                    break
                if not busy:
                    time.sleep(0.02)
        while time.monotonic() < deadline and worker.run_job(SUMMARIES):
            pass
    finally:
        worker.close()
    return worker.folded


def fill_all(
    pipeline: Pipeline, wanted: Collection[str], tell: Callable[[Sequence[TraitStatus]], bool], *,
    at_once: int = 20_000, patience_seconds: float = 60.0,
) -> None:  # fmt: skip
    """Have parts learn what they missed of the past, as much of it as is this process's to do, and wait for others.

    `tell` hears how far all traits are, and answers whether that is enough. It ends, too, where for so long nothing
    came of it: where workers that do not know these parts hold the buckets.
    """
    worker = Worker(pipeline, filled_at_once=at_once)
    moved, before = time.monotonic(), -1
    try:
        while time.monotonic() - moved < patience_seconds:
            busy = worker.help()
            busy = worker.run_job(FILLING) or busy
            with pipeline.db.read() as conn:
                found = backfill.statuses(conn, pipeline.slices.remembered)
                left = sum(one.left for one in backfill.progress(conn) if one.part in wanted)
            if tell(found):
                break
            if busy or left != before:
                moved, before = time.monotonic(), left
            if not busy:
                time.sleep(0.1)
        while worker.run_job(SUMMARIES):
            pass
    finally:
        worker.close()


def link_all(pipeline: Pipeline, *, timeout_seconds: float = 3600.0) -> None:
    """Score all records that are pending; where another worker does so, wait for it."""
    worker = Worker(pipeline)
    deadline = time.monotonic() + timeout_seconds
    try:
        while time.monotonic() < deadline:
            worker.help()
            if worker.run_job(LINKING.name):
                continue
            if not worker.is_job_due(LINKING.name):
                break
            time.sleep(0.1)
    finally:
        worker.close()


def run_job_now(pipeline: Pipeline, name: str, *, timeout_seconds: float = 600.0) -> JobState:
    """Ask for a turn of a job and help until it is done, here and in the other workers that do it; answers how it went.

    Raises NotFound.
    """
    db, worker = pipeline.db, Worker(pipeline)
    deadline = time.monotonic() + timeout_seconds
    try:
        worker.help()
        with db.write() as conn:
            job_reports.ask(conn, name, now=db.now_us(conn))
        waiting = True
        while waiting and time.monotonic() < deadline:
            worker.help()
            with db.read() as conn:
                waiting = job_reports.is_asked(conn, name, workers=[NOBODY, worker.name])
                found = next(one for one in job_reports.states(conn) if one.name == name)
            if waiting:
                time.sleep(0.05)
        return found
    finally:
        worker.close()


def _newest(db: Database) -> int:
    with db.read() as conn:
        # Not the horizon: it is 0 while somebody appends, and a flush that states facts of our own does.
        return log.newest_seq(conn)
