"""Journeys that begin by the clock, questions they ask, tasks they give, and what one is worth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.jobs import jobs
from rapport.capabilities.journeys.service import tasks
from rapport.capabilities.journeys.service.answering import answer, open_questions
from rapport.capabilities.journeys.service.clocked import LATE
from rapport.capabilities.journeys.service.effect import Effect, Measured, effect_of
from rapport.capabilities.messages import store as messages
from rapport.compose.slice import Joined
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, now_us, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.remember.segments import service as segments
from rapport.remember.segments.following import fill_now
from rapport.resolve.graph.customer_ids import ensure_secret
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.rooms.capabilities.test_journeys import FIELDS, SLICES, go, happens, inside, key, own, put, somebody, stated
from tests.shop import Shop

_NUMBERS = count(1)
[_, STARTS] = jobs(Joined(SLICES.remembered, SLICES.deciding, SLICES.gate))


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people and journeys of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("clockwork")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
        yield made
        made.close()


def by_the_clock(shop: Shop, **changed: Any) -> str:
    """A journey that begins every morning for whoever lives in a city that is no other test's."""
    city = f"City {next(_NUMBERS)}"
    name = city.replace(" ", "_").lower()
    with shop.db.write() as conn:
        segments.add(conn, shop.id, name=name, where=f"city = '{city}'", fields=FIELDS, by="the tests", now=now_us())
        fill_now(conn, shop.id, SLICES.remembered, now=now_us())
    entry = {"on": "time", "segment": name, "at": "09:00"}
    graph = {
        "title": "Morning",
        "entry": entry,
        "control_percent": 0,
        "start": "end",
        "nodes": {"end": {"kind": "exit"}},
    }
    return put(shop, graph, name, **changed)


def live_in(shop: Shop, name: str, number: int) -> list[str]:
    """So many people of that city."""
    city = name.replace("_", " ").capitalize()
    people = [somebody(shop, address={"city": city}) for _ in range(number)]
    go(shop)
    return people


def begins_at(shop: Shop, name: str) -> int:
    with shop.db.read() as conn:
        at = store.journey_row(conn, shop.id, name).next_at
    assert isinstance(at, int)
    return at


def test_at_its_hour_everybody_in_the_segment_enters_once_however_many_parts_it_takes(shop: Shop) -> None:
    name = by_the_clock(shop, again_after_days=1)
    people = live_in(shop, name, 5)
    somebody(shop, address={"city": "Elsewhere"})
    first = begins_at(shop, name)
    assert turns(shop.db, STARTS, now=first - MINUTE) == []
    assert turns(shop.db, STARTS, now=first, at_most=2) == [2, 2, 1]
    assert sorted(one.strand for one in inside(shop, name)) == sorted(_mail(shop, who) for who in people)
    assert begins_at(shop, name) == first + DAY
    go(shop, after=first - now_us() + MINUTE)
    turns(shop.db, STARTS, now=first + DAY + HOUR)
    assert sorted(one.turn for one in inside(shop, name)) == [0] * 5 + [1] * 5
    assert begins_at(shop, name) == first + 2 * DAY


def _mail(shop: Shop, who: str) -> Key:
    return key_of(shop.id, Identifier("email", f"{who}@example.com"))


def test_whoever_was_in_it_enters_no_more_and_a_newcomer_does_the_next_morning(shop: Shop) -> None:
    name = by_the_clock(shop)
    live_in(shop, name, 1)
    first = begins_at(shop, name)
    turns(shop.db, STARTS, now=first)
    [newcomer] = live_in(shop, name, 1)
    turns(shop.db, STARTS, now=first + DAY)
    assert len(inside(shop, name)) == 2
    assert inside(shop, name)[-1].strand == _mail(shop, newcomer)


def test_a_morning_that_was_slept_through_is_left_out_and_a_short_outage_is_made_up_for(shop: Shop) -> None:
    name = by_the_clock(shop)
    live_in(shop, name, 1)
    first = begins_at(shop, name)
    turns(shop.db, STARTS, now=first + LATE + HOUR)
    assert inside(shop, name) == []
    assert begins_at(shop, name) == first + DAY
    turns(shop.db, STARTS, now=first + DAY + HOUR)
    assert len(inside(shop, name)) == 1


def asks(shop: Shop) -> tuple[str, str]:
    graph: dict[str, Any] = {
        "title": "Taste", "entry": {"on": "fact", "fact": ""}, "control_percent": 0, "start": "ask",
        "nodes": {
            "ask": {"kind": "ask", "question": "Red or white?", "trait": "taste", "choices": ["red", "white"],
                    "at_most": "2d", "next": "said", "otherwise": "silent"},
            "said": {"kind": "task", "title": "Put a bottle aside", "next": "end"},
            "end": {"kind": "exit", "reason": "said"}, "silent": {"kind": "exit", "reason": "silent"},
        },
    }  # fmt: skip
    graph, fact = own(graph)
    return put(shop, graph), fact


