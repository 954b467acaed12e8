"""A fact that cannot be handled is kept with its error; its neighbours are not held up, and it can be replayed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from rapport.app import failed_facts, wiring
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pace import TURN_SECONDS
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.worker import drain
from rapport.collect.prepare import prepare
from rapport.collect.sources import list_sources
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.clock import now_us
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.mergeable import Count
from rapport.kernel.work import BatchStage, Connection, Seen, Work
from rapport.remember.golden import find_root, golden_record
from rapport.remember.registry import Part
from rapport.remember.store import strands
from rapport.storage import leases, log
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED


def nothing(conn: Connection, work: Work, notes: Sequence[None], now: int) -> None:
    """Such a slice writes nothing."""


class Fragile:
    """A slice with a bug: it cannot stand a fact named `Glass`, until it is mended."""

    def __init__(self) -> None:
        self.mended = False

    def handle(self, seen: Seen) -> None:
        if not self.mended:
            raise ValueError("cannot stand this")

    def slice(self) -> Slice:
        stage = BatchStage[None](("Glass",), read=self.handle, write=nothing)
        return Slice(name="fragile", title="Fragile", stage=lambda: stage)


class Brittle:
    """A slice whose part cannot stand one message, until it is mended; parts of other slices are folded before it."""

    def __init__(self, message_id: str) -> None:
        self.mended = False
        self._message_id = message_id

    def take(self, fact: Fact, settings: object) -> object:
        if fact.id == self._message_id and not self.mended:
            raise ValueError("cannot stand this")
        return None

    def slice(self) -> Slice:
        return Slice(
            name="brittle", title="Brittle",
            parts=(Part(name="brittle", kind=Count(), take=self.take, on=("Product Viewed",)),),
        )  # fmt: skip


def opened(url: str, folder: Path) -> Database:
    settings = Settings.load({}, data_dir=folder, database_url=url)
    database = open_database(settings)
    bootstrap(database, settings)
    return database


@pytest.fixture
def db(database_url: str, tmp_path: Path) -> Iterator[Database]:
    database = opened(database_url, tmp_path)
    yield database
    database.close()


def send(db: Database, *names: str, start: int = 0, user: str = "ada") -> None:
    with db.read() as conn:
        source = list_sources(conn, WorkspaceId(1))[0]
    rows = [
        prepare(json.dumps({"type": "track", "event": name, "userId": user, "messageId": f"m{number}",
                            "properties": {"product_id": "p"}}).encode(), source=source, received_at=now_us())
        for number, name in enumerate(names, start)
    ]  # fmt: skip
    with db.write() as conn:
        log.append(conn, rows)


def views(db: Database) -> int:
    with db.read() as conn:
        root = find_root(conn, WorkspaceId(1), "user_id:ada")
        return int(
            golden_record(conn, WorkspaceId(1), root, now=now_us(), remembered=REMEMBERED).traits["product_views"].value
        )


def test_a_strand_that_cannot_be_read_fails_its_own_facts_alone(db: Database) -> None:
    """The strands of a batch are read together with its facts, before anything is known to be wrong with one."""
    send(db, "Product Viewed", "Product Viewed")
    drain(Pipeline(db))
    with db.write() as conn:
        conn.execute(strands.update().values(state=b"\xc1"))
    send(db, "Product Viewed", start=2)
    send(db, "Product Viewed", "Product Viewed", start=3, user="bo")
    drain(Pipeline(db))
    with db.read() as conn:
        failed = [row.message_id for row in failed_facts.listing(conn, WorkspaceId(1))]
        bo = golden_record(
            conn, WorkspaceId(1), find_root(conn, WorkspaceId(1), "user_id:bo"), now=now_us(), remembered=REMEMBERED
        )
    assert failed == ["m2"]
    assert bo.traits["product_views"].value == 2


class Stampede:
    """Customers who never stop coming: whenever one fact is handled, the next one has arrived."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.came = 0

    def handle(self, seen: Seen) -> None:
        self.came += 1
        send(self.db, "Product Viewed", start=self.came)

    def slice(self) -> Slice:
        stage = BatchStage[None](("Product Viewed",), read=self.handle, write=nothing)
        return Slice(name="stampede", title="Stampede", stage=lambda: stage)


def test_draining_ends_though_facts_keep_coming(db: Database) -> None:
    """An import beside a busy server ends once what was there is folded."""
    stampede = Stampede(db)
    pipeline = Pipeline(db, slices=Installed([*wiring.OWN, stampede.slice()]))
    send(db, *["Product Viewed"] * 5, start=-5)
    assert drain(pipeline, batch=2) >= 5
    assert views(db) >= 5
    assert stampede.came < 50


