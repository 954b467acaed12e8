"""Runs the jobs of all slices in a worker, between two batches: in time, bounded, guarded.

A turn that fails is rolled back and tried again in a minute, then in two, four … up to an hour; the log names it, the
table of the jobs keeps it, and folding and the other jobs go on. Only a lost lease and a database that does not answer
are the worker's own affair.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.act import job_reports
from rapport.act.job_reports import NOBODY, Enrolled, Report
from rapport.act.jobs import Job, Moment, Turn
from rapport.kernel.errors import Unavailable
from rapport.kernel.named import by_name
from rapport.kernel.tracing import span
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost
from rapport.storage.suppression import version_of

__all__ = ["BACKOFF_SECONDS", "JobRunner"]

_logger = logging.getLogger(__name__)

BACKOFF_SECONDS = (60.0, 3600.0)
"""Pause after the first failure, twice as long after each further one in a row; and the longest."""
REPORT_SECONDS = 5.0
"""How often at most it is written down how jobs do; failures, recoveries and answered requests at once."""
TURN_SECONDS = 0.01
"""A turn that takes longer while facts flow has fewer things to do the next time: a fresh fact waits for it."""
SMALLEST_TURN = 1 / 4
"""Of what a job may do in one turn: what a turn costs however little it does must not become most of it."""
TOGETHER_SECONDS = 0.25
"""While it is quiet jobs that had nothing to do are looked at again together: opening a connection, and what is to be
known for all of them, costs more than a look.
"""
WORTH_TELLING_SECONDS = 60.0
"""A job that has nothing to do tells when it is looked at next where that is so far away."""

Clock = Callable[[], float]


class _Pace:
    """How long what lies ahead of a job will take, by how much less it is than when this stretch of work began."""

    def __init__(self) -> None:
        self.ahead: int | None = None
        self._first: tuple[float, int] | None = None

    def see(self, at: float, ahead: int) -> None:
        """So much lies ahead at this time of the runner's clock."""
        if not ahead or self._first is None or ahead > self._first[1]:
            self._first = (at, ahead) if ahead else None
        self.ahead = ahead

    def left(self, at: float) -> float | None:
        """In how many seconds it will be done; None where nothing lies ahead, or it has not become less yet."""
        if self._first is None or not self.ahead or self.ahead >= self._first[1]:
            return None
        began, first = self._first
        return self.ahead * (at - began) / (first - self.ahead)

    def stop(self) -> None:
        """The work has stopped: its time does not count."""
        self._first = None


