"""Jobs run in time, bounded and guarded: a failing one holds up nobody, is tried ever more rarely, and recovers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import Connection

from rapport.act import job_reports, store
from rapport.act.job_reports import JobState
from rapport.act.job_runner import BACKOFF_SECONDS, REPORT_SECONDS, JobRunner
from rapport.act.jobs import Job, Moment, Share, Turn
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.leases import LeaseLost, Leases

ALL = tuple(range(64))
WHOLE = Share(behind=1.0, busy=1.0, quiet=1.0)


class Clock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Heap:
    """Things to be done; each takes the clock so many seconds, and the heap can be broken and mended."""

    def __init__(self, clock: Clock, *, things: int, seconds: float = 0.0) -> None:
        self.clock, self.things, self.seconds = clock, things, seconds
        self.turns: list[int] = []
        self.broken: Exception | None = None

    def due(self, conn: Connection, turn: Turn) -> bool:
        return self.things > 0

    def run(self, turn: Turn) -> int:
        done = min(self.things, turn.at_most)
        self.turns.append(done)
        if self.broken is not None:
            raise self.broken
        self.things -= done
        self.clock.now += done * self.seconds
        return done

    def job(self, name: str = "heap.carry", *, exclusive: bool = True, share: Share = WHOLE) -> Job:
        return Job(
            name=name, title=f"Carry {name}", due=self.due, run=self.run, at_most=3, exclusive=exclusive,
            pause_seconds=30.0, waiting_seconds=1.0, share=share,
        )  # fmt: skip


class Desk:
    """A runner with its clock, on a worker that holds all buckets."""

    def __init__(self, db: Database, *jobs: Job, clock: Clock, owner: str = "one") -> None:
        self.db, self.clock = db, clock
        self.leases = Leases(db, owner)
        self.leases.maintain()
        self.runner = JobRunner(db, jobs, owner=owner, clock=clock)
        self.moment = Moment(owner=owner, buckets=ALL)
        self.runner.enrol()

    def after(self, seconds: float) -> None:
        """Time passes, and the worker looks at its jobs once."""
        self.clock.now += seconds
        with self.db.look() as conn:
            self.runner.hear(conn, self.moment)
        self.runner.look(self.moment)

    def state(self, name: str = "heap.carry") -> JobState:
        with self.db.read() as conn:
            return next(one for one in job_reports.states(conn) if one.name == name)


@pytest.fixture
def db(any_db: Database) -> Database:
    """On each engine in turn."""
    return any_db


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_turn_is_bounded_and_the_rest_comes_soon(db: Database, clock: Clock) -> None:
    """Seven things in turns of three: the short pause while more wait, the usual one afterwards."""
    heap = Heap(clock, things=7)
    desk = Desk(db, heap.job(), clock=clock)
    for seconds in (0.0, 0.5, 0.6, 1.1, 10.0, 10.0):
        desk.after(seconds)
    assert heap.turns == [3, 3, 1]
    heap.things = 1
    desk.after(5.0)
    assert heap.turns == [3, 3, 1], "not before the usual pause is over"
    desk.after(6.0)
    assert heap.turns == [3, 3, 1, 1]
    desk.after(REPORT_SECONDS)
    desk.after(REPORT_SECONDS)
    assert desk.state().done == 8


def test_a_worker_that_is_asked_to_end_begins_no_other_job(db: Database, clock: Clock) -> None:
    heap = Heap(clock, things=1)
    desk = Desk(db, heap.job(), clock=clock)
    desk.runner.look(desk.moment, ends=lambda: True)
    assert heap.turns == []
    desk.after(0.0)
    assert heap.turns == [1]


def test_a_job_takes_no_more_than_its_share_of_the_time(db: Database, clock: Clock) -> None:
    """Three seconds of work at a fifth while the log is behind: twelve of rest; at a half when it is quiet: three."""
    heap = Heap(clock, things=100, seconds=1.0)
    desk = Desk(db, heap.job(share=Share(behind=1 / 5, busy=1 / 5, quiet=1 / 2)), clock=clock)
    desk.moment = desk.moment._replace(caught_up=False)
    desk.after(0.0)
    desk.after(11.9)
    assert len(heap.turns) == 1
    desk.moment = desk.moment._replace(caught_up=True, quiet=True)
    desk.after(0.2)
    assert len(heap.turns) == 2
    desk.after(2.9)
    assert len(heap.turns) == 2
    desk.after(0.2)
    assert len(heap.turns) == 3


def test_while_facts_flow_one_job_alone_has_a_turn_and_each_has_one_in_turn(db: Database, clock: Clock) -> None:
    """A fresh fact waits for one turn at most; when it is quiet, all jobs have theirs at once."""
    heaps = [Heap(clock, things=100) for _ in range(3)]
    desk = Desk(db, *(heap.job(f"heap.{number}") for number, heap in enumerate(heaps)), clock=clock)
    desk.moment = desk.moment._replace(quiet=False)
    counts = []
    for _ in range(6):
        desk.after(1.0)
        counts.append([len(heap.turns) for heap in heaps])
    assert counts == [[1, 0, 0], [1, 1, 0], [1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]]
    desk.moment = desk.moment._replace(quiet=True)
    desk.after(1.0)
    assert [len(heap.turns) for heap in heaps] == [3, 3, 3]


def test_a_turn_that_takes_long_while_facts_flow_is_made_shorter(db: Database, clock: Clock) -> None:
    """Down to a quarter of what the job may do, and up again where things go quickly, or when it is quiet."""
    heap = Heap(clock, things=1_000, seconds=0.01)
    job = msgspec.structs.replace(heap.job(), at_most=16)
    desk = Desk(db, job, clock=clock)
    desk.moment = desk.moment._replace(quiet=False)
    for _ in range(4):
        desk.after(1.0)
    assert heap.turns == [16, 8, 4, 4]
    heap.seconds = 0.0001
    for _ in range(3):
        desk.after(1.0)
    assert heap.turns[4:] == [4, 8, 16]
    heap.seconds = 0.01
    for _ in range(2):
        desk.after(1.0)
    desk.moment = desk.moment._replace(quiet=True)
    for _ in range(2):
        desk.after(1.0)
    assert heap.turns[7:] == [16, 8, 4, 16]


def test_a_failing_job_is_tried_ever_more_rarely_and_recovers_by_itself(
    db: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A minute, two, four … an hour at most; the alarm names the error and not what it says, and goes by itself."""
    heap, other = Heap(clock, things=9), Heap(clock, things=1_000)
    heap.broken = ValueError("ada@example.com")
    desk = Desk(db, heap.job(), other.job("other.carry"), clock=clock)
    pauses, last = [], clock.now
    while len(heap.turns) < 9:
        before = len(heap.turns)
        desk.after(1.0)
        if len(heap.turns) > before:
            pauses.append(round(clock.now - last))
            last = clock.now
        else:
            clock.now += 29.0
    assert pauses[2] > pauses[1] >= BACKOFF_SECONDS[0]
    assert pauses[-1] <= BACKOFF_SECONDS[1] + 30
    assert pauses[-1] >= BACKOFF_SECONDS[1]
    assert len(other.turns) > 100, "its neighbour went on"
    state = desk.state()
    assert (state.failures, state.last_error) == (9, "ValueError")
    with db.read() as conn:
        assert job_reports.failing(conn) == {"heap.carry": 9}
    assert "heap.carry failed" in caplog.text
    assert not any("ada@" in record.getMessage() for record in caplog.records)
    heap.broken = None
    desk.after(BACKOFF_SECONDS[1])
    assert (desk.state().failures, desk.state().last_error, heap.things) == (0, "", 6)