def test_draining_goes_on_though_another_worker_took_the_leases_over(db: Database) -> None:
    """Where the machine was too busy for four seconds, and the other worker ended then."""
    slow = Slow(db)
    pipeline = Pipeline(db, slices=Installed([*wiring.OWN, slow.slice()]))
    send(db, *["Product Viewed"] * 4)
    drain(pipeline, batch=2)
    assert views(db) == 4


class Waiting:
    """A stage in whose transactions somebody always comes to wait for the writer's turn; it notes their sizes."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.sizes: list[int] = []
        self.came: list[threading.Thread] = []

    def write(self, conn: Connection, work: Work, notes: Sequence[int], now: int) -> None:
        self.sizes.append(len(notes))
        self.came.append(threading.Thread(target=self.write_something))
        self.came[-1].start()
        slow_disk = time.monotonic() + TURN_SECONDS
        while not self.db.is_waited_for() or time.monotonic() < slow_disk:
            threading.Event().wait(0.001)

    def write_something(self) -> None:
        with self.db.write():
            pass

    def slice(self) -> Slice:
        stage = BatchStage[int](("Product Viewed",), read=lambda seen: seen.fact.seq, write=self.write)
        return Slice(name="waiting", title="Waiting", stage=lambda: stage)


def test_while_somebody_waits_to_write_transactions_are_small_and_each_fact_is_folded_once(tmp_path: Path) -> None:
    db = opened("", tmp_path)
    waiting = Waiting(db)
    send(db, *["Product Viewed"] * 1_500)
    pipeline = Pipeline(db, slices=Installed([*wiring.OWN, waiting.slice()]))
    assert drain(pipeline, batch=1_000) == 1_500
    for thread in waiting.came:
        thread.join()
    assert sum(waiting.sizes) == 1_500
    assert max(waiting.sizes[1:]) < waiting.sizes[0] == 1_000
    assert views(db) == 1_500
    db.close()


class Slow:
    """A stage during whose first batch somebody else takes all leases over, and lets them go."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.robbed = False

    def handle(self, seen: Seen) -> None:
        if not self.robbed:
            self.robbed = True
            with self.db.write() as conn:
                conn.execute(leases.buckets.update().values(owner="thief", lease_until=0))

    def slice(self) -> Slice:
        stage = BatchStage[None](("Product Viewed",), read=self.handle, write=nothing)
        return Slice(name="slow", title="Slow", stage=lambda: stage)


def test_the_poison_is_kept_and_can_be_replayed(db: Database) -> None:
    fragile = Fragile()
    pipeline = Pipeline(db, slices=Installed([*wiring.OWN, fragile.slice()]))
    send(db, *["Product Viewed"] * 5, "Glass", *["Product Viewed"] * 5, "Glass", "Product Viewed")
    drain(pipeline, batch=7)
    assert views(db) == 11
    with db.read() as conn:
        aside = failed_facts.listing(conn, WorkspaceId(1))
        assert [row.message_id for row in aside] == ["m11", "m5"]
        assert {row.error for row in aside} == {"ValueError"}
        assert "cannot stand" not in "".join(row.trace for row in aside), "values stay out of the trace"
    fragile.mended = True
    with db.write() as conn:
        assert failed_facts.ask_replay(conn, WorkspaceId(1)) == 2
    drain(pipeline)
    with db.read() as conn:
        assert failed_facts.count(conn, WorkspaceId(1)) == 0
        assert conn.execute(sa.select(sa.func.count()).select_from(log.facts)).scalar_one() == 13
    assert views(db) == 11


def test_a_view_whose_strand_was_half_folded_is_counted_once_however_often_it_is_tried(db: Database) -> None:
    """The view is counted when a later part raises; neither its three tries nor those of its batch are counted."""
    brittle = Brittle("m2")
    pipeline = Pipeline(db, slices=Installed([*wiring.OWN, brittle.slice()]))
    send(db, *["Product Viewed"] * 5)
    drain(pipeline, batch=5)
    send(db, "Product Viewed", start=5)
    drain(pipeline)
    assert views(db) == 5
    with db.write() as conn:
        assert [row.message_id for row in failed_facts.listing(conn, WorkspaceId(1))] == ["m2"]
        failed_facts.ask_replay(conn, WorkspaceId(1))
    brittle.mended = True
    drain(pipeline)
    assert views(db) == 6


def test_a_replay_that_fails_again_stays_with_its_count(db: Database) -> None:
    pipeline = Pipeline(db, slices=Installed([Fragile().slice()]))
    send(db, "Glass")
    drain(pipeline)
    with db.write() as conn:
        failed_facts.ask_replay(conn, WorkspaceId(1))
    drain(pipeline)
    with db.read() as conn:
        (row,) = failed_facts.listing(conn, WorkspaceId(1))
    assert (row.state, row.tries) == ("open", 2)
