"""Who somebody is changes while they stand in a journey: two turn out to be apart, somebody is erased."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from rapport.act.store import outbox
from rapport.capabilities.messages import store as messages
from rapport.compose.erasure import erase
from rapport.kernel.clock import HOUR, now_us
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.kernel.principal import Principal
from rapport.resolve.actions.service import Identity
from rapport.resolve.actions.split import SplitWanted
from rapport.resolve.graph.customer_ids import ensure_secret
from tests.databases import ENGINES, database_at
from tests.rooms.capabilities.test_journeys import CART, SLICES, go, happens, inside, key, own, put, sent, somebody
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
