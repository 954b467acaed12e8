"""Send rules of any slice are asked at the moment of delivery; what is not known to be allowed is not sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import pytest
import sqlalchemy as sa

from rapport.act import deliveries, outbox, store
from rapport.act.channels import Channel, ChannelSettings, Outgoing
from rapport.act.send_rules import AFTER_FAILURE, Drop, Hold, SendRule, Verdict
from rapport.compose.installed import Installed
from rapport.compose.slice import Slice
from rapport.kernel.clock import DAY, SECOND, now_us
from rapport.kernel.ids import Key
from rapport.kernel.work import Connection, Message, Purpose
from rapport.storage.engine import Database
from tests.rooms.act.test_outbox import SHOP, Post, dispatching, rows, run

ADA, BO = Key(b"a" * 16), Key(b"b" * 16)


def put(db: Database, strand: Key | None, purpose: Purpose = "marketing", *, number: int = 1) -> None:
    """Messages to somebody, each with the strand's first letter and a number for its payload."""
    name = strand[:1].decode() if strand else "nobody"
    messages = [
        Message(
            workspace=SHOP, channel="post", destination=f"to-{name}", payload=f"{name}{n} {purpose}".encode(),
            idempotency_key=f"{name}{n} {purpose}", strand=strand, purpose=purpose,
        )
        for n in range(number)
    ]  # fmt: skip
    with db.write() as conn:
        outbox.write(conn, messages, now=now_us() - 1)