class _Kept:
    """What the runner knows of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.memory: dict[object, Any] = {}
        self.next = 0.0
        """On the runner's clock."""
        self.asked_at: int | None = None
        self.failures = 0
        self.last_error = ""
        self.at_most = job.at_most
        """How many things its next turn may do."""
        self.paused = False
        """By people."""
        self.pace = _Pace()
        self.begin_telling()

    def begin_telling(self) -> None:
        """All was told; what comes now is new."""
        self.last_at: int | None = None
        self.took_us: int | None = None
        self.done = 0
        self.answers = 0
        self.next_at = 0
        self.to_tell = False

    def fit(self, took: float, *, short: bool) -> None:
        """Have the next turn be as large as it may be, now that one took so many seconds."""
        most = self.job.at_most
        if not short:
            self.at_most = most
        elif took > TURN_SECONDS:
            self.at_most = max(1, round(most * SMALLEST_TURN), self.at_most // 2)
        elif took < TURN_SECONDS / 2:
            self.at_most = min(most, self.at_most * 2)

    def hand_over(self) -> None:
        """Another worker does it from now on; should it come back, it begins anew."""
        self.memory.clear()
        self.next, self.failures, self.last_error = 0.0, 0, ""


class _Glance:
    """One connection, and what is to be known beforehand, for looking at jobs one after the other.

    Closed before a turn, which takes its time; opened again for the jobs after it.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._stack = ExitStack()
        self._open: tuple[Connection, int, int] | None = None

    def __enter__(self) -> _Glance:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> tuple[Connection, int, int]:
        """The connection, the time by the clock all workers share, and how many people were erased so far."""
        if self._open is None:
            conn = self._stack.enter_context(self._db.look())
            self._open = conn, self._db.now_us(conn), version_of(conn)
        return self._open

    def close(self) -> None:
        """Give the connection back."""
        self._open = None
        self._stack.close()


class JobRunner:
    """The jobs of one worker. Not thread-safe."""

    def __init__(self, db: Database, jobs: Iterable[Job], *, owner: str, clock: Clock = time.monotonic) -> None:
        self._db = db
        self._owner = owner
        self._clock = clock
        self._jobs = {name: _Kept(job) for name, job in by_name("job", ((j.name, j.title, j) for j in jobs)).items()}
        self._told = 0.0
        self._round = deque(self._jobs)
        """Whose turn is next; whoever had one goes to the end."""

    def look(self, moment: Moment, *, ends: Callable[[], bool] = lambda: False) -> None:
        """Do a turn of each job whose time has come and that has something to do; while facts flow, of one alone.

        Where the process is asked to end meanwhile, the others are left for its next start.
        """
        with _Glance(self._db) as glance:
            for name in tuple(self._round):
                if ends():
                    return
                kept = self._jobs[name]
                if kept.job.exclusive and not moment.leads:
                    kept.hand_over()
                elif self._is_time(kept) and self._guarded(kept, moment, glance):
                    self._round.remove(name)
                    self._round.append(name)
                    if moment.flows:
                        break
        self._tell(moment)

    def _is_time(self, kept: _Kept) -> bool:
        """Whether to look at a job; one that is paused does a turn where somebody asks for it, and no other."""
        return kept.asked_at is not None or (not kept.paused and self._clock() >= kept.next)

    def run(self, name: str, moment: Moment) -> bool:
        """Do one turn of a job now, where this worker may; True where more is waiting. What it raises is raised."""
        kept = self._jobs[name]
        if kept.job.exclusive and not moment.leads:
            kept.hand_over()
            return False
        try:
            with _Glance(self._db) as glance:
                turn, is_due = self._begin(kept, moment, glance)
            return is_due and self._run(kept, turn)
        except BaseException:
            kept.memory.clear()
            raise

    def is_due(self, name: str, moment: Moment) -> bool:
        """Whether a job has something to do, whichever worker may do it."""
        with _Glance(self._db) as glance:
            return self._begin(self._jobs[name], moment, glance)[1]

    def enrol(self) -> None:
        """Have a row for each job in the table of the jobs, and tell how each does."""
        with self._db.write() as conn:
            job_reports.enrol(
                conn,
                [
                    Enrolled(kept.job.name, kept.job.title, self._row_of(kept.job), kept.job.may_pause)
                    for kept in self._jobs.values()
                ],
            )
        for kept in self._jobs.values():
            kept.to_tell = True

    def hear(self, conn: Connection, moment: Moment) -> None:
        """Look whether somebody asked for a turn, and which jobs are paused."""
        asked = job_reports.asked(conn, [self._owner, *([NOBODY] if moment.leads else [])])
        all_paused = job_reports.paused(conn)
        for name, kept in self._jobs.items():
            kept.asked_at = asked.get(name)
            paused = kept.job.may_pause and name in all_paused
            if paused and not kept.paused:
                kept.pace.stop()
                kept.to_tell = True
            kept.paused = paused

    def forget(self, *, exclusive: bool) -> None:
        """Buckets changed hands: forget what jobs keep in memory, those too that only the leading worker does?"""
        for kept in self._jobs.values():
            if exclusive or not kept.job.exclusive:
                kept.memory.clear()

    def _begin(self, kept: _Kept, moment: Moment, glance: _Glance) -> tuple[Turn, bool]:
        """A turn, and whether there is something to do in it; there is where somebody asked."""
        conn, now, erasures = glance.open()
        turn = Turn(self._db, kept.job, moment, now=now, erasures=erasures, kept=kept.memory)
        return turn, kept.asked_at is not None or kept.job.due(conn, turn)

    def _guarded(self, kept: _Kept, moment: Moment, glance: _Glance) -> bool:
        """One look at a job, and a turn if it is due; whatever that raises is the job's own trouble.

        Returns whether there was a turn.
        """
        job, started = kept.job, self._clock()
        pause, is_due = job.pause_seconds, True
        try:
            turn, is_due = self._begin(kept, moment, glance)
            if is_due:
                glance.close()
                turn.at_most = kept.at_most
                if self._run(kept, turn):
                    pause = job.waiting_seconds * turn.at_most / job.at_most
                kept.fit(self._clock() - started, short=moment.flows)
            else:
                self._recover(kept)
        except LeaseLost:
            kept.memory.clear()
            raise
        except Exception as error:
            glance.close()
            kept.memory.clear()
            if self._is_lost(error):
                raise
            pause = self._fail(kept, error)
        took = self._clock() - started
        share = job.share.behind if not moment.caught_up else job.share.quiet if moment.quiet else job.share.busy
        self._rest(kept, max(pause, took * (1 / share - 1)), together=moment.quiet and not is_due)
        return is_due

    def _run(self, kept: _Kept, turn: Turn) -> bool:
        """One turn; True where more is waiting."""
        started = self._clock()
        with span(f"job {kept.job.name}") as told:
            done = kept.job.run(turn)
            told.note("rapport.done", done)
        self._recover(kept)
        kept.last_at, kept.took_us, kept.to_tell = turn.now, int((self._clock() - started) * 1e6), True
        if kept.job.ahead is not None and (self._clock() >= self._told or not turn.waiting):
            with self._db.look() as conn:
                kept.pace.see(self._clock(), kept.job.ahead(conn, turn))
        kept.done += done
        self._answer(kept)
        return turn.waiting or done >= turn.at_most

    def _fail(self, kept: _Kept, error: Exception) -> float:
        """Take a failure down; returns in how many seconds to try again."""
        kept.failures += 1
        kept.last_error = type(error).__name__
        first, longest = BACKOFF_SECONDS
        pause = kept.job.after_failure_seconds or min(longest, first * float(2 ** min(kept.failures - 1, 16)))
        _logger.error(
            "job %s failed for the %dth time: %s; again in %d seconds", kept.job.name, kept.failures, kept.last_error,
            pause, exc_info=not isinstance(error, DBAPIError),
        )  # fmt: skip
        kept.to_tell = True
        self._told = 0.0
        self._answer(kept)
        return pause

    def _recover(self, kept: _Kept) -> None:
        """It did not fail."""
        if kept.failures:
            _logger.warning("job %s works again after %d failures", kept.job.name, kept.failures)
            kept.failures, kept.last_error, kept.to_tell = 0, "", True
            self._told = 0.0

    def _answer(self, kept: _Kept) -> None:
        if kept.asked_at is not None:
            kept.answers, kept.asked_at = kept.asked_at, None
            self._told = 0.0

    def _rest(self, kept: _Kept, pause: float, *, together: bool) -> None:
        kept.next = self._clock() + pause
        if together:
            kept.next = round(kept.next / TOGETHER_SECONDS) * TOGETHER_SECONDS
        kept.to_tell = kept.to_tell or pause >= WORTH_TELLING_SECONDS

    def _is_lost(self, error: Exception) -> bool:
        """Whether the database is to blame: the connection broke, or nothing answers any more."""
        if not isinstance(error, DBAPIError):
            return False
        try:
            self._db.ping()
        except (DBAPIError, Unavailable):
            return True
        return error.connection_invalidated

    def _tell(self, moment: Moment) -> None:
        """Write down how the jobs do, if it is time."""
        to_tell = [kept for kept in self._jobs.values() if kept.to_tell and (moment.leads or not kept.job.exclusive)]
        if not to_tell or self._clock() < self._told:
            return
        with self._db.write() as conn:
            now = self._db.now_us(conn)
            job_reports.write(conn, [self._report(kept, now) for kept in to_tell])
        self._told = self._clock() + REPORT_SECONDS
        for kept in to_tell:
            kept.begin_telling()

    def _report(self, kept: _Kept, now: int) -> Report:
        left = kept.pace.left(self._clock())
        return Report(
            name=kept.job.name, worker=self._row_of(kept.job), last_at=kept.last_at, took_us=kept.took_us,
            done=kept.done, failures=kept.failures, last_error=kept.last_error,
            next_at=now + int(max(0.0, kept.next - self._clock()) * 1e6), answers=kept.answers, ahead=kept.pace.ahead,
            ends_at=None if left is None else now + int(left * 1e6),
        )  # fmt: skip

    def _row_of(self, job: Job) -> str:
        return NOBODY if job.exclusive else self._owner
