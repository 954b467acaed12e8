"""Customers in journeys: who enters, what they get and when, never twice, whatever becomes of them on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act.stages import Stages
from rapport.act.work import BatchWork
from rapport.app.wiring import installed
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.checking import BadJourney, read_graph
from rapport.capabilities.journeys.jobs import jobs
from rapport.capabilities.journeys.service import graphs, tasks
from rapport.capabilities.journeys.service.calling import enter
from rapport.capabilities.journeys.service.going import Going, Tools
from rapport.capabilities.journeys.service.library import Graphs
from rapport.capabilities.journeys.store import Instance
from rapport.capabilities.messages import store as messages
from rapport.capabilities.messages.store import MessageRow
from rapport.compose.slice import Joined
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, now_us, to_iso
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.remember import customers
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.following import Following
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import log
from rapport.storage.settings import Cache
from tests.databases import ENGINES, database_at
from tests.jobs import turns
from tests.shop import Shop

_NUMBERS = count(1)
SLICES = installed()
FIELDS = Fields(SLICES.remembered)
[STEPS, *_] = jobs(Joined(SLICES.remembered, SLICES.deciding, SLICES.gate))
BUCKETS = tuple(range(64))
TOOLS = Tools(graphs=Graphs(), fields=FIELDS, decider=None)

WELCOME: dict[str, Any] = {
    "title": "Welcome", "entry": {"on": "fact", "fact": "Signed Up"}, "control_percent": 0, "start": "hello",
    "nodes": {
        "hello": {"kind": "send", "template": "welcome", "data": {"url": "https://shop.example"}, "next": "wait"},
        "wait": {"kind": "wait", "for": "2h", "next": "end"},
        "end": {"kind": "exit"},
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people and journeys of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("journeys")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
        yield made
        made.close()


def put(shop: Shop, graph: Mapping[str, Any], name: str = "", **changed: Any) -> str:
    """A journey in force; answers its name. Its facts are this journey's alone."""
    name = name or f"j{next(_NUMBERS)}"
    with shop.db.write() as conn:
        graphs.save(
            conn, shop.id, name, read_graph({**graph, **changed}), fields=FIELDS, placements=SLICES.deciding.placements,
            by="the tests", now=now_us(),
        )  # fmt: skip
    return name


