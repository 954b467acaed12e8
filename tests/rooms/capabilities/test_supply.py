"""Stock: the latest statement of a place holds, what is old is unknown, and nothing is offered that cannot be had."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.supply import availability, not_to_be_had, product_shown, stores_with
from rapport.capabilities.supply import store as supply_store
from rapport.capabilities.supply.bundles import Part, bundle_levels
from rapport.capabilities.supply.model import Level, available_of
from rapport.collect.model import internal_source
from rapport.collect.names import Vocabulary
from rapport.collect.prepare import prepare
from rapport.decide.service import CustomerNamed
from rapport.kernel.clock import DAY, HOUR, MINUTE, now_us, to_iso
from rapport.kernel.errors import InvalidFact
from rapport.remember.store import customers
from tests.databases import sqlite_database
from tests.running import Server, http, wait_until
from tests.shop import NOON, Shop
from tests.slices import SLICES


def level(shop: Shop, place: str, product: str, on_hand: Any, *, at: int = NOON, **more: Any) -> dict[str, Any]:
    return shop.message(
        "Stock Level Changed", at=at, location_id=place, product_id=product, on_hand=on_hand, **more
    )  # fmt: skip


def had(shop: Shop, product: str, *, now: int = NOON + MINUTE, **where: str) -> tuple[str, int | None]:
    with shop.db.read() as conn:
        found = availability(conn, shop.id, [product], now=now, **where)[product]
    return found.state, found.available


def masked(shop: Shop, *products: str, now: int = NOON + MINUTE, **where: str) -> set[str]:
    with shop.db.read() as conn:
        return not_to_be_had(conn, shop.id, products, now=now, **where)


def test_what_is_reserved_is_not_there_and_each_store_speaks_for_itself(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        level(shop, "oxford", "p", 5, reserved=5), level(shop, "bath", "p", 3, reserved=1), level(shop, "bath", "q", -4)
    )
    shop.fold()
    assert had(shop, "p", location="oxford") == ("sold_out", 0)
    assert had(shop, "p", location="bath") == ("in_stock", 2)
    assert had(shop, "p") == ("in_stock", 2)
    assert had(shop, "q") == ("sold_out", 0)
    assert had(shop, "nobody-stated") == ("unknown", None)


def test_the_order_of_arrival_changes_nothing(tmp_path: Path) -> None:
    """Late, twice and shuffled over batches: the statement with the latest time holds."""
    for number, order in enumerate(itertools.permutations(range(3))):
        shop = Shop(sqlite_database(tmp_path / str(number)))
        told = [level(shop, "bath", "p", n, at=NOON + n * MINUTE) for n in range(3)]
        shop.send(*(told[n] for n in (*order, order[0])))
        shop.fold(batch=number % 3 + 1)
        assert had(shop, "p") == ("in_stock", 2)
        shop.close()


def test_a_level_that_is_too_old_is_unknown_and_a_store_does_not_promise_it(shop: Shop) -> None:
    shop.send(level(shop, "bath", "p", 9))
    shop.fold()
    later = NOON + 49 * HOUR
    assert had(shop, "p", now=later) == ("unknown", None)
    assert masked(shop, "p", now=later, location="bath") == {"p"}
    assert masked(shop, "p", now=later) == set()


def test_who_states_no_stock_offers_everything(shop: Shop) -> None:
    assert masked(shop, "p", "q") == set()
    assert masked(shop, "p", location="nowhere") == set()


def test_places_do_what_their_roles_say_and_markets_see_their_own(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        shop.message("Location Stated", at=NOON, location_id="dc", name="Warehouse", roles=["ships"], markets=["DE"]),
        shop.message("Location Stated", at=NOON, location_id="bath", name="Bath", roles=["pickup"]),
        level(shop, "dc", "p", 7), level(shop, "dc", "q", 0), level(shop, "bath", "q", 2),
    )  # fmt: skip
    shop.fold()
    assert had(shop, "q") == ("sold_out", 0)
    assert masked(shop, "p", "q", "r") == {"q"}
    assert masked(shop, "p", "q", location="bath") == {"p"}
    assert masked(shop, "p", "q", location="dc") == {"p", "q"}
    assert had(shop, "p", market="GB") == ("unknown", None)
    shop.send(shop.message("Location Stated", at=NOON + MINUTE, location_id="bath", name="Bath", open=False))
    shop.fold()
    assert masked(shop, "q", location="bath") == {"q"}


def test_a_decision_never_shows_what_the_chosen_store_cannot_hand_over(shop: Shop) -> None:
    for n in range(3):
        for product in ("a", "b", "c"):
            shop.send(shop.message("Product Viewed", at=NOON + n * MINUTE, user=f"u{n}", product_id=product, name="x"))
    shop.send(level(shop, "bath", "b", 0), level(shop, "bath", "c", 1))
    shop.fold()
    here = shop.decide(at=NOON + HOUR, customer=CustomerNamed(namespace="user_id", value="new"), product_id="a",
                       location="bath")  # fmt: skip
    assert [item["item_id"] for item in here.items] == ["c"]
    assert {g.name: g.removed for g in here.guardrails}["can_be_had"] == 1


def test_what_sells_out_between_the_slate_and_the_click_is_gone_from_the_next_one(any_shop: Shop) -> None:
    """And a store that closes hands nothing over: both hold from the next answer on, and the click is a click."""
    shop = any_shop
    for product in ("a", "b", "c"):
        shop.send(shop.message("Product Viewed", at=NOON, user="u", product_id=product, name="x"))
    shop.send(level(shop, "bath", "b", 1), level(shop, "bath", "c", 1))
    shop.fold()
    ada = CustomerNamed(namespace="user_id", value="ada")

    def offered(minute: int) -> list[str]:
        made = shop.decide(at=NOON + minute * MINUTE, customer=ada, product_id="a", location="bath")
        decisions.append(made.decision_id)
        return sorted(item["item_id"] for item in made.items)

    decisions: list[str] = []
    assert offered(1) == ["b", "c"]
    shop.send(
        shop.message("Order Completed", at=NOON + 2 * MINUTE, user="bo", order_id="o", products=[{"product_id": "b"}]),
        level(shop, "bath", "b", 0, at=NOON + 2 * MINUTE),
        shop.message("Product Clicked", at=NOON + 3 * MINUTE, user="ada", product_id="b", decision_id=decisions[0]),
    )  # fmt: skip
    shop.fold()
    assert had(shop, "b", now=NOON + 4 * MINUTE) == ("sold_out", 0)
    assert offered(4) == ["c"]
    [row] = shop.metric("decisions").rows
    assert (row["decided"], row["clicked"]) == (2, 1)
    shop.send(shop.message("Location Stated", at=NOON + 5 * MINUTE, location_id="bath", name="Bath", open=False))
    shop.fold()
    assert offered(6) == []
    shop.send(shop.message("Location Stated", at=NOON + 7 * MINUTE, location_id="bath", name="Bath"))
    shop.fold()
    assert offered(8) == ["c"]


def test_a_bundle_has_what_its_parts_allow_in_each_place(any_shop: Shop) -> None:
    """Two glasses and a Chianti: what is sold of a part is gone from the bundle, whatever is said of its own level."""
    shop = any_shop
    parts = [{"product_id": "chianti"}, {"product_id": "glass", "quantity": "2"}]
    shop.send(
        shop.message("Bundle Stated", at=NOON, product_id="gift", parts=parts),
        level(shop, "bath", "chianti", 4), level(shop, "bath", "glass", 5, reserved=1), level(shop, "dc", "glass", 90),
        level(shop, "bath", "gift", 70),
    )  # fmt: skip
    shop.fold()
    assert had(shop, "gift", location="bath") == ("in_stock", 2)
    assert had(shop, "gift", location="dc") == ("unknown", None), "nobody says that it has wine at all"
    assert had(shop, "gift") == ("in_stock", 2), "wine here and glasses there make no gift"
    assert masked(shop, "gift", "glass", location="dc") == {"gift"}
    with shop.db.read() as conn:
        stores = [one.location_id for one in stores_with(conn, shop.id, {"gift": 2}, now=NOON + MINUTE)]
        assert stores == ["bath"]
        assert stores_with(conn, shop.id, {"gift": 2, "glass": 1}, now=NOON + MINUTE) == [], "both need the glasses"
        seen = product_shown(conn, shop.id, "gift", now=NOON + MINUTE)
        assert [(place.location_id, place.available) for place in seen.places] == [("bath", 2), ("dc", 0)]
    shop.send(level(shop, "bath", "chianti", 0, at=NOON + MINUTE))
    shop.fold()
    assert masked(shop, "gift", location="bath") == masked(shop, "gift") == {"gift"}
    shop.send(shop.message("Bundle Stated", at=NOON + MINUTE, product_id="gift", parts=[]))
    shop.fold()
    assert had(shop, "gift", location="bath") == ("in_stock", 70)
    shop.send(shop.message("Bundle Stated", at=NOON, product_id="gift", parts=parts))
    shop.fold()
    assert had(shop, "gift", location="bath") == ("in_stock", 70), "late news is no news"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=3, unique_by=lambda p: p[0]),
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(-3, 30)), max_size=8,
             unique_by=lambda level: level[:2]),
)  # fmt: skip
def test_a_place_can_make_all_bundles_it_says_it_has_and_not_one_more(
    made: list[tuple[str, int]], lying: list[tuple[str, str, int]]
) -> None:
    parts = [Part(product, "", pieces) for product, pieces in made]
    told = [Level(SHOP, product, "", place, number, 0, 0, None, NOON, "f") for product, place, number in lying]
    there = {(product, place): max(0, number) for product, place, number in lying}
    found = {level.location_id: level.available for level in bundle_levels("gift", parts, told)}
    if not all(any(product == known for known, _, _ in lying) for product, _ in made):
        assert found == {}
    for place, number in found.items():
        assert all(there.get((product, place), 0) >= number * pieces for product, pieces in made)
        assert any(there.get((product, place), 0) < (number + 1) * pieces for product, pieces in made)


@pytest.mark.parametrize(
    "parts",
    [None, "a", [7], [{}], [{"product_id": "gift"}], [{"product_id": "a", "quantity": 0}],
     [{"product_id": "a", "quantity": "many"}], [{"product_id": str(n)} for n in range(51)]],
)  # fmt: skip
def test_a_bundle_that_cannot_be_read_is_refused(parts: object) -> None:
    source = internal_source(SHOP, "website")
    said = {"type": "track", "event": "Bundle Stated", "properties": {"product_id": "gift", "parts": parts}}
    with pytest.raises(InvalidFact, match="parts"):
        prepare(msgspec.json.encode(said), source=source, received_at=NOON, vocabulary=SLICES.vocabulary)


def test_a_fact_about_the_shop_makes_nobody(shop: Shop) -> None:
    shop.send(level(shop, "bath", "p", 1) | {"userId": "ada", "anonymousId": "b"})
    shop.fold()
    assert had(shop, "p") == ("in_stock", 1)
    with shop.db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(customers)).scalar() == 0


@pytest.mark.parametrize("kind", ["web", "app"])
def test_nobody_states_stock_with_a_key_that_every_visitor_can_read(kind: Any) -> None:
    source = internal_source(SHOP, "website")
    level = b'{"location_id":"x","product_id":"p","on_hand":1}'
    said = b'{"type":"track","event":"stock level changed","properties":' + level + b"}"
    vocabulary: Vocabulary = SLICES.vocabulary
    forged = type(source)(workspace=SHOP, id="s", name="s", kind=kind)
    with pytest.raises(InvalidFact, match="about the shop itself"):
        prepare(said, source=forged, received_at=NOON, vocabulary=vocabulary)
    assert prepare(said, source=source, received_at=NOON, vocabulary=vocabulary)
    with pytest.raises(InvalidFact, match="no level"):
        prepare(said.replace(b":1}", b':"many"}'), source=source, received_at=NOON, vocabulary=vocabulary)


SHOP: Any = 1


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_available_is_never_below_zero_nor_above_what_lies_there(on_hand: int, reserved: int) -> None:
    assert 0 <= available_of(on_hand, reserved) <= max(0, on_hand)


def test_two_workers_stating_the_same_level_leave_the_latest(shared_db: Any) -> None:
    """Two connections, the newer one first: the older statement changes nothing."""
    new = Level(SHOP, "p", "", "bath", 5, 0, 0, None, NOON + DAY, "f2")
    for stated in ([new], [new._replace(on_hand=9, stated_at=NOON, fact="f1")], [new]):
        with shared_db.write() as conn:
            supply_store.save_levels(conn, stated)
    with shared_db.read() as conn:
        assert [one.on_hand for one in supply_store.levels_of_product(conn, SHOP, "p")] == [5]


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    return http.request(
        method, f"{server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {server.api_key}"}, **options
    )


def test_stock_is_stated_and_asked_over_the_api(shop_server: Server) -> None:
    places = [{"location_id": "bath", "name": "Bath", "roles": ["pickup"]},
              {"location_id": "dc", "name": "Warehouse", "roles": ["ships"]}]  # fmt: skip
    assert call(shop_server, "POST", "locations", json={"locations": places}).json() == {"accepted": 2}
    levels = [{"location_id": "bath", "product_id": "p/1", "on_hand": 3, "reserved": 1},
              {"location_id": "dc", "product_id": "p/1", "on_hand": 0, "incoming": 20,
               "incoming_at": "2030-01-01T00:00:00Z"}]  # fmt: skip
    assert call(shop_server, "POST", "stock", json={"levels": levels}).json() == {"accepted": 2}
    old = {"levels": [levels[0] | {"on_hand": 99}], "stated_at": to_iso(now_us() - HOUR)}
    assert call(shop_server, "POST", "stock", json=old).status_code == 200
    asked = "products/p%2F1/availability"
    wait_until(lambda: call(shop_server, "GET", asked, params={"location": "bath"}).json().get("available") == 2)
    sent = call(shop_server, "GET", asked).json()
    assert (sent["state"], sent["available"]) == ("sold_out", 0)
    assert {place["name"]: place["note"] for place in sent["places"]} == {
        "Bath": "nothing is sent from here", "Warehouse": "",
    }  # fmt: skip
    assert call(shop_server, "GET", "products/none/availability").json()["state"] == "unknown"
    assert call(shop_server, "GET", asked, params={"location": "mars"}).status_code == 404
    assert call(shop_server, "POST", "stock", json={"levels": [{"location_id": "x"}]}).status_code == 400
    late = {"levels": levels, "stated_at": "yesterday"}
    assert (call(shop_server, "POST", "stock", json=late).status_code) == 400
    assert http.get(f"{shop_server.url}/api/v1/{asked}").status_code == 401
    parts = [{"product_id": "p/1", "quantity": 2}, {"product_id": "wine", "variant": "red"}]
    stated = {"bundles": [{"product_id": "set", "parts": parts}, {"product_id": "twin", "parts": parts[:1]}]}
    assert call(shop_server, "POST", "bundles", json=stated).json() == {"accepted": 2}
    twin = {"product_id": "twin", "parts": []}
    itself = {"bundles": [twin, {"product_id": "set", "parts": [{"product_id": "set"}]}]}
    assert call(shop_server, "POST", "bundles", json=itself).status_code == 400
    assert call(shop_server, "POST", "bundles", json={"bundles": [twin, twin]}).status_code == 400, "all or none"
    wait_until(lambda: len(call(shop_server, "GET", "bundles").json()["bundles"]) == 2)
    page = call(shop_server, "GET", "bundles", params={"limit": 1}).json()
    assert [(one["product_id"], one["parts"]) for one in page["bundles"]] == [("set", parts)]
    rest = call(shop_server, "GET", "bundles", params={"after": page["next"]}).json()
    assert ([one["product_id"] for one in rest["bundles"]], rest["next"]) == (["twin"], None)
    [only] = call(shop_server, "GET", "bundles", params={"part": "wine"}).json()["bundles"]
    assert only["product_id"] == "set"
    made = call(shop_server, "GET", "products/twin/availability", params={"location": "bath"}).json()
    assert made["available"] == 1  # of two pieces each
    call(shop_server, "POST", "bundles", json={"bundles": [{"product_id": "twin", "parts": []}]})
    wait_until(lambda: len(call(shop_server, "GET", "bundles").json()["bundles"]) == 1)
