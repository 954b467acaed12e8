"""A message is sent once, tried for days, and no dead destination delays a living one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import deliveries, outbox, store
from rapport.act.channels import Delivered, Outcome, Outgoing
from rapport.act.outbox import Dispatcher
from rapport.act.send_rules import SendRule
from rapport.kernel.clock import DAY, MINUTE, SECOND, now_us
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message, Purpose
from rapport.storage.engine import Database

SHOP = WorkspaceId(1)


class Post:
    """A channel by hand: destinations named `dead` fail, `gone` want nothing more, `stuck` hold on until released."""

    name = "post"

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.attempts: list[str] = []
        self.switched_off: list[str] = []
        self.release = threading.Event()

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        self.attempts.append(message.destination)
        if message.destination.startswith("stuck"):
            self.release.wait(20)
            return Delivered(result="retry", detail="too slow")
        if message.destination.startswith("dead"):
            return Delivered(result="retry", detail="nobody there")
        if message.destination == "gone":
            return Delivered(result="gone", detail="moved away")
        if message.destination == "broken":
            raise ValueError("a bug")
        self.carried.append(message.payload.decode())
        return Delivered(result="delivered")

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        self.switched_off.append(message.destination)


def test_a_machine_whose_clock_is_ahead_takes_up_nothing_that_another_delivers(
    any_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any_db.dialect == "sqlite":
        pytest.skip("its workers are on one machine")
    post = Post()
    put(any_db, "stuck")
    with dispatching(any_db, post) as here, dispatching(any_db, post) as there:
        assert here.run_once() == 1
        true = time.time_ns
        monkeypatch.setattr(time, "time_ns", lambda: true() + 60 * 10**9)
        assert there.run_once() == 0
        monkeypatch.undo()
        post.release.set()
        here.drain(20)
    assert post.attempts == ["stuck"]


def put(
    db: Database, destination: str, number: int = 1, *, key: str = "", now: int | None = None, due_at: int = 0,
    purpose: Purpose = "operations",
) -> None:  # fmt: skip
    with db.write() as conn:
        outbox.write(
            conn,
            [
                Message(workspace=SHOP, channel="post", destination=destination, payload=f"{destination} {n}".encode(),
                        idempotency_key=key or f"{destination}-{n}", strand=None, purpose=purpose, due_at=due_at)
                for n in range(number)
            ],
            now=now_us() - 1 if now is None else now,
        )  # fmt: skip


@contextmanager
def dispatching(db: Database, post: Post, rules: Sequence[SendRule] = (), **given: Any) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(db, [post], rules=rules, rng=random.Random(1), **given)
    yield dispatcher
    post.release.set()
    dispatcher.close()


def run(dispatcher: Dispatcher, now: int | None = None) -> int:
    started = 0
    while found := dispatcher.run_once(now_us() if now is None else now):
        started += found
        dispatcher.drain()
    return started


def rows(db: Database) -> list[sa.Row[tuple[object, ...]]]:
    with db.read() as conn:
        return list(conn.execute(sa.select(store.outbox).order_by(store.outbox.c.idempotency_key)))


def test_what_is_put_in_is_delivered_once(any_db: Database) -> None:
    db = any_db
    post = Post()
    put(db, "ada", 7)
    put(db, "ada", 7)
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 7
        assert run(dispatcher) == 0
    assert sorted(post.carried) == [f"ada {n}" for n in range(7)]
    assert {(row.status, row.attempts) for row in rows(db)} == {("delivered", 1)}


def test_nothing_goes_before_its_time(db: Database) -> None:
    post = Post()
    with db.write() as conn:
        later = Message(
            workspace=SHOP,
            channel="post",
            destination="ada",
            idempotency_key="k",
            payload=b"x",
            due_at=now_us() + DAY,
            strand=None,
            purpose="operations",
        )
        outbox.write(conn, [later], now=now_us())
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 0
        assert run(dispatcher, now_us() + DAY + SECOND) == 1


def test_a_failure_is_tried_again_ever_later_and_then_given_up(db: Database) -> None:
    post = Post()
    put(db, "dead")
    with dispatching(db, post) as dispatcher:
        now = now_us()
        waits = []
        for attempt in range(1, 11):
            assert run(dispatcher, now) == 1
            [row] = rows(db)
            assert row.attempts == attempt
            if row.status == "dead":
                break
            waits.append((row.due_at - now_us()) / SECOND)
            with db.write() as conn:  # what only the passing of days would do
                conn.execute(store.outbox.update().values(due_at=now - 1))
                conn.execute(store.destinations.update().values(closed_until=0))
        assert (row.status, row.attempts, row.last_error) == ("dead", 10, "nobody there")
    assert [round(wait / expected, 1) for wait, expected in zip(waits, [5, 300, 1800, 7200], strict=False)] == [
        pytest.approx(1, abs=0.25)
    ] * 4
    assert sum(waits) > 2 * 86_400


def test_a_message_too_old_is_given_up_however_seldom_it_was_tried(db: Database) -> None:
    post = Post()
    put(db, "dead")
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher, now_us() + 6 * DAY) == 0
    assert [row.status for row in rows(db)] == ["dead"]


def test_one_dead_destination_delays_nobody(any_db: Database) -> None:
    """Hundreds for the dead first, and the living are all served at once."""
    db = any_db
    post = Post()
    put(db, "dead", 300)
    put(db, "zoe", 20)
    with dispatching(db, post) as dispatcher:
        for _ in range(12):
            dispatcher.run_once(now_us())
            dispatcher.drain()
    assert len(post.carried) == 20
    assert post.attempts.count("dead") < 12, "the circuit keeps it from being tried again and again"


def test_destinations_that_hold_on_leave_threads_for_others(db: Database) -> None:
    post = Post()
    for n in range(20):
        put(db, f"stuck{n:02}", 5)
    with db.write() as conn:  # all of them failed before
        for n in range(20):
            conn.execute(store.destinations.insert().values(
                workspace=SHOP, channel="post", destination=f"stuck{n:02}", failures=1, closed_until=0))  # fmt: skip
    put(db, "zoe", 8)
    with dispatching(db, post, threads=8) as dispatcher:
        deadline = time.monotonic() + 15
        while len(post.carried) < 8 and time.monotonic() < deadline:
            dispatcher.run_once(now_us())
            time.sleep(0.01)
        assert len(post.carried) == 8


def test_what_is_about_an_order_goes_before_news_wherever_they_go(any_db: Database) -> None:
    db = any_db
    post = Post()
    put(db, "ada", 40, purpose="marketing", now=now_us() - MINUTE)
    put(db, "bo", 40, purpose="marketing", now=now_us() - MINUTE)
    put(db, "ada", 1, key="order ada", purpose="transactional")
    put(db, "zoe", 3, purpose="transactional")
    with dispatching(db, post, threads=4) as dispatcher:
        dispatcher.run_once(now_us())
        dispatcher.drain()
        assert sorted(post.attempts) == ["ada", "zoe", "zoe", "zoe"]
        run(dispatcher)
    assert len(post.carried) == len(set(post.carried)) + 1 == 84, "`ada 0` is the name of two"


def test_each_destination_has_its_turn_however_much_lies_before_it(any_db: Database) -> None:
    db = any_db
    post = Post()
    for destination in ("ada", "bo", "zoe"):
        put(db, destination, 30)
    with dispatching(db, post, threads=4) as dispatcher:
        while len(post.attempts) < 12:
            dispatcher.run_once(now_us())
            dispatcher.drain()
    assert set(post.attempts[:12]) == {"ada", "bo", "zoe"}


def test_what_is_held_costs_one_look_and_a_full_house_none(db: Database) -> None:
    post = Post()
    for n in range(20):
        put(db, f"held{n:02}", due_at=now_us() + DAY)
    for n in range(20):
        put(db, f"stuck{n:02}", 5)
    with dispatching(db, post, threads=4) as dispatcher, db.read() as conn:
        asked = queries_of(conn)
        assert list(dispatcher._wanted(conn, now_us() - MINUTE)) == []
        assert len(asked) == 2 * 41 + 1, "one step for each, and the end, both times"
        dispatcher.run_once(now_us())
        asked.clear()
        assert list(dispatcher._wanted(conn, now_us())) == []
        assert len(asked) == 2, "the circuits, and one that finds no thread free"


def test_an_empty_outbox_is_looked_at_again_once_somebody_has_committed(db: Database) -> None:
    post = Post()
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 0
        for number in range(3):
            assert dispatcher.run_once(now_us()) == 0
            put(db, f"ada{number}")
            assert run(dispatcher) == 1
    assert len(post.carried) == 3


def queries_of(conn: Connection) -> list[str]:
    """What is asked by this connection from now on."""
    asked: list[str] = []

    def heard(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(conn, "before_cursor_execute", heard)
    return asked


def test_whoever_lost_its_lease_changes_nothing_of_what_the_next_one_did(any_db: Database) -> None:
    db = any_db
    slow, post = Post(), Post()
    put(db, "stuck")
    post.release.set()
    with dispatching(db, slow) as one, dispatching(db, post) as other:
        assert one.run_once(now_us()) == 1
        assert run(other, now_us() + 31 * SECOND) == 1
        [before] = rows(db)
        slow.release.set()
        one.drain()
        assert rows(db) == [before]
    assert before.attempts == 2


def test_a_destination_that_answers_again_is_served_again(db: Database) -> None:
    post = Post()
    put(db, "ada")
    with db.write() as conn:
        conn.execute(store.destinations.insert().values(
            workspace=SHOP, channel="post", destination="ada", failures=7, closed_until=now_us() + MINUTE))  # fmt: skip
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 0
        assert run(dispatcher, now_us() + 2 * MINUTE) == 1
    with db.read() as conn:
        assert conn.execute(sa.select(store.destinations.c.failures)).scalars().all() == [0]


def test_a_worker_whose_clock_is_ahead_lets_a_destination_rest_all_the_same(db: Database) -> None:
    post = Post()
    put(db, "ada")
    with db.write() as conn:
        until = now_us() + 11 * MINUTE
        conn.execute(store.destinations.insert().values(
            workspace=SHOP, channel="post", destination="ada", failures=20, closed_until=until))  # fmt: skip
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 0


def test_who_is_gone_is_switched_off_and_sent_nothing_more(any_db: Database) -> None:
    db = any_db
    post = Post()
    put(db, "gone", 5)
    with dispatching(db, post, per_destination=1) as dispatcher:
        run(dispatcher)
    assert post.attempts == ["gone"]
    assert post.switched_off == ["gone"]
    assert {(row.status, row.last_error) for row in rows(db)} == {("dead", "moved away")}


def test_a_channels_bug_is_a_failed_attempt(db: Database) -> None:
    post = Post()
    put(db, "broken")
    with dispatching(db, post) as dispatcher:
        run(dispatcher)
    [row] = rows(db)
    assert (row.status, row.last_error) == ("pending", "ValueError")


def test_what_was_under_way_when_the_process_died_is_taken_up_again(db: Database) -> None:
    post = Post()
    put(db, "ada")
    with db.write() as conn:  # claimed by somebody who is no more
        conn.execute(store.outbox.update().values(leased_until=now_us() + 30 * SECOND, attempts=1))
    with dispatching(db, post) as dispatcher:
        assert run(dispatcher) == 0
        assert run(dispatcher, now_us() + 31 * SECOND) == 1
    assert post.carried == ["ada 0"]


class Press(Post):
    """A post that writes many letters at once; it cannot write those to `blank`."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared: list[int] = []

    def prepare(
        self, messages: Sequence[Outgoing], *, now: int
    ) -> Mapping[tuple[WorkspaceId, str], Callable[[], Delivered]]:
        self.prepared.append(len(messages))
        return {
            (one.workspace, one.id): partial(self.deliver, one, now=now)
            for one in messages
            if one.destination != "blank"
        }