def test_one_whose_turn_is_dear_is_tried_again_no_oftener_than_it_says(db: Database, clock: Clock) -> None:
    heap = Heap(clock, things=9)
    heap.broken = ValueError()
    desk = Desk(db, structs.replace(heap.job(), after_failure_seconds=86_400.0), clock=clock)
    for _ in range(30):
        desk.after(3_600.0)
    assert (len(heap.turns), desk.state().failures) == (2, 2)


def test_an_alarm_ends_where_nothing_is_left_to_do(db: Database, clock: Clock) -> None:
    heap = Heap(clock, things=1)
    heap.broken = ValueError()
    desk = Desk(db, heap.job(), clock=clock)
    desk.after(0.0)
    assert desk.state().failures == 1
    heap.things = 0
    desk.after(BACKOFF_SECONDS[0])
    assert desk.state().failures == 0


def test_a_wrong_query_is_the_jobs_fault_and_not_the_databases(db: Database, clock: Clock) -> None:
    """SQLite reports it as it reports a lost file; the worker must not wait for a database that is there."""

    def run(turn: Turn) -> int:
        with turn.write() as conn:
            return conn.execute(sa.text("DELETE FROM no_such_table")).rowcount

    job = Job(name="wrong.query", title="Wrong", due=lambda conn, turn: True, run=run, at_most=1)
    desk = Desk(db, job, clock=clock)
    desk.after(0.0)
    assert desk.state("wrong.query").failures == 1


