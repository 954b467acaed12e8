"""Who somebody is changes while they stand in a journey: two turn out to be apart, somebody is erased."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from rapport.act.store import outbox
from rapport.capabilities.journeys.checking import BadJourney
from rapport.capabilities.journeys.service import graphs
from rapport.capabilities.journeys.service.trying import dry_run
from rapport.capabilities.messages import store as messages
from rapport.compose.erasure import erase
from rapport.kernel.clock import DAY, HOUR, now_us, to_datetime
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph.customer_ids import ensure_secret
from tests.databases import ENGINES, database_at
from tests.rooms.capabilities.test_journeys import (
    CART,
    FIELDS,
    SLICES,
    go,
    happens,
    inside,
    key,
    own,
    put,
    sent,
    somebody,
)
from tests.shop import Shop

_NUMBERS = count(1)


@pytest.fixture(scope="module", params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for the file: each test has people and journeys of its own."""
    with database_at(request.param, tmp_path_factory.mktemp("people")) as url:
        made = Shop(url)
        with made.db.write() as conn:
            ensure_secret(conn)
        yield made
        made.close()


def part(shop: Shop, user: str, browser: str) -> None:
    by = Principal(workspace=shop.id, kind="user", id="usr_bo", name="Bo", role="agent", scopes=frozenset())
    wanted = SplitWanted(identifiers=[f"anonymous_id:{browser}"], keep_apart=True)
    Identity(shop.db).split(by, f"user_id:{user}", wanted, reason="a shared tablet")


def test_of_two_who_turn_out_to_be_apart_each_goes_on_alone_and_neither_gets_the_others_mail(shop: Shop) -> None:
    """What was put into a cart on a shared tablet is not Ada's, and what she buys does not end it."""
    graph, fact = own(CART)
    bought = f"{fact} Bought"
    name = put(shop, graph, goal={"fact": bought})
    ada, tablet = somebody(shop), f"tablet{next(_NUMBERS)}"
    shop.send(shop.message("Signed In", at=now_us(), user=ada, browser=tablet))
    shop.send(shop.message(fact, at=now_us(), browser=tablet, cart_id="a"))
    shop.fold()
    go(shop)
    part(shop, ada, tablet)
    happens(shop, bought, ada)
    go(shop, after=HOUR)
    [one] = inside(shop, name)
    assert one.strand == key_of(shop.id, Identifier("anonymous_id", tablet))
    assert one.outcome == "end", "another's purchase reaches no goal of theirs"
    assert sent(shop, ada) == []


def test_somebody_erased_leaves_every_journey_and_nothing_of_them_is_sent_any_more(shop: Shop) -> None:
    graph, fact = own(CART)
    name = put(shop, graph)
    ada, bo = somebody(shop), somebody(shop)
    for who, cart in ((ada, "on the way"), (ada, "sent"), (bo, "his")):
        happens(shop, fact, who, cart_id=cart)
    go(shop)
    root = Key(key(shop, ada))
    with shop.db.write() as conn:
        erase(conn, SLICES, shop.id, root, now=now_us(), told="then")
    go(shop, after=HOUR)
    assert {one.strand for one in inside(shop, name)} == {key(shop, bo)}
    with shop.db.read() as conn:
        assert messages.listed(conn, shop.id, strands=[root]) == []
    assert root not in {row["strand"] for row in shop.rows(outbox)}
    assert len(sent(shop, bo)) == 1
    shop.send(shop.message(fact, at=now_us(), user=ada, cart_id="again"))
    shop.fold()
    go(shop, after=HOUR)
    assert {one.strand for one in inside(shop, name)} == {key(shop, bo)}, "who was erased comes back by no late fact"


def test_two_facts_in_one_second_are_one_message(shop: Shop) -> None:
    """About one cart, told twice under two ids at the same instant, in one batch and in two."""
    graph, fact = own(CART)
    put(shop, graph)
    ada, at = somebody(shop), now_us()
    for _ in range(2):
        shop.send(shop.message(fact, at=at, user=ada, cart_id="a"), shop.message(fact, at=at, user=ada, cart_id="a"))
        shop.fold()
    go(shop)
    go(shop, after=HOUR)
    assert len(sent(shop, ada)) == 1


def test_who_has_no_clock_goes_by_the_shops_and_nobody_is_lost(shop: Shop) -> None:
    """Of people whose zone is a word, an old name, too long or nothing, each gets their message at the shop's hour."""
    graph, fact = own(CART)
    hour = {"kind": "hour", "at": "09:00", "next": "remind"}
    name = put(shop, {**graph, "nodes": {**graph["nodes"], "wait": hour}})
    zones = ("Mars/Base", "US/Pacific-New", "../../etc/passwd", "x" * 300, "", "GMT+25:00")
    people = [somebody(shop, **({"timezone": zone} if zone else {})) for zone in zones]
    for one in people:
        happens(shop, fact, one, cart_id="a")
    go(shop)
    rests = inside(shop, name)
    assert len(rests) == len(zones)
    assert {to_datetime(one.due_at).hour for one in rests} == {9}
    go(shop, after=DAY)
    assert [len(sent(shop, one)) for one in people] == [1] * len(zones)


def test_whoever_the_channel_does_not_reach_gets_it_by_the_next_and_walks_on(shop: Shop) -> None:
    """Who can be sent it by another channel takes the usual way; who by none takes the edge of those who cannot."""
    graph, fact = own(CART)
    remind = {**graph["nodes"]["remind"], "channel": "push", "fallback": ["email"], "failed": "sorry"}
    sorry = {"kind": "exit", "reason": "nothing reaches them"}
    name = put(shop, {**graph, "nodes": {**graph["nodes"], "remind": remind, "sorry": sorry}})
    ada, nobody = somebody(shop), f"n{next(_NUMBERS)}"
    for one in (ada, nobody):
        happens(shop, fact, one, cart_id="a")
    go(shop)
    go(shop, after=HOUR)
    reasons = {one.strand: one.reason for one in inside(shop, name)}
    assert reasons == {key(shop, ada): "", key(shop, nobody): "nothing reaches them"}
    assert [(row.channel, row.status) for row in sent(shop, ada)] == [("push", "held"), ("email", "queued")]
    with shop.db.read() as conn:
        graph_now = graphs.find(conn, shop.id, name).graph
        tried = dry_run(conn, shop.id, name, graph_now, fields=FIELDS, now=now_us() + 2 * HOUR)
    assert tried.channels == {"email": 1, "none": 1}


@pytest.mark.parametrize(
    ("send", "fault"),
    [({"fallback": ["pigeon"]}, "no channel 'pigeon'"), ({"fallback": ["email"]}, "each is tried once"),
     ({"fallback": ["sms", "sms"]}, "each is tried once"), ({"channel": "owl"}, "no channel 'owl'")],
)  # fmt: skip
def test_a_way_that_is_none_is_named_with_its_place(shop: Shop, send: dict[str, Any], fault: str) -> None:
    graph, _ = own(CART)
    nodes = {**graph["nodes"], "remind": {**graph["nodes"]["remind"], **send}}
    with pytest.raises(BadJourney) as bad:
        put(shop, {**graph, "nodes": nodes})
    [one] = bad.value.errors
    assert one["path"].startswith("$.nodes.remind.")
    assert fault in one["message"]
    put(
        shop,
        {**graph, "nodes": {**nodes, "remind": {**graph["nodes"]["remind"], "channel": "preferred", "fallback": []}}},
    )