def test_a_channel_that_writes_many_at_once_is_given_many_and_each_goes_once(any_db: Database) -> None:
    db, post = any_db, Press()
    put(db, "ada", 40)
    put(db, "blank", 3)
    with dispatching(db, post, threads=8, per_destination=2) as one, dispatching(db, post) as other:
        threads = [threading.Thread(target=run, args=(dispatcher,)) for dispatcher in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run(one)
    assert max(post.prepared) > 8
    assert len(post.carried) == len(set(post.carried)) == 43
    assert {(row.status, row.attempts) for row in rows(db)} == {("delivered", 1)}


def test_what_waits_behind_a_failure_is_put_back_and_was_no_attempt(any_db: Database) -> None:
    db, post = any_db, Press()
    put(db, "dead", 12)
    with dispatching(db, post, per_destination=1) as dispatcher:
        assert dispatcher.run_once(now_us()) == 8
        dispatcher.drain()
    assert post.attempts == ["dead"]
    assert sorted((row.attempts, row.leased_until) for row in rows(db)) == [(0, 0)] * 11 + [(1, 0)]


def test_news_that_cannot_be_told_of_one_message_is_told_of_the_others(any_db: Database) -> None:
    db, heard = any_db, list[str]()

    def listen(conn: Connection, outcomes: Sequence[Outcome], now: int) -> None:
        for one in outcomes:
            if one.message.destination == "ada":
                raise ValueError("a slice's bug")
        heard.extend(one.message.destination for one in outcomes)

    put(db, "ada")
    put(db, "bo")
    put(db, "zoe")
    with dispatching(db, Post(), listeners=[listen]) as dispatcher, db.write() as conn:
        told = [Outcome(one, "delivered", "") for one in claimed(conn)]
        dispatcher._recorder.tell(conn, told, 1)
    assert sorted(heard) == ["bo", "zoe"]


def claimed(conn: Connection) -> list[Outgoing]:
    columns = [store.outbox.c[name] for name in Outgoing.__struct_fields__]
    return [Outgoing(**row._mapping) for row in conn.execute(sa.select(*columns))]


def test_two_dispatchers_send_nothing_twice(any_db: Database) -> None:
    db = any_db
    post = Post()
    put(db, "ada", 60)
    put(db, "bo", 60)
    with dispatching(db, post) as one, dispatching(db, post) as other:
        threads = [threading.Thread(target=run, args=(dispatcher,)) for dispatcher in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run(one)
    assert len(post.carried) == len(set(post.carried)) == 120


def test_a_finished_message_can_be_sent_again_under_its_old_id(db: Database) -> None:
    post = Post()
    put(db, "ada")
    [row] = rows(db)
    with dispatching(db, post) as dispatcher:
        with db.write() as conn, pytest.raises(Conflict):
            deliveries.send_again(conn, SHOP, row.id, channel="post", destination="ada", now=now_us())
        run(dispatcher)
        with db.write() as conn:
            deliveries.send_again(conn, SHOP, row.id, channel="post", destination="ada", now=now_us())
        assert run(dispatcher) == 1
        with db.write() as conn, pytest.raises(NotFound):
            deliveries.send_again(conn, SHOP, "msg_other", channel="post", destination="ada", now=now_us())
    with db.read() as conn:
        [delivery] = deliveries.latest(conn, SHOP, channel="post", destination="ada")
    assert (delivery.id, delivery.status) == (row.id, "delivered")
