"""What a visitor's browser says of a product takes nothing away from what the shop says, and leads to no other site."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.catalog import Product, Question, find, find_products, products_in_category, store, voices
from rapport.capabilities.catalog.finding import Filters
from rapport.capabilities.catalog.service import details
from rapport.capabilities.catalog.settings import CATALOG_SETTINGS, CatalogSettings
from rapport.capabilities.catalog.shown import find_shown
from rapport.capabilities.catalog.voices import at_home, host_of
from rapport.capabilities.merchandising.model import Rule
from rapport.capabilities.merchandising.service.changing import save
from rapport.collect.model import Envelope
from rapport.collect.prepare import prepare
from rapport.collect.sources import create_source
from rapport.kernel.clock import DAY, HOUR, MINUTE, to_iso
from rapport.storage import log
from rapport.storage import settings as kept
from tests.databases import sqlite_database
from tests.shop import NOON, Shop

EVIL = "https://evil.example/pay"


def browse(shop: Shop, *, at: int = NOON + HOUR, **said: Any) -> None:
    """Somebody says something of a product by the key that stands in the shop's page."""
    with shop.db.write() as conn:
        taken = conn.exec_driver_sql("SELECT id FROM sources WHERE id = 'app'").first()
        source = create_source(
            conn, shop.id, name=f"App {at} {len(said)}", kind="app", now=NOON, source_id=None if taken else "app"
        )
        body = {"type": "track", "event": "Product Viewed", "messageId": f"{source.id}", "anonymousId": "x",
                "properties": said, "timestamp": to_iso(at)}  # fmt: skip
        log.append(conn, [prepare(msgspec.json.encode(body), source=source, received_at=at, envelope=Envelope())])


def known(shop: Shop, product: str) -> Product:
    with shop.db.read() as conn:
        return find_products(conn, shop.id, [product])[product]


def test_a_browser_changes_nothing_of_a_product_that_the_shop_states(any_shop: Shop) -> None:
    shop = any_shop
    for product in ("a", "b"):
        shop.send(shop.message("Product Stated", at=NOON, product_id=product, name="Wine", category="Wine", price=12,
                               currency="EUR", url=None if product == "a" else "https://shop.example/b"))  # fmt: skip
        for user in "uvw":
            shop.send(shop.message("Product Viewed", at=NOON + MINUTE, user=user, product_id=product))
    shop.fold()
    told: dict[str, Any] = {
        "category": "Juice", "url": EVIL, "image_url": EVIL, "name": "FREE", "price": 0.1, "currency": "EUR",
        "brand": "Evil", "cost": 99,
    }  # fmt: skip
    for product in ("a", "b"):
        browse(shop, product_id=product, **told)
    shop.fold()
    one = known(shop, "a")
    assert (one.name, one.category, one.brand, one.price_minor, one.cost_minor) == ("Wine", "Wine", None, 1200, None)
    with shop.db.read() as conn:
        drawn = details(conn, shop.id, ["a", "b"], {}, NOON + DAY)
        assert drawn["a"] == {"name": "Wine", "category": "Wine", "price_minor": 1200, "currency": "EUR"}
        assert drawn["b"]["url"] == "https://shop.example/b"
        assert find_shown(conn, shop.id, "a", now=NOON + DAY).url is None
        assert products_in_category(conn, shop.id, "Wine", limit=5) == ["a", "b"]
    with shop.db.write() as conn:
        save(conn, shop.id, [Rule(name="no wine", action="exclude", category="Wine")], seen=0,
             placements={"product.also": 1}, what="", by="x", now=NOON)  # fmt: skip
    assert shop.decide(at=NOON + DAY, product_id="a").items == []