def test_an_answer_goes_into_the_record_and_has_the_journey_go_on(shop: Shop) -> None:
    name, fact = asks(shop)
    ada, bo = somebody(shop), somebody(shop)
    for who in (ada, bo):
        happens(shop, fact, who)
    go(shop)
    with shop.db.write() as conn:
        [asked] = open_questions(conn, shop.id, [key(shop, ada)], now=now_us())
        assert (asked.question, asked.choices) == ("Red or white?", ["red", "white"])
        with pytest.raises(InvalidInput):
            answer(conn, shop.id, asked.id, "beer", now=now_us())
        with pytest.raises(NotFound):
            answer(conn, shop.id, "another", "red", now=now_us())
        with pytest.raises(Conflict):
            answer(conn, shop.id, asked.id, "red", now=now_us() + 3 * DAY)
        for _ in range(2):
            answer(conn, shop.id, asked.id, "red", now=now_us())
        with pytest.raises(Conflict):
            answer(conn, shop.id, asked.id, "white", now=now_us())
        assert open_questions(conn, shop.id, [key(shop, ada)], now=now_us()) == []
    shop.fold()
    go(shop)
    assert {one.strand: one.reason for one in inside(shop, name)} == {key(shop, ada): "said", key(shop, bo): ""}
    said = [one for one in shop.facts("Question Answered") if one.properties["question_id"] == asked.id]
    assert [one.properties["answer"] for one in said] == ["red"]
    go(shop, after=2 * DAY)
    assert sorted(one.reason for one in inside(shop, name)) == ["said", "silent"]


def test_whoever_refuses_personalisation_is_asked_nothing(shop: Shop) -> None:
    _, fact = asks(shop)
    ada = somebody(shop)
    message = shop.message(fact, at=now_us(), user=ada)
    shop.send({**message, "context": {"consent": {"categoryPreferences": {"personalisation": False}}}})
    shop.fold()
    go(shop)
    with shop.db.read() as conn:
        assert open_questions(conn, shop.id, [key(shop, ada)], now=now_us()) == []
        [row] = conn.execute(sa.select(store.answers).where(store.answers.c.strand == key(shop, ada)))
    with shop.db.write() as conn, pytest.raises(Conflict):
        answer(conn, shop.id, row.id, "red", now=now_us())


def test_a_task_is_done_once_by_whoever_says_so_first_and_can_be_taken_back(shop: Shop) -> None:
    graph, fact = own({
        "title": "Card", "entry": {"on": "fact", "fact": ""}, "control_percent": 0, "start": "task",
        "nodes": {"task": {"kind": "task", "title": "Write a card", "note": "by hand", "next": "end"},
                  "end": {"kind": "exit"}},
    })  # fmt: skip
    name = put(shop, graph)
    happens(shop, fact, somebody(shop))
    go(shop)
    with shop.db.write() as conn:
        [row] = [one for one in tasks.listed(conn, shop.id, done=False, limit=500) if one.journey == name]
        now = now_us()
        done = tasks.set_done(conn, shop.id, row.id, done=True, by="Olga", now=now)
        assert (done.title, done.done_by, done.done_at) == ("Write a card", "Olga", to_iso(now))
        assert tasks.set_done(conn, shop.id, row.id, done=True, by="Paul", now=now + SECOND).done_by == "Olga"
        assert tasks.listed(conn, shop.id, done=True, limit=1)[0].id == row.id
        assert tasks.set_done(conn, shop.id, row.id, done=False, by="Paul", now=now).done_at is None
        with pytest.raises(NotFound):
            tasks.set_done(conn, shop.id, "none", done=True, by="Olga", now=now)
    assert [one.properties["by"] for one in shop.facts("Task Done") if one.properties["task_id"] == row.id] == ["Olga"]


def buys(shop: Shop, who: str, total: float, *, at: int) -> None:
    lines = [{"product_id": "p", "price": total, "quantity": 1}]
    order: dict[str, Any] = {"order_id": f"e{next(_NUMBERS)}", "total": total, "currency": "EUR", "products": lines}
    shop.send(shop.message("Order Completed", at=at, user=who, **order))


def effect(shop: Shop, name: str) -> Effect:
    with shop.db.read() as conn:
        return effect_of(conn, shop.id, name, now=now_us())