def test_a_failed_turn_leaves_nothing_behind(db: Database, clock: Clock) -> None:
    """Neither rows, nor messages, nor what the job kept in memory."""
    made: list[list[int]] = []

    def memory() -> list[int]:
        made.append([])
        return made[-1]

    def run(turn: Turn) -> int:
        turn.kept(memory).append(1)
        with turn.write() as conn:
            conn.execute(leases.workers.update().values(facts=99))
            turn.work.send(
                Message(
                    workspace=WorkspaceId(1),
                    channel="post",
                    destination="x",
                    idempotency_key="k",
                    payload=b"",
                    strand=None,
                    purpose="operations",
                )
            )
            raise ValueError

    desk = Desk(db, Job(name="half.done", title="H", due=lambda c, t: True, run=run, at_most=1), clock=clock)
    desk.after(0.0)
    desk.after(BACKOFF_SECONDS[0])
    with db.read() as conn:
        assert conn.execute(sa.select(leases.workers.c.facts)).scalar_one() == 0
        assert conn.execute(sa.select(store.outbox)).all() == []
    assert made == [[1], [1]]


def test_what_a_job_wants_sent_is_in_its_transaction(db: Database, clock: Clock) -> None:
    def run(turn: Turn) -> int:
        with turn.write():
            turn.work.send(
                Message(
                    workspace=WorkspaceId(1),
                    channel="post",
                    destination="x",
                    idempotency_key="k",
                    payload=b"",
                    strand=None,
                    purpose="operations",
                )
            )
        return 1

    desk = Desk(db, Job(name="a.send", title="S", due=lambda c, t: True, run=run, at_most=2), clock=clock)
    desk.after(0.0)
    with db.read() as conn:
        assert len(conn.execute(sa.select(store.outbox)).all()) == 1


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_worker_that_lost_its_lease_commits_nothing(db: Database, clock: Clock, *, exclusive: bool) -> None:
    """It was taken over in the middle of the turn: its rows are rolled back, and that is no failure of the job."""
    taken: list[Callable[[], None]] = []

    def take() -> None:
        with db.write() as conn:
            conn.execute(leases.buckets.update().where(leases.buckets.c.bucket == 0).values(owner="heir"))

    def run(turn: Turn) -> int:
        for one in taken:
            one()
        with turn.write() as conn:
            conn.execute(leases.workers.update().values(facts=99))
        return 1

    job = Job(name="a.b", title="T", due=lambda c, t: True, run=run, at_most=2, exclusive=exclusive, pause_seconds=1.0)
    desk = Desk(db, job, clock=clock)
    taken.append(take)
    with pytest.raises(LeaseLost):
        desk.after(0.0)
    with db.read() as conn:
        assert conn.execute(sa.select(leases.workers.c.facts)).scalar_one() == 0
        assert job_reports.failing(conn) == {}


def test_an_exclusive_job_is_done_by_the_leading_worker_alone(db: Database, clock: Clock) -> None:
    alone, each = Heap(clock, things=3), Heap(clock, things=3)
    desk = Desk(db, alone.job(), each.job("heap.each", exclusive=False), clock=clock)
    desk.moment = desk.moment._replace(buckets=ALL[1:])
    desk.after(0.0)
    assert (alone.turns, each.turns) == ([], [3])
    desk.moment = desk.moment._replace(buckets=ALL)
    desk.after(0.0)
    assert alone.turns == [3]


def test_a_turn_that_was_asked_for_is_done_once(db: Database, clock: Clock) -> None:
    """At once, though the pause is not over, and although it failed: whoever mended it need not wait an hour."""
    heap = Heap(clock, things=3)
    heap.broken = ValueError()
    desk = Desk(db, heap.job(), clock=clock)
    desk.after(0.0)
    heap.broken = None
    with db.write() as conn:
        job_reports.ask(conn, "heap.carry", now=db.now_us(conn))
    assert desk.state().asked
    desk.after(0.1)
    assert (heap.turns, heap.things, desk.state().asked, desk.state().failures) == ([3, 3], 0, False, 0)
    desk.after(0.1)
    desk.after(0.1)
    assert heap.turns == [3, 3]


def test_a_failing_turn_that_was_asked_for_is_not_asked_for_again(db: Database, clock: Clock) -> None:
    heap = Heap(clock, things=3)
    heap.broken = ValueError()
    desk = Desk(db, heap.job(), clock=clock)
    desk.after(0.0)
    with db.write() as conn:
        job_reports.ask(conn, "heap.carry", now=db.now_us(conn))
    for _ in range(3):
        desk.after(0.1)
    assert (len(heap.turns), desk.state().failures, desk.state().asked) == (2, 2, False)


