"""Jobs in the worker itself: whatever they raise ends nothing, and an exclusive one has one worker, then its heir."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection

from rapport.act import job_reports
from rapport.act.jobs import Job, Turn
from rapport.app import wiring
from rapport.app.pipeline import Pipeline
from rapport.app.worker import Worker, drain, run_job_now
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.errors import NotFound
from rapport.storage import leases
from rapport.storage.engine import Database
from tests.shop import NOON, Shop


class Bell:
    """A job that notes which worker rang it; it can be broken and mended."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.rung: list[str] = []

    def due(self, conn: Connection, turn: Turn) -> bool:
        return True

    def run(self, turn: Turn) -> int:
        self.rung.append(threading.current_thread().name)
        if self.broken:
            raise RuntimeError("out of order")
        return 1

    def slices(self) -> Installed:
        job = Job(name="bell.ring", title="Ring", due=self.due, run=self.run, at_most=2, pause_seconds=0.05)
        return Installed([*wiring.OWN, Slice(name="bell", title="Bell", jobs=(job,))])


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    found = Shop(database_url)
    yield found
    found.close()


def failures(db: Database) -> dict[str, int]:
    with db.read() as conn:
        return job_reports.failing(conn)


def test_a_job_that_raises_ends_nothing(shop: Shop) -> None:
    """Facts are folded, other jobs run, the alarm shows; asked for after it was mended, it is in order again."""
    bell = Bell(broken=True)
    pipeline = Pipeline(shop.db, slices=bell.slices())
    shop.send(*(shop.message("Product Viewed", at=NOON, user="ada", product_id="p") for _ in range(5)))
    assert drain(pipeline, batch=2) == 5
    assert len(bell.rung) == 1, "the next try is a minute away"
    assert failures(shop.db) == {"bell.ring": 1}
    with shop.db.read() as conn:
        done = {one.name: one.done for one in job_reports.states(conn)}
    assert done["recommendations.pairs"] == 0
    assert run_job_now(pipeline, "bell.ring").failures >= 1
    bell.broken = False
    state = run_job_now(pipeline, "bell.ring")
    assert (state.failures, state.last_error, failures(shop.db)) == (0, "", {})


def test_running_a_job_that_nobody_brings_says_so(shop: Shop) -> None:
    with pytest.raises(NotFound, match=r"no job 'bell\.ring'"):
        run_job_now(Pipeline(shop.db), "bell.ring")


@pytest.mark.postgres
def test_one_of_two_workers_does_an_exclusive_job_until_it_dies(postgres_url: str) -> None:
    """The first worker leads; when it stops without handing back, the second rings once the lease is over."""
    db = Database.open(postgres_url)
    bell = Bell()
    databases = [Database.open(postgres_url) for _ in range(2)]
    workers = [Worker(Pipeline(one, slices=bell.slices())) for one in databases]
    alive = [True, True]

    def work(number: int) -> None:
        while alive[number]:
            workers[number].step()

    threads = [threading.Thread(target=work, args=(number,), name=f"worker {number}") for number in range(2)]
    threads[0].start()
    until(lambda: len(bell.rung) > 3)
    threads[1].start()
    until(lambda: len(held_by(db)) == 2)
    rung = len(bell.rung)
    until(lambda: len(bell.rung) > rung + 5)
    assert set(bell.rung) == {"worker 0"}
    alive[0] = False
    threads[0].join()
    until(lambda: bell.rung[-1] == "worker 1")
    alive[1] = False
    threads[1].join()
    assert [name for at, name in enumerate(bell.rung) if at == 0 or bell.rung[at - 1] != name] == [
        "worker 0",
        "worker 1",
    ]
    for one in (db, *databases):
        one.close()


def held_by(db: Database) -> set[str]:
    with db.read() as conn:
        return {row.owner for row in conn.execute(leases.buckets.select())}


def until(reached: Callable[[], bool]) -> None:
    """Return once it is so; fails after half a minute."""
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