def test_the_effect_counts_each_customer_once_in_their_arm_by_what_they_ordered_since(shop: Shop) -> None:
    graph, fact = own({
        "title": "Half", "entry": {"on": "fact", "fact": "", "subject": "n"}, "control_percent": 50, "start": "end",
        "effect_days": 14, "nodes": {"end": {"kind": "exit"}},
    })  # fmt: skip
    name = put(shop, graph)
    assert (effect(shop, name).journey, effect(shop, name).control) == (0, 0)
    people = [somebody(shop) for _ in range(12)]
    for who in people:
        buys(shop, who, 1_000, at=now_us() - 30 * DAY)
    shop.fold()
    for who in people:
        happens(shop, fact, who, n=1)
        happens(shop, fact, who, n=2)
    go(shop)
    arms = {one.strand: one.arm for one in inside(shop, name)}
    given = [who for who in people if arms[key(shop, who)] == "journey"]
    held = [who for who in people if arms[key(shop, who)] == "control"]
    for who in given:
        buys(shop, who, 20, at=now_us())
        buys(shop, who, 10, at=now_us())
    for who in held[:1]:
        buys(shop, who, 30, at=now_us())
        buys(shop, who, 500, at=now_us() + 20 * DAY)
    shop.fold()
    found = effect(shop, name)
    assert (found.journey, found.control, found.both, found.is_enough) == (len(given), len(held), 0, False)
    of = {one.name: one for one in found.measures}
    assert (of["orders"].journey_mean, of["orders"].control_mean) == (2.0, 1 / len(held))
    assert (of["buyers"].journey_mean, of["revenue"].journey_mean) == (1.0, 3_000.0)
    assert _about(of["revenue"]) == pytest.approx(3_000 - 3_000 / len(held))
    assert of["revenue"].low is not None
    assert of["revenue"].low < 3_000 - 3_000 / len(held)
    assert found.ratio_p == 1.0
    assert (of["margin"].journey_mean, of["unsubscribed"].journey_mean, of["complained"].journey_mean) == (0, 0, 0)
    costs = [{"product_id": "p", "price": 50, "cost": 30, "quantity": 1}]
    order: dict[str, Any] = {"order_id": f"m{next(_NUMBERS)}", "total": 50, "currency": "EUR", "products": costs}
    shop.send(shop.message("Order Completed", at=now_us(), user=given[0], **order))
    consent = {"consent": {"categoryPreferences": {"email_marketing": False}}}
    for who in (given[0], held[0]):
        shop.send({"type": "track", "event": "Preferences Saved", "userId": who, "messageId": f"no{who}",
                   "timestamp": to_iso(now_us()), "properties": {}, "context": consent})  # fmt: skip
    shop.fold()
    with shop.db.write() as conn:
        address = Key(key_of(shop.id, Identifier("email", f"{given[0]}@example.com")))
        messages.suppress(conn, shop.id, "email", [address], reason="complained", now=now_us())
    told = {one.name: one for one in effect(shop, name).measures}
    assert told["margin"].journey_mean == pytest.approx(2_000 / len(given))
    shares = [(told[one].journey_mean, told[one].control_mean) for one in ("unsubscribed", "complained")]
    assert shares == [(1 / len(given), 1 / len(held)), (1 / len(given), 0.0)]
    put(shop, graph, name, control_percent=20)
    happens(shop, fact, somebody(shop), n=3)
    go(shop)
    assert effect(shop, name).ratio_p is None


def test_whoever_turns_out_to_be_in_both_arms_is_in_neither(shop: Shop) -> None:
    graph, fact = own({
        "title": "Half", "entry": {"on": "fact", "fact": "", "subject": "n"}, "control_percent": 50, "start": "end",
        "nodes": {"end": {"kind": "exit"}},
    })  # fmt: skip
    name, ada = put(shop, graph), somebody(shop)
    browsers = [f"both{number}" for number in range(12)]
    shop.send(shop.message(fact, at=now_us(), user=ada, n=0),
              *(shop.message(fact, at=now_us(), browser=one, n=1) for one in browsers))  # fmt: skip
    shop.fold()
    go(shop)
    arms = {one.strand: one.arm for one in inside(shop, name)}
    keys = {one: key_of(shop.id, Identifier("anonymous_id", one)) for one in browsers}
    other = next(one for one in browsers if arms[keys[one]] != arms[key(shop, ada)])
    shop.send(shop.message("Signed In", at=now_us(), user=ada, browser=other))
    shop.fold()
    found = effect(shop, name)
    assert (found.both, found.journey + found.control) == (1, len(browsers) - 1)


def _about(measure: Measured) -> float:
    assert measure.difference is not None
    return measure.difference


def test_a_journey_that_was_entered_is_left_with_its_fact(shop: Shop) -> None:
    name = by_the_clock(shop)
    live_in(shop, name, 1)
    first = begins_at(shop, name)
    turns(shop.db, STARTS, now=first)
    go(shop, after=first - now_us() + MINUTE)
    assert [one["outcome"] for one in stated(shop, "Journey Left", name)] == ["end"]


def test_what_is_due_is_found_by_the_index_of_times_however_many_sleep(shop: Shop) -> None:
    asked: list[tuple[str, Any]] = []
    with shop.db.write() as conn:

        def listen(conn_: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:  # noqa: FBT001
            asked.append((statement, parameters))

        sa.event.listen(conn, "before_cursor_execute", listen)
        store.next_due(conn, tuple(range(64)))
        store.claim(conn, tuple(range(64)), now=now_us(), limit=500)
        sa.event.remove(conn, "before_cursor_execute", listen)
        if is_postgres := conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL enable_seqscan = off")  # on a table of a few rows a scan is right
        for statement, parameters in asked:
            explain = "EXPLAIN " if is_postgres else "EXPLAIN QUERY PLAN "
            plan = "\n".join(str(row[-1]) for row in conn.exec_driver_sql(explain + statement, parameters))
            assert "journey_instances_due" in plan
            assert "Sort" not in plan
            assert "TEMP B-TREE" not in plan