@pytest.mark.parametrize("name", ["nothing.such", "heap.\0carry"])
def test_asking_for_a_job_that_is_not_there_says_so(db: Database, clock: Clock, name: str) -> None:
    Desk(db, Heap(clock, things=0).job(), clock=clock)
    with pytest.raises(NotFound), db.write() as conn:
        job_reports.ask(conn, name, now=1)


def test_each_worker_honours_a_request_for_what_each_does(db: Database, clock: Clock) -> None:
    """And numbers are those of all workers together."""
    heaps = [Heap(clock, things=2), Heap(clock, things=2)]
    desks = [
        Desk(db, heap.job(exclusive=False), clock=clock, owner=owner)
        for heap, owner in zip(heaps, ("one", "two"), strict=True)
    ]
    for desk in desks:
        desk.leases.maintain()
        desk.moment = desk.moment._replace(buckets=tuple(desk.leases.cursors))
        desk.after(0.0)
        desk.after(REPORT_SECONDS)
    assert desks[0].state().done == 4
    with db.write() as conn:
        job_reports.ask(conn, "heap.carry", now=db.now_us(conn))
    desks[0].after(0.1)
    assert desks[0].state().asked, "the other one has not done its turn yet"
    desks[1].after(0.1)
    desks[0].after(0.1)
    assert [heap.turns for heap in heaps] == [[2, 0], [2, 0]]
    assert not desks[0].state().asked


def test_an_idle_job_writes_nothing(db: Database, clock: Clock) -> None:
    """Looking is for free; how a job does is written when there is news, and every few seconds at most."""
    heap = Heap(clock, things=0)
    desk = Desk(db, heap.job(), clock=clock)
    desk.after(REPORT_SECONDS)
    before = desk.state()
    for _ in range(5):
        desk.after(40.0)
    assert desk.state() == before


def test_workers_and_jobs_that_are_gone_are_forgotten(db: Database, clock: Clock) -> None:
    old = Desk(db, Heap(clock, things=0).job(exclusive=False), Heap(clock, things=0).job("old.job"), clock=clock)
    old.leases.release()
    Desk(db, Heap(clock, things=0).job(exclusive=False), clock=clock, owner="two")
    with db.read() as conn:
        assert [(row.name, row.worker) for row in conn.execute(sa.select(store.jobs))] == [("heap.carry", "two")]


def test_a_paused_job_does_nothing_unless_asked_and_goes_on_where_it_was(db: Database, clock: Clock) -> None:
    heap = Heap(clock, things=20)
    desk = Desk(db, msgspec.structs.replace(heap.job(), may_pause=True), clock=clock)
    desk.after(0.0)
    with db.write() as conn:
        job_reports.pause(conn, "heap.carry", by="Mia", now=7)
    desk.after(100.0)
    desk.after(100.0)
    assert (heap.turns, desk.state().paused_since, desk.state().paused_by) == ([3], 7, "Mia")
    with db.write() as conn:
        job_reports.ask(conn, "heap.carry", now=8)
    desk.after(1.0)
    desk.after(100.0)
    assert heap.turns == [3, 3], "one turn, because somebody asked for it"
    with db.write() as conn:
        job_reports.resume(conn, "heap.carry")
    desk.after(100.0)
    assert (heap.turns, desk.state().paused_since) == ([3, 3, 3], None)


def test_what_somebody_waits_for_cannot_be_paused(db: Database, clock: Clock) -> None:
    Desk(db, Heap(clock, things=1).job(), clock=clock)
    with db.write() as conn, pytest.raises(Conflict, match="cannot be paused"):
        job_reports.pause(conn, "heap.carry", by="Mia", now=7)
    with db.write() as conn, pytest.raises(NotFound):
        job_reports.pause(conn, "no\0ne", by="Mia", now=7)


def test_a_long_job_tells_what_lies_ahead_and_when_it_will_be_done(db: Database, clock: Clock) -> None:
    """Three things in a turn, a turn every ten seconds: after six of thirty eighty seconds are left."""
    heap = Heap(clock, things=33)
    job = msgspec.structs.replace(
        heap.job(), may_pause=True, waiting_seconds=10.0, ahead=lambda conn, turn: heap.things
    )
    desk = Desk(db, job, clock=clock)
    for seconds in (0.0, 10.0, 10.0):
        desk.after(seconds)
    found = desk.state()
    with db.read() as conn:
        left = (found.ends_at or 0) - db.now_us(conn)
    assert found.ahead == 24
    assert 75 < left / 1e6 <= 80
    with db.write() as conn:
        job_reports.pause(conn, "heap.carry", by="Mia", now=7)
    desk.after(REPORT_SECONDS)
    desk.after(REPORT_SECONDS)
    assert (desk.state().ahead, desk.state().ends_at) == (24, None)