def test_of_what_nobody_states_browsers_tell_what_servers_do_not(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(shop.message("Order Completed", at=NOON, user="ada", order_id="o", currency="EUR",
                           products=[{"product_id": "c", "name": "Wine C", "price": 12}]))  # fmt: skip
    browse(shop, product_id="c", name="Wine C -99 %", price=0.1, currency="EUR", category="Wine", url=EVIL)
    browse(shop, product_id="d", name="Wine D", price=9, currency="EUR", url="/d", image_url=EVIL)
    shop.fold()
    one = known(shop, "c")
    assert (one.name, one.price_minor, one.category, one.url) == ("Wine C", 1200, "Wine", None)
    with shop.db.read() as conn:
        assert find_shown(conn, shop.id, "c", now=NOON + DAY).url is None
        (found,) = find(conn, shop.id, Question(query="wine d"), now=NOON + DAY).products
        assert (found.name, found.price_low_minor, found.url, found.image_url) == ("Wine D", 900, "/d", None)


@pytest.mark.parametrize("by", ["statement", "setting"])
def test_a_browser_may_lead_to_sites_that_the_shop_uses(shop: Shop, by: str) -> None:
    """However it is known: the shop's statements lead there, or somebody of the shop said so."""
    browse(shop, product_id="p", name="Wine", url="https://www.shop.example/p", image_url="https://cdn.example/p.png")
    browse(shop, product_id="q", at=NOON + 2 * HOUR, name="Wine", url="https://cdn.example/q", image_url=EVIL)
    shop.fold()
    assert known(shop, "p").url is None
    if by == "statement":
        shop.send(shop.message("Product Stated", at=NOON, product_id="other", name="Other",
                               url="https://shop.example/other", image_url="https://cdn.example/o.png"))  # fmt: skip
        shop.fold()
    else:
        with shop.db.write() as conn:
            settings = CatalogSettings(sites="Shop.example https://cdn.example/")
            kept.save(conn, shop.id, CATALOG_SETTINGS, settings, by="ada", version=0, now=NOON)
    one, other = known(shop, "p"), known(shop, "q")
    assert (one.url, one.image_url) == ("https://www.shop.example/p", "https://cdn.example/p.png")
    assert (other.url, other.image_url) == ("https://cdn.example/q" if by == "setting" else None, None)
    with shop.db.read() as conn:
        assert find_shown(conn, shop.id, "p", now=NOON + DAY).url == one.url


@pytest.mark.parametrize(
    "address",
    ["//evil.example/p", "///evil.example", "/\\evil.example", "https://shop.example@evil.example/", "https:/p", "p",
     "https://shop.example.evil.example/", "javascript:alert(1)//shop.example", "https://shop.example\\@evil.example",
     "ftp://shop.example/p", "https://[shop.example/", "https://evil.example/?shop.example"],
)  # fmt: skip
def test_what_only_looks_like_the_shops_site_is_none(address: str) -> None:
    assert not at_home(address, sites={"shop.example": False}, picture=True)
    assert at_home("http://SHOP.example:8080/p?x=1#y", sites={"shop.example": False}, picture=False)
    assert host_of("/p?x=//evil.example") == ""


def test_whoever_says_it_the_order_changes_nothing(tmp_path: Path) -> None:
    """A statement, a server and a browser in any order and batches: the same product."""
    seen = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        shop = Shop(sqlite_database(tmp_path / str(number)))
        for which in order:
            if which == 0:
                browse(shop, at=NOON + 3 * HOUR, product_id="p", name="B", brand="B", category="B", price=1)
            elif which == 1:
                shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p", name="S", brand="S"))
            else:
                shop.send(shop.message("Product Stated", at=NOON - DAY, product_id="p", name="T", price=9))
            if number % 2:
                shop.fold()
        shop.fold()
        seen.add(known(shop, "p"))
        shop.close()
    (one,) = seen
    assert (one.name, one.brand, one.category, one.price_minor) == ("T", "S", None, 900)


def test_prices_are_found_as_they_hold_now(any_shop: Shop) -> None:
    """Search, product page and decision tell one price: before, during and after an action, and in a market."""
    shop = any_shop
    shop.send(
        shop.message("Product Stated", at=NOON, product_id="p", name="Chianti", price=100, currency="EUR", prices=[
            {"price": 80, "from": to_iso(NOON + 10 * DAY), "until": to_iso(NOON + 12 * DAY)},
            {"price": 70, "market": "CH", "currency": "EUR"},
        ]),
        shop.message("Product Stated", at=NOON, product_id="q", name="Barolo", currency="EUR", prices=[
            {"price": 50, "until": to_iso(NOON - 200 * DAY)}, {"price": 120, "from": to_iso(NOON - 10 * DAY)},
        ]),
    )  # fmt: skip
    shop.fold()

    def prices(product: str, query: str, now: int, market: str = "") -> set[int | None]:
        with shop.db.read() as conn:
            page = find_shown(conn, shop.id, product, now=now, market=market).price_minor
            drawn = details(conn, shop.id, [product], {"market": market}, now)[product].get("price_minor")
            (found,) = find(conn, shop.id, Question(query=query), now=now, market=market).products
            assert found.price_low_minor == found.price_high_minor
            return {page, drawn, found.price_low_minor}

    assert [prices("p", "chianti", NOON + day * DAY) for day in (1, 10, 11, 12)] == [{10000}, {8000}, {8000}, {10000}]
    assert prices("p", "chianti", NOON + 11 * DAY, market="CH") == {7000}
    assert prices("p", "chianti", NOON + 11 * DAY, market="FR") == {8000}
    assert prices("q", "barolo", NOON) == {12000}
    with shop.db.read() as conn:
        cheap = Question(query="barolo", filters=Filters({}, "EUR", None, 6000))
        assert find(conn, shop.id, cheap, now=NOON).products == []


def _row(voice: int, seen: int, said: tuple[Any, ...]) -> tuple[Any, ...]:
    name, category, brand, price, cost, currency, url = said
    return (voice, "p", name, category, brand, price, cost, currency, url, None, seen)


_TEXTS = st.sampled_from([None, "one", "two"])
_SAID = st.tuples(
    _TEXTS, _TEXTS, _TEXTS, st.sampled_from([None, 5]), st.sampled_from([None, 2]), st.sampled_from([None, "EUR"]),
    st.sampled_from([None, "/p"]),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([voices.BROWSERS, voices.STATED]), st.tuples(st.integers(0, 2), _SAID)),
       st.tuples(st.integers(0, 2), _SAID))  # fmt: skip
def test_the_short_ways_say_what_all_voices_joined_say(
    others: dict[int, tuple[int, tuple[Any, ...]]], shops: tuple[int, tuple[Any, ...]]
) -> None:
    """Every product has a row of the shop's servers, which may be empty."""
    rows = [_row(voice, *told) for voice, told in ({voices.SHOP: shops} | others).items()]
    whole = voices.joined({row[0]: store._product(row) for row in rows})
    assert store._of_rows(rows) == whole
    groups = [(row[0], row[1], row[3], row[4]) for row in rows]
    assert store._groups(groups) == (whole[0].category, whole[0].brand)