class Rule:
    """By hand: says its verdict about Ada, and remembers what it was asked."""

    def __init__(self, about_ada: Verdict | Callable[[int], Verdict] | Exception | None) -> None:
        self.about_ada = about_ada
        self.asked: list[list[str]] = []

    def __call__(self, conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
        self.asked.append(sorted(message.payload.decode() for message in messages))
        said = self.about_ada
        if isinstance(said, Exception):
            raise said
        if said is None:
            return {}
        verdict = said if isinstance(said, Hold | Drop) else said(now)
        return {message.id: verdict for message in messages if message.strand == ADA}


def rule(ask: Rule, name: str = "quiet", **applies: tuple[str, ...]) -> SendRule:
    return SendRule(name=name, title=name.title(), ask=ask, **applies)  # type: ignore[arg-type]


def test_a_rule_is_asked_once_for_all_that_is_due_and_what_it_says_nothing_of_goes(any_db: Database) -> None:
    ask, post = Rule(None), Post()
    put(any_db, ADA, number=2)
    put(any_db, BO, number=2)
    with dispatching(any_db, post, rules=[rule(ask)]) as dispatcher:
        run(dispatcher)
    assert ask.asked == [["a0 marketing", "a1 marketing", "b0 marketing", "b1 marketing"]]
    assert len(post.carried) == 4


def test_a_held_message_goes_later_exactly_once_and_is_asked_about_again(any_db: Database) -> None:
    tomorrow = now_us() + DAY
    ask, post = Rule(lambda now: Hold(until=tomorrow, reason="quiet hours")), Post()
    put(any_db, ADA)
    put(any_db, BO)
    with dispatching(any_db, post, rules=[rule(ask)]) as dispatcher:
        run(dispatcher)
        assert post.carried == ["b0 marketing"]
        [held, _] = rows(any_db)
        assert (held.status, held.attempts, held.due_at, held.last_error) == ("pending", 0, tomorrow, "quiet hours")
        ask.about_ada = None
        assert run(dispatcher, tomorrow - SECOND) == 0
        assert run(dispatcher, tomorrow + SECOND) == 1
        assert run(dispatcher, tomorrow + DAY) == 0
    assert post.carried == ["b0 marketing", "a0 marketing"]


def test_a_message_held_beyond_its_days_is_tried_when_they_have_passed(db: Database) -> None:
    later = now_us() + 30 * DAY
    ask, post = Rule(lambda now: Hold(until=later, reason="on holiday")), Post()
    put(db, ADA)
    with dispatching(db, post, rules=[rule(ask)]) as dispatcher:
        run(dispatcher)
        ask.about_ada = None
        assert run(dispatcher, later + SECOND) == 1
    assert [row.status for row in rows(db)] == ["delivered"]


def test_a_dropped_message_is_finished_with_its_reason_and_can_be_sent_again_by_hand(any_db: Database) -> None:
    ask, post = Rule(Drop(reason="Ada wants no e-mail")), Post()
    put(any_db, ADA)
    with dispatching(any_db, post, rules=[rule(ask)]) as dispatcher:
        run(dispatcher)
        with any_db.read() as conn:
            [delivery] = deliveries.latest(conn, SHOP, channel="post", destination="to-a")
        assert (delivery.status, delivery.last_error, delivery.attempts) == ("held back", "Ada wants no e-mail", 0)
        assert delivery.finished_at is not None
        assert run(dispatcher, now_us() + DAY) == 0
        ask.about_ada = None
        with any_db.write() as conn:
            deliveries.send_again(conn, SHOP, delivery.id, channel="post", destination="to-a", now=now_us())
        run(dispatcher)
    assert post.carried == ["a0 marketing"]


def test_of_two_rules_the_drop_counts_and_of_two_holds_the_longer(db: Database) -> None:
    soon, late = now_us() + DAY, now_us() + 2 * DAY
    short, long, drop = (Rule(Hold(until=soon, reason="s")), Rule(Hold(until=late, reason="l")), Rule(Drop(reason="d")))
    post = Post()
    put(db, ADA)
    with dispatching(db, post, rules=[rule(short), rule(long), rule(drop, purposes=("operations",))]) as dispatcher:
        run(dispatcher)
    assert [(row.due_at, row.last_error) for row in rows(db)] == [(late, "l")]
    with db.write() as conn:
        conn.execute(store.outbox.update().values(due_at=0))
    with dispatching(db, post, rules=[rule(short), rule(drop), rule(long)]) as dispatcher:
        run(dispatcher)
    assert [(row.status, row.last_error) for row in rows(db)] == [("held back", "d")]
    assert len(long.asked) == 1, "what is dropped is asked about no more"


def test_a_failing_rule_holds_what_it_applies_to_and_nothing_else(any_db: Database) -> None:
    """The error's name is shown, the outbox goes on, and the message goes when the rule works again."""
    ask, post = Rule(ValueError("a bug")), Post()
    put(any_db, ADA)
    put(any_db, BO, "operations")
    with dispatching(any_db, post, rules=[rule(ask, purposes=("marketing",))]) as dispatcher:
        run(dispatcher)
        assert post.carried == ["b0 operations"]
        [held, _] = rows(any_db)
        assert (held.status, held.attempts, held.last_error) == ("pending", 0, "Quiet: ValueError")
        ask.about_ada = None
        assert run(dispatcher, now_us() + AFTER_FAILURE + SECOND) == 1
    assert post.carried == ["b0 operations", "a0 marketing"]


def test_a_rule_whose_query_fails_leaves_the_next_rule_its_own_snapshot(any_db: Database) -> None:
    class Broken(Rule):
        def __call__(self, conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
            conn.execute(sa.text("SELECT nothing FROM nowhere"))
            return {}

    class Reading(Rule):
        def __call__(self, conn: Connection, messages: Sequence[Outgoing], now: int) -> Mapping[str, Verdict]:
            super().__call__(conn, [message for message in messages if conn.execute(sa.text("SELECT 1")).scalar()], now)
            return {}

    reading, post = Reading(None), Post()
    put(any_db, ADA)
    with dispatching(any_db, post, rules=[rule(Broken(None), "broken"), rule(reading)]) as dispatcher:
        run(dispatcher)
    assert (reading.asked, post.carried) == ([["a0 marketing"]], [])


def test_rules_of_another_channel_are_not_asked(db: Database) -> None:
    ask, post = Rule(Drop(reason="no")), Post()
    put(db, ADA)
    with dispatching(db, post, rules=[rule(ask, channels=("email",))]) as dispatcher:
        run(dispatcher)
    assert (ask.asked, len(post.carried)) == ([], 1)


def test_a_process_killed_between_claim_and_verdict_loses_no_message_and_sends_none_twice(any_db: Database) -> None:
    ask, post = Rule(Hold(until=0, reason="in a second")), Post()
    put(any_db, ADA)
    with any_db.write() as conn:  # claimed by somebody who is no more
        conn.execute(store.outbox.update().values(leased_until=now_us() + 30 * SECOND, attempts=1))
    with dispatching(any_db, post, rules=[rule(ask)]) as dispatcher:
        assert run(dispatcher) == 0
        assert dispatcher.run_once(now_us() + 31 * SECOND) == 1
        ask.about_ada = None
        assert run(dispatcher, now_us() + 40 * SECOND) == 1
    assert post.carried == ["a0 marketing"]


def test_a_verdict_that_comes_after_the_claim_was_lost_changes_nothing(any_db: Database) -> None:
    """Somebody else took the message up meanwhile and delivered it: it stays delivered."""
    post = Post()
    put(any_db, ADA)

    def too_late(now: int) -> Verdict:
        with any_db.write() as conn:
            conn.execute(store.outbox.update().values(status="delivered", leased_until=0, finished_at=now))
        return Hold(until=now + DAY, reason="late")

    with dispatching(any_db, post, rules=[rule(Rule(too_late))]) as dispatcher:
        run(dispatcher)
    assert [(row.status, row.last_error) for row in rows(any_db)] == [("delivered", "")]


def test_two_dispatchers_hold_and_send_nothing_twice(any_db: Database) -> None:
    post, later = Post(), now_us() + DAY
    put(any_db, ADA, number=40)
    put(any_db, BO, number=40)
    rules = [rule(Rule(Hold(until=later, reason="later")))]
    with dispatching(any_db, post, rules=rules) as one, dispatching(any_db, post, rules=rules) as other:
        threads = [threading.Thread(target=run, args=(dispatcher,)) for dispatcher in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run(one)
    assert sorted(post.carried) == sorted(f"b{n} marketing" for n in range(40))
    assert {(row.due_at, row.attempts) for row in rows(any_db) if row.strand == ADA} == {(later, 0)}


def make(db: Database, given: ChannelSettings) -> Channel:
    return Post()


@pytest.mark.parametrize(
    ("what", "one", "other"),
    [
        (
            "channel",
            Slice(name="a", title="A", channels={"post": make}),
            Slice(name="b", title="B", channels={"post": make}),
        ),
        (
            "send rule",
            Slice(name="a", title="A", send_rules=(rule(Rule(None), "post"),)),
            Slice(name="b", title="B", send_rules=(rule(Rule(None), "post"),)),
        ),
    ],
)
def test_two_of_one_name_are_refused_with_both_slices(what: str, one: Slice, other: Slice) -> None:
    with pytest.raises(ValueError, match=f"of kind {what} are named 'post': 'a' and 'b'"):
        Installed([one, other])