def own(graph: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The journey entered by a fact of a name that no other test uses."""
    fact = f"Thing {next(_NUMBERS)} Done"
    return {**graph, "entry": {**graph["entry"], "fact": fact}}, fact


def somebody(shop: Shop, **traits: Any) -> str:
    number = next(_NUMBERS)
    context: dict[str, Any] = {"consent": {"categoryPreferences": {"email_marketing": True}}}
    if "timezone" in traits:
        context["timezone"] = traits.pop("timezone")
    shop.send(
        {
            "type": "identify", "userId": f"u{number}", "messageId": f"i{number}", "timestamp": to_iso(now_us() - HOUR),
            "traits": {"email": f"u{number}@example.com", **traits}, "context": context,
        }
    )  # fmt: skip
    shop.fold()
    return f"u{number}"


def happens(shop: Shop, fact: str, user: str, *, at: int = 0, **properties: Any) -> None:
    shop.send(shop.message(fact, at=at or now_us(), user=user, **properties))
    shop.fold()


def go(shop: Shop, *, after: int = 0) -> None:
    """Steps that are due, now or after a while; records are brought up to date before."""
    following = Following(SLICES.remembered)
    with shop.db.write() as conn:
        customers.refresh(
            conn, limit=10_000, buckets=BUCKETS, remembered=SLICES.remembered,
            follower=_Follows(following),
        )  # fmt: skip
    shop.fold()
    turns(shop.db, STEPS, now=now_us() + after + 3 * SECOND)
    shop.fold()


class _Follows:
    def __init__(self, following: Following) -> None:
        self._following, self.parts = following, following.parts

    def __call__(self, conn: Any, workspace: Any, told: Any, gone: Any) -> None:
        log.append(conn, self._following.follow(conn, workspace, told, gone, now_us()))


def inside(shop: Shop, name: str) -> list[Instance]:
    with shop.db.read() as conn:
        query = sa.select(store.instances).where(store.instances.c.journey == name)
        return sorted((store.instance_of(row) for row in conn.execute(query)), key=lambda one: one.entered_at)


def sent(shop: Shop, user: str) -> list[MessageRow]:
    with shop.db.read() as conn:
        return messages.listed(conn, shop.id, strands=[key(shop, user)])[::-1]


def key(shop: Shop, user: str) -> Key:
    return Key(key_of(shop.id, Identifier("user_id", user)))


def stated(shop: Shop, name: str, journey: str) -> list[dict[str, Any]]:
    with shop.db.read() as conn:
        rows = log.latest(conn, shop.id, limit=500)
    facts = [msgspec.json.decode(row.body) for row in rows]
    return [one["properties"] for one in facts if one["name"] == name and one["properties"].get("journey") == journey]


def test_somebody_enters_is_written_to_once_and_leaves_at_the_end(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name = put(shop, graph)
    ada = somebody(shop)
    happens(shop, fact, ada)
    go(shop)
    go(shop)
    [one] = inside(shop, name)
    assert (one.node, one.state) == ("wait", "active")
    [mail] = sent(shop, ada)
    assert (mail.template, mail.status) == ("welcome", "queued")
    go(shop, after=2 * HOUR)
    [one] = inside(shop, name)
    assert (one.state, one.outcome) == ("done", "end")
    assert len(sent(shop, ada)) == 1
    assert [one["arm"] for one in stated(shop, "Journey Entered", name)] == ["journey"]
    assert [one["outcome"] for one in stated(shop, "Journey Left", name)] == ["end"]
    with shop.db.read() as conn:
        assert store.passed(conn, shop.id, name) == {
            ("", "hello"): 1, ("hello", "wait"): 1, ("wait", "end"): 1, ("end", ""): 1,
        }  # fmt: skip


CART: dict[str, Any] = {
    "title": "Cart", "control_percent": 0, "start": "wait",
    "entry": {"on": "fact", "fact": "Cart Left", "subject": "cart_id"},
    "goal": {"fact": "Cart Bought", "same_subject": True},
    "nodes": {
        "wait": {"kind": "wait", "for": "1h", "next": "remind"},
        "remind": {"kind": "send", "template": "welcome", "data": {"url": "https://s.example"}, "next": "end"},
        "end": {"kind": "exit"},
    },
}  # fmt: skip


def test_each_cart_has_a_journey_of_its_own_and_the_one_that_is_bought_leaves_it(shop: Shop) -> None:
    graph, fact = own(CART)
    bought = f"{fact} Bought"
    name = put(shop, graph, goal={"fact": bought, "same_subject": True})
    ada = somebody(shop)
    for cart in ("a", "b", "a"):
        happens(shop, fact, ada, cart_id=cart)
    go(shop)
    assert sorted(one.subject for one in inside(shop, name)) == ["a", "b"]
    happens(shop, bought, ada, cart_id="a")
    go(shop, after=HOUR)
    found = {one.subject: one.outcome for one in inside(shop, name)}
    assert found == {"a": "goal", "b": "end"}
    assert len(sent(shop, ada)) == 1


def test_a_message_about_an_order_says_when_it_was_bought_and_one_about_a_cart_does_not(shop: Shop) -> None:
    """By when the fact happened, not when a worker came to it: what was bought before counts as bought."""
    graph, fact = own(WELCOME)
    put(shop, graph)
    order = f"Order {fact}"
    put(shop, graph, entry={"on": "fact", "fact": order})
    ada, then = somebody(shop), now_us() - HOUR
    for each in (fact, order):
        happens(shop, each, ada, at=then)
    go(shop)
    said = [msgspec.json.decode(row.data) for row in sent(shop, ada)]
    assert sorted(one.get("bought_at", 0) for one in said) == [0, then // 1_000 * 1_000]


def test_what_somebody_did_under_a_name_that_became_theirs_only_later_counts(shop: Shop) -> None:
    """An order on a telephone, and then the sign-in that tells whose it is."""
    graph, fact = own(CART)
    bought = f"{fact} Bought"
    name = put(shop, graph, goal={"fact": bought})
    ada, browser = somebody(shop), f"browser{next(_NUMBERS)}"
    happens(shop, fact, ada, cart_id="a")
    go(shop)
    shop.send(shop.message(bought, at=now_us(), browser=browser))
    shop.fold()
    shop.send(shop.message("Signed In", at=now_us(), user=ada, browser=browser))
    shop.fold()
    go(shop, after=HOUR)
    assert [one.outcome for one in inside(shop, name)] == ["goal"]
    assert sent(shop, ada) == []


def test_two_customers_who_turn_out_to_be_one_are_in_the_journey_once(shop: Shop) -> None:
    graph, fact = own(CART)
    name = put(shop, graph)
    ada, browser = somebody(shop), f"browser{next(_NUMBERS)}"
    happens(shop, fact, ada, cart_id="a")
    shop.send(shop.message(fact, at=now_us(), browser=browser, cart_id="a"))
    shop.fold()
    go(shop)
    assert len(inside(shop, name)) == 2
    shop.send(shop.message("Signed In", at=now_us(), user=ada, browser=browser))
    shop.fold()
    go(shop, after=HOUR)
    assert sorted(one.outcome for one in inside(shop, name)) == ["end", "merged"]
    assert len(sent(shop, ada)) == 1


WAITING: dict[str, Any] = {
    "title": "Order story", "control_percent": 0, "start": "wait", "entry": {"on": "fact", "fact": "Order Placed"},
    "nodes": {
        "wait": {"kind": "fact", "until": {"fact": "Parcel Sent", "where": [{"property": "by", "value": "DHL"}]},
                 "at_most": "1d", "next": "sent", "otherwise": "late"},
        "sent": {"kind": "exit", "reason": "sent"},
        "late": {"kind": "exit", "reason": "late"},
    },
}  # fmt: skip


def test_waiting_for_a_fact_ends_by_the_fact_or_by_time(shop: Shop) -> None:
    graph, fact = own(WAITING)
    parcel = f"{fact} Parcel"
    graph["nodes"] = {**graph["nodes"], "wait": {**graph["nodes"]["wait"], "until": {
        "fact": parcel, "where": [{"property": "by", "value": "DHL"}]}}}  # fmt: skip
    name = put(shop, graph)
    ada, bo = somebody(shop), somebody(shop)
    for who in (ada, bo):
        happens(shop, fact, who)
    go(shop)
    happens(shop, parcel, ada, by="dhl")
    happens(shop, parcel, bo, by="another")
    go(shop)
    assert {one.strand: (one.state, one.reason) for one in inside(shop, name)} == {
        key(shop, ada): ("done", "sent"), key(shop, bo): ("active", ""),
    }  # fmt: skip
    go(shop, after=DAY + MINUTE)
    assert sorted(one.reason for one in inside(shop, name)) == ["late", "sent"]


def test_a_fact_that_came_while_the_step_was_under_way_is_found_in_the_log(shop: Shop) -> None:
    graph, fact = own(WAITING)
    parcel = f"{fact} Parcel"
    graph["nodes"] = {**graph["nodes"], "wait": {**graph["nodes"]["wait"], "until": {"fact": parcel}}}
    name = put(shop, graph)
    ada = somebody(shop)
    happens(shop, fact, ada)
    go(shop)
    happens(shop, parcel, ada, at=now_us() + 4 * SECOND)
    with shop.db.write() as conn:  # as if the stage had seen nobody waiting
        conn.execute(store.instances.update().where(store.instances.c.journey == name).values(heard=0))
    go(shop, after=DAY + MINUTE)
    assert [one.reason for one in inside(shop, name)] == ["sent"]


def test_in_a_circle_the_message_goes_each_time_however_long_they_walk(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    wait = {"kind": "wait", "for": "2h", "next": "hello"}
    put(shop, graph, nodes={"hello": graph["nodes"]["hello"], "wait": wait})
    ada = somebody(shop)
    happens(shop, fact, ada)
    go(shop)
    for turn in range(1, 31):
        turns(shop.db, STEPS, now=now_us() + turn * (2 * HOUR + MINUTE))
    assert len(sent(shop, ada)) == 31


def test_in_a_circle_staff_are_given_a_task_each_time(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    wait = {"kind": "wait", "for": "2h", "next": "call"}
    nodes = {"call": {"kind": "task", "title": "Call", "next": "wait"}, "wait": wait}
    name = put(shop, graph, nodes=nodes, start="call")
    happens(shop, fact, somebody(shop))
    go(shop)
    for turn in range(1, 3):
        turns(shop.db, STEPS, now=now_us() + turn * (2 * HOUR + MINUTE))
    with shop.db.read() as conn:
        assert sum(one.journey == name for one in tasks.listed(conn, shop.id, done=False, limit=500)) == 3


def test_what_somebody_did_is_found_however_much_others_did_before(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name, lost = put(shop, graph), f"{fact} Lost"
    ada, bo = somebody(shop), somebody(shop)
    happens(shop, fact, ada)
    happens(shop, fact, bo)
    go(shop)
    happens(shop, lost, bo, at=now_us() + DAY)
    some = inside(shop, name)
    with shop.db.write() as conn, conn.begin_nested() as busy:
        newest = log.latest(conn, shop.id, limit=200)
        row = next(row._asdict() for row in newest if row.strand == key(shop, ada))
        del row["seq"]
        changed = [{"message_id": f"{fact}-{n}", "occurred_at": now_us() + HOUR + n} for n in range(20_001)]
        conn.execute(log.facts.insert(), [{**row, **one} for one in changed])
        going = Going(conn, BatchWork(Stages((), own=()), Cache()), shop.id, TOOLS, some, now_us())
        past = going.past(some, lambda one: one.entered_at, names={lost})
        busy.rollback()
    found = {one.strand: [fact.name for fact in past[one.id]] for one in some}
    assert found == {key(shop, ada): [], key(shop, bo): [lost]}


def test_a_control_arm_enters_and_gets_nothing_the_same_people_every_time(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name = put(shop, graph, control_percent=50, again_after_days=0)
    people = [somebody(shop) for _ in range(12)]
    for _ in range(2):
        for who in people:
            happens(shop, fact, who)
        go(shop)
        go(shop, after=3 * HOUR)
    arms: dict[Key, set[str]] = {}
    for one in inside(shop, name):
        arms.setdefault(one.strand, set()).add(one.arm)
    assert all(len(found) == 1 for found in arms.values())
    assert {arm for found in arms.values() for arm in found} == {"journey", "control"}
    for who in people:
        assert bool(sent(shop, who)) is (arms[key(shop, who)] == {"journey"})


def test_conditions_about_the_customer_are_asked_at_the_door_and_on_the_way(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    nodes = {
        "branch": {"kind": "branch", "ways": [{"where": "orders >= 1", "next": "buyer"}], "otherwise": "new"},
        "buyer": {"kind": "exit", "reason": "buyer"}, "new": {"kind": "exit", "reason": "new"},
    }  # fmt: skip
    name = put(shop, {**graph, "nodes": nodes, "start": "branch", "if": "country = 'AT'"})
    ada, bo, cy = somebody(shop, country="AT"), somebody(shop, country="AT"), somebody(shop, country="DE")
    happens(shop, "Order Completed", bo, order_id=f"o{next(_NUMBERS)}", total=10, currency="EUR")
    for who in (ada, bo, cy):
        happens(shop, fact, who)
    go(shop)
    assert {one.strand: one.reason for one in inside(shop, name)} == {key(shop, ada): "new", key(shop, bo): "buyer"}


def test_a_message_that_cannot_go_takes_its_own_edge_and_nobody_elses(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    nodes = {
        **graph["nodes"], "hello": {**graph["nodes"]["hello"], "failed": "no"},
        "no": {"kind": "task", "title": "Call them", "next": "end"},
    }  # fmt: skip
    name = put(shop, {**graph, "nodes": nodes})
    ada, bo = somebody(shop), f"nobody{next(_NUMBERS)}"
    for who in (ada, bo):
        happens(shop, fact, who)
    go(shop)
    found = {one.strand: one.state for one in inside(shop, name)}
    assert found == {key(shop, ada): "active", key(shop, bo): "done"}
    with shop.db.read() as conn:
        rows = conn.execute(sa.select(store.tasks).where(store.tasks.c.journey == name)).all()
    assert [row.title for row in rows] == ["Call them"]


def test_those_inside_finish_the_old_version_or_move_to_the_new_one(shop: Shop) -> None:
    for inside_, reason in (("finish", "old"), ("move", "new")):
        graph, fact = own(WELCOME)
        nodes = {"wait": {"kind": "wait", "for": "1h", "next": "end"}, "end": {"kind": "exit", "reason": "old"}}
        name = put(shop, {**graph, "nodes": nodes, "start": "wait"})
        ada = somebody(shop)
        happens(shop, fact, ada)
        go(shop)
        nodes = {**nodes, "end": {"kind": "exit", "reason": "new"}}
        put(shop, {**graph, "nodes": nodes, "start": "wait", "inside": inside_}, name)
        go(shop, after=HOUR)
        assert [one.reason for one in inside(shop, name)] == [reason]


def test_a_stopped_journey_holds_everybody_where_they_stand_and_goes_on_from_there(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name = put(shop, graph)
    ada, bo = somebody(shop), somebody(shop)
    happens(shop, fact, ada)
    go(shop)
    with shop.db.write() as conn:
        graphs.change_state(conn, shop.id, name, live=False, by="the tests", now=now_us())
    happens(shop, fact, bo)
    go(shop, after=3 * HOUR)
    assert [(one.node, one.state) for one in inside(shop, name)] == [("wait", "parked")]
    with pytest.raises(Conflict, match="stopped"), shop.db.write() as conn:
        enter(conn, shop.id, name, key(shop, bo), subject="", ident="1", data={}, now=now_us())
    with shop.db.write() as conn:
        graphs.change_state(conn, shop.id, name, live=True, by="the tests", now=now_us())
    go(shop, after=3 * HOUR)
    assert [one.outcome for one in inside(shop, name)] == ["end"]


def test_a_removed_journey_lets_everybody_go_and_cannot_be_entered(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name = put(shop, graph)
    ada = somebody(shop)
    happens(shop, fact, ada)
    go(shop)
    with shop.db.write() as conn:
        graphs.remove(conn, shop.id, name, by="the tests", now=now_us())
    go(shop, after=3 * HOUR)
    assert [one.outcome for one in inside(shop, name)] == ["removed"]
    happens(shop, fact, somebody(shop))
    go(shop)
    assert len(inside(shop, name)) == 1
    with pytest.raises(NotFound), shop.db.read() as conn:
        graphs.find(conn, shop.id, name)


def test_a_step_that_fails_for_one_is_tried_again_and_stops_nobody_else(shop: Shop) -> None:
    graph, fact = own(WELCOME)
    name = put(shop, graph)
    ada, bo = somebody(shop), somebody(shop)
    happens(shop, fact, ada, odd=True)
    happens(shop, fact, bo)
    odd = "x" * 300
    with shop.db.write() as conn:  # a template name that nothing can take: what a bug of ours would be
        i = store.instances.c
        conn.execute(
            store.instances.update().where(i.journey == name, i.strand == key(shop, ada)).values(
                context=msgspec.json.encode({"fact": odd, "entry": {"products": [{"quantity": 1, "price": {"a": 1}}],
                                                                    "currency": "EUR"}})
            )
        )  # fmt: skip
    go(shop)
    assert {one.strand: one.node for one in inside(shop, name)}[key(shop, bo)] == "wait"


def test_every_fault_of_a_graph_is_named_with_its_place(shop: Shop) -> None:
    nodes: dict[str, Any] = {
        "a": {"kind": "send", "template": "nothing", "next": "gone"},
        "b": {"kind": "branch", "ways": [{"where": "orders >>> 1", "next": "a"}], "otherwise": "a"},
        "c": {"kind": "split", "ways": [{"percent": 50, "next": "a"}, {"percent": 49, "next": "b"}]},
    }  # fmt: skip
    with pytest.raises(BadJourney) as caught:
        put(shop, {**WELCOME, "nodes": nodes, "start": "c", "goal": {"fact": "X", "same_subject": True}})
    assert [one["path"] for one in caught.value.errors] == [
        "$.nodes.a.next", "$.nodes.c.ways", "$.goal.same_subject", "$.nodes.a.template", "$.nodes.b.ways.0.where",
    ]  # fmt: skip
    circle = {"a": {"kind": "send", "template": "welcome", "next": "a"}}
    with pytest.raises(BadJourney, match="circle"):
        put(shop, {**WELCOME, "nodes": circle, "start": "a"})
    with pytest.raises(BadJourney, match=r"\$\.nodes\.a\.for"):
        put(shop, {**WELCOME, "nodes": {"a": {"kind": "wait", "for": "soon", "next": "a"}}, "start": "a"})


def test_what_is_written_at_once_by_two_is_kept_of_one(shop: Shop) -> None:
    name = put(shop, WELCOME)
    with shop.db.read() as conn:
        tag = graphs.tag_of(graphs.find(conn, shop.id, name))
    arguments: dict[str, Any] = {"fields": FIELDS, "placements": (), "by": "Bo", "now": now_us(), "seen": tag}
    with shop.db.write() as conn:
        graphs.save(conn, shop.id, name, read_graph({**WELCOME, "title": "One"}), **arguments)
    with pytest.raises(Conflict, match="since you looked"), shop.db.write() as conn:
        graphs.save(conn, shop.id, name, read_graph({**WELCOME, "title": "Two"}), **arguments)
