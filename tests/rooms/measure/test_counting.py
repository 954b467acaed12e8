"""Pages never wait long for their numbers: what takes time is counted once, kept with its moment, and let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.measure import counting
from rapport.measure.counting import Counting, counted_answers
from rapport.storage.engine import Database
from rapport.storage.suppression import erasing

SHOP = WorkspaceId(1)
ASKED = {"page": "insights", "tab": "funnel", "days": 28}


class Number(msgspec.Struct, frozen=True):
    value: int


class Slow:
    """Counts up by one each time, once it is let."""

    def __init__(self) -> None:
        self.goes, self.counted = Event(), 0
        self.fails = False

    def count(self, conn: Connection) -> Number:
        assert self.goes.wait(10)
        if self.fails:
            raise TimeoutError("of its own")
        self.counted += 1
        return Number(conn.execute(sa.select(sa.literal(self.counted))).scalar_one())


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    """Everything counts as having taken long."""
    monkeypatch.setattr(counting, "WORTH_KEEPING_SECONDS", -1.0)
    monkeypatch.setattr(counting, "FRESH_TIMES", 10**9)
    return Slow()


@pytest.fixture
def desk(db: Database) -> Iterator[Counting]:
    found = Counting(db, patience=0.01)
    yield found
    found.close()


def settled(desk: Counting) -> None:
    for waiting in list(desk._under_way.values()):
        waiting.exception(10)


def age(db: Database, by: int) -> None:
    with db.write() as conn:
        conn.execute(sa.update(counted_answers).values(as_of=counted_answers.c.as_of - by))


def test_a_page_is_told_to_look_again_and_many_who_ask_are_counted_for_once(desk: Counting, slow: Slow) -> None:
    for _ in range(5):
        assert desk.ask(SHOP, ASKED, Number, slow.count) == (None, True)
    slow.goes.set()
    settled(desk)
    assert desk.ask(SHOP, ASKED, Number, slow.count) == (Number(1), False)
    assert slow.counted == 1, "kept while it is fresh"
    assert desk.ask(SHOP, {**ASKED, "days": 7}, Number, slow.count).answer in (None, Number(2)), "another question"


def test_what_was_kept_is_shown_while_newer_numbers_are_counted(db: Database, desk: Counting, slow: Slow) -> None:
    slow.goes.set()
    desk.ask(SHOP, ASKED, Number, slow.count)
    settled(desk)
    slow.goes.clear()
    age(db, 16 * MINUTE)
    assert desk.ask(SHOP, ASKED, Number, slow.count) == (Number(1), True)
    slow.goes.set()
    settled(desk)
    assert desk.ask(SHOP, ASKED, Number, slow.count) == (Number(2), False)


def test_after_an_erasure_and_after_a_week_nothing_from_before_is_told(
    db: Database, desk: Counting, slow: Slow
) -> None:  # fmt: skip
    slow.goes.set()
    changes: list[Callable[[], None]] = [lambda: age(db, counting.SHOWN_MOST), lambda: erase(db)]
    for n, change in enumerate(changes):
        desk.ask(SHOP, ASKED, Number, slow.count)
        settled(desk)
        slow.goes.clear()
        change()
        assert desk.ask(SHOP, ASKED, Number, slow.count) == (None, True), n
        slow.goes.set()
        settled(desk)


def erase(db: Database) -> None:
    with db.write() as conn:
        erasing(conn)


def test_what_counting_raises_is_raised_once_and_kept_nowhere(db: Database, desk: Counting, slow: Slow) -> None:
    slow.fails = True
    slow.goes.set()
    patient = Counting(db, patience=10)
    with pytest.raises(TimeoutError, match="of its own"):
        patient.ask(SHOP, ASKED, Number, slow.count)
    slow.fails = False
    assert patient.ask(SHOP, ASKED, Number, slow.count) == (Number(1), False)
    patient.close()


def test_what_failed_after_everybody_left_is_logged_and_told_to_who_asks_next_and_not_counted_again_at_once(
    desk: Counting, slow: Slow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    slow.fails = True
    assert desk.ask(SHOP, ASKED, Number, slow.count) == (None, True)
    slow.goes.set()
    settled(desk)
    assert "counting for the page insights of shop 1 failed: TimeoutError" in caplog.text
    slow.fails = False
    for _ in range(2):
        with pytest.raises(TimeoutError, match="of its own"):
            desk.ask(SHOP, ASKED, Number, slow.count)
    monkeypatch.setattr(counting, "FAILED_SECONDS", 0.0)
    desk.ask(SHOP, ASKED, Number, slow.count)
    settled(desk)
    assert slow.counted == 1


def test_one_shop_takes_up_some_places_of_the_queue_and_another_is_counted_for(desk: Counting, slow: Slow) -> None:
    for days in range(20):
        assert desk.ask(SHOP, {**ASKED, "days": days}, Number, slow.count) == (None, True)
    assert len(desk._under_way) == counting.MOST_OF_SHOP
    desk.ask(WorkspaceId(2), ASKED, Number, slow.count)
    assert len(desk._under_way) == counting.MOST_OF_SHOP + 1
    slow.goes.set()
    settled(desk)
    desk.ask(SHOP, {**ASKED, "days": 19}, Number, slow.count)
    settled(desk)
    assert slow.counted == counting.MOST_OF_SHOP + 2


def test_what_was_quick_and_had_to_wait_for_others_is_kept_for_who_asks_again(
    desk: Counting, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(counting, "WORTH_KEEPING_SECONDS", 60.0)
    assert desk.ask(SHOP, ASKED, Number, slow.count) == (None, True)
    slow.goes.set()
    settled(desk)
    assert [desk.ask(SHOP, ASKED, Number, slow.count) for _ in range(2)] == [(Number(1), False)] * 2


def test_what_is_quick_is_told_as_it_is_now_and_kept_nowhere(db: Database) -> None:
    desk, quick = Counting(db), Slow()
    quick.goes.set()
    assert [desk.ask(SHOP, ASKED, Number, quick.count).answer for _ in range(2)] == [Number(1), Number(2)]
    desk.close()
    with db.read() as conn:
        assert conn.execute(sa.select(counted_answers)).all() == []
