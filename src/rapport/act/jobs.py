"""A job: what a worker does again and again beside folding. What a slice declares, and what one turn of it may do.

`due` is a cheap look whether there is something to do, `run` does one bounded turn of it. The runner
(`act/job_runner.py`) says when: a job that raises is tried again later, ever more rarely, and holds up nobody. A timer
is for one customer at one moment (`act/timers.py`); a job is for whatever is waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar, cast

import msgspec
from sqlalchemy import Connection

from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.kernel.work import Work
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost
from rapport.storage.settings import Cache
from rapport.storage.suppression import guard, version_of

__all__ = ["FIRST_BUCKET", "Job", "Moment", "Share", "Turn"]

FIRST_BUCKET = 0
"""Whoever holds it is the one worker of the installation that runs exclusive jobs."""

T = TypeVar("T")


class Share(NamedTuple):
    """How much of a worker's time a job may take: after a turn it rests so long that it takes no more than this."""

    behind: float = 1 / 5
    """While facts are waiting to be folded."""
    busy: float = 1 / 5
    """While facts keep coming and all are folded."""
    quiet: float = 1 / 2
    """When none came for a while."""


class Moment(NamedTuple):
    """What a worker is and how it stands when it turns to its jobs."""

    owner: str
    """The worker's name in the leases."""
    buckets: Sequence[int] = ()
    """Those that it holds."""
    caught_up: bool = True
    """All facts of these buckets are folded."""
    quiet: bool = True
    """None came for a while."""
    reached: int = 0
    """When the last fact that was folded here was received."""
    vocabulary: Vocabulary = SPECIFICATION
    """The events that this installation understands."""

    @property
    def flows(self) -> bool:
        """Facts come and are folded at once: each waits for no more than what stands between two batches."""
        return self.caught_up and not self.quiet

    @property
    def leads(self) -> bool:
        """It is the worker that runs exclusive jobs."""
        return FIRST_BUCKET in self.buckets


class Turn:
    """One turn of a job: when and where it is, and how it writes."""

    def __init__(
        self, db: Database, job: Job, moment: Moment, *, now: int, kept: dict[object, Any], erasures: int | None = None
    ) -> None:
        """`erasures` are those there were by a moment before (`storage.suppression.version_of`); else it looks."""
        self.db = db
        self.now = now
        """On the clock all workers share."""
        self.buckets = moment.buckets
        """Those that this worker holds: where a job is not exclusive, it takes from these alone."""
        self.caught_up = moment.caught_up
        self.reached = now if moment.caught_up else moment.reached
        """Where the log has been folded to, as a time: now, unless facts are waiting."""
        self.vocabulary = moment.vocabulary
        """The events that the installation understands."""
        self.at_most = job.at_most
        """How many things `run` may do."""
        self.waiting = False
        self._work = BatchWork(Stages((), own=()), Cache())
        self._owner = moment.owner
        self._guarded = (FIRST_BUCKET,) if job.exclusive else tuple(moment.buckets)
        self._kept = kept
        if erasures is None:
            with db.look() as conn:
                erasures = version_of(conn)
        self._erasures = erasures

    @property
    def work(self) -> Work:
        """What the job wants scheduled, sent or stated; written at the end of `write`, in its transaction."""
        return self._work

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction. At its end it is made sure that this worker is still the one to do this.

        Raises LeaseLost, and nothing is committed, where another worker has taken over, or somebody was erased since
        the turn began: what was read may be theirs.
        """
        with self.db.write() as conn:
            if guard(conn) != self._erasures:
                raise LeaseLost("somebody was erased during a turn of a job")
            try:
                yield conn
                self._work.flush(conn, now=self.now)
            except BaseException:
                self._work.abandon()
                raise
            leases.confirm(conn, self._owner, self._guarded)

    def kept(self, make: Callable[[], T]) -> T:
        """What this job keeps in the memory of this worker, made at first use: an index, a place in a table.

        It is forgotten whenever it may no longer be true: the job failed, or the worker's buckets are others now.
        """
        if make not in self._kept:
            self._kept[make] = make()
        return cast(T, self._kept[make])

    def again(self) -> None:
        """More is waiting than the number that `run` returns tells."""
        self.waiting = True


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something that workers do again and again."""

    name: str
    """Begins with the slice's name: `giftcards.expiry`."""
    title: str
    """How the console calls it, as what it does: "Gift cards expire"."""
    due: Callable[[Connection, Turn], bool]
    """Whether there is something to do now; one or two looks at an index."""
    run: Callable[[Turn], int]
    """Does at most `turn.at_most` things and returns how many; with nothing to do it does nothing."""
    at_most: int
    """Things in one turn. Few where each takes long: whoever appends facts waits while a turn writes."""
    exclusive: bool = True
    """One worker of the installation at a time does it; otherwise each does it for the buckets it holds."""
    pause_seconds: float = 60.0
    """Before it is looked at again."""
    waiting_seconds: float = 0.2
    """The same while more is waiting: where a turn did all that it may, or said `again`."""
    after_failure_seconds: float = 0.0
    """Before it is tried again after it failed; 0: a minute, then two, four … up to an hour. For one whose turn is dear
    and tells the same until somebody has mended it.
    """
    share: Share = Share()
    may_pause: bool = False
    """Whether people may pause it: it is long, and nobody waits for it or is owed it. It goes on where it was."""
    ahead: Callable[[Connection, Turn], int] | None = None
    """How many things lie ahead of it; for telling when a long one will be done."""
