"""Products as the shop states them: the latest holds in any order, and prices before a reduction are kept."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.catalog.entries import entries
from rapport.capabilities.catalog.prices import LOOKED_BACK, PricePoint, reduction_of
from rapport.capabilities.catalog.shown import ProductShown, find_shown
from rapport.kernel.clock import DAY, MINUTE, SECOND, to_iso
from rapport.kernel.errors import NotFound
from tests.databases import sqlite_database
from tests.running import Server, http, wait_until
from tests.shop import NOON, Shop


def stated(shop: Shop, product: str, *, at: int = NOON, **more: Any) -> dict[str, Any]:
    return shop.message("Product Stated", at=at, product_id=product, **({"name": product} | more))


def shown(shop: Shop, product: str, *, now: int = NOON + MINUTE, market: str = "") -> ProductShown:
    with shop.db.read() as conn:
        return find_shown(conn, shop.id, product, now=now, market=market)


def test_a_product_is_what_the_shop_stated_last_and_shoppers_add_what_it_left_out(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        shop.message("Product Viewed", at=NOON, user="ada", product_id="p", name="Seen", cost=4, brand="B",
                     currency="EUR"),
        stated(shop, "p", name="Chianti", price="12.50", list_price=15, currency="EUR", category="Wine",
               attributes={"Colour": "red", "year": 2019}, media=[{"url": "https://x/p.glb", "kind": "3d"}],
               relations=[{"kind": "accessory", "product_id": "corkscrew"}, {"kind": "x"}],
               variants=[{"variant": "75cl", "sku": "C-75"}, {"variant": "150cl", "price": 24}, "odd", {}]),
    )  # fmt: skip
    shop.fold()
    product = shown(shop, "p")
    assert (product.name, product.brand, product.price_minor, product.currency) == ("Chianti", "B", 1250, "EUR")
    assert product.attributes == {"colour": ("red",), "year": ("2019",)}
    assert [(v.variant, v.price.price_minor, v.margin_minor) for v in product.variants if v.price] == [
        ("75cl", 1250, 850), ("150cl", 2400, 2000),
    ]  # fmt: skip
    assert product.variants[0].price is not None
    assert product.variants[0].price.list_price_minor == 1500
    assert [(one.kind, one.product_id) for one in product.relations] == [("accessory", "corkscrew")]
    assert [medium.kind for medium in product.media] == ["model"]
    with pytest.raises(NotFound):
        shown(shop, "nobody-named")


def test_a_product_that_only_shoppers_named_is_in_the_catalogue_too(any_shop: Shop) -> None:
    any_shop.send(any_shop.message("Product Viewed", at=NOON, user="ada", product_id="p", name="Tea", price=3))
    any_shop.fold()
    assert (shown(any_shop, "p").name, shown(any_shop, "p").stated_at) == ("Tea", None)


def test_the_order_in_which_statements_arrive_changes_nothing(tmp_path: Path) -> None:
    left: set[str] = set()
    for number, order in enumerate(itertools.permutations(range(3))):
        shop = Shop(sqlite_database(tmp_path / str(number)))
        told = [stated(shop, "p", at=NOON + n * DAY, name=f"Name {n}", price=[80, 100, 90][n]) for n in range(3)]
        shop.send(*(told[n] for n in (*order, order[0])))
        shop.fold(batch=number % 3 + 1)
        left.add(repr(shown(shop, "p", now=NOON + 3 * DAY)))
        assert shop.rows(entries)[0]["indexed"] == shop.rows(entries)[0]["digest"]
        shop.close()
    assert len(left) == 1
    assert "Name 2" in left.pop()


def test_the_price_before_a_reduction_is_the_lowest_of_the_thirty_days_before_it(any_shop: Shop) -> None:
    shop = any_shop
    for day, price in ((0, 80), (20, 100), (25, 90)):
        shop.send(stated(shop, "p", at=NOON + day * DAY, price=price, currency="EUR"))
    for day, price in ((0, 80), (20, 100), (60, 90)):
        shop.send(stated(shop, "q", at=NOON + day * DAY, price=price, currency="EUR"))
    shop.fold()
    trap, honest = (shown(shop, one, now=NOON + 61 * DAY).variants[0].price for one in "pq")
    assert trap is not None
    assert honest is not None
    assert (trap.prior_price_minor, trap.reduction_may_be_announced) == (8000, False)
    assert (honest.prior_price_minor, honest.reduction_may_be_announced) == (10000, True)


def test_a_planned_action_counts_as_long_as_it_held(any_shop: Shop) -> None:
    """However many statements stood between: sold for 80 nine days ago, 90 is no reduction; 80 beside a base is one."""
    shop = any_shop
    action = {"price": 80, "from": to_iso(NOON + 10 * DAY), "until": to_iso(NOON + 12 * DAY)}
    told = [
        stated(shop, "p", price=100, currency="EUR", prices=[action]),
        stated(shop, "p", at=NOON + 20 * DAY, price=90, currency="EUR"),
        stated(shop, "q", price=100, currency="EUR"),
        *(stated(shop, "q", at=NOON + day * DAY, price=100, currency="EUR",
                 prices=[action | {"until": to_iso(NOON + 20 * DAY)}]) for day in (10, 11)),
        stated(shop, "r", price=100, currency="EUR", prices=[action]),
    ]  # fmt: skip
    shop.send(*reversed(told))
    shop.fold(batch=2)

    def price(product: str, day: int) -> tuple[int | None, bool]:
        found = shown(shop, product, now=NOON + day * DAY).variants[0].price
        assert found is not None
        return found.prior_price_minor, found.reduction_may_be_announced

    assert price("p", 21) == (8000, False)
    assert price("q", 12) == (10000, True)
    assert [price("r", day) for day in (9, 11, 13)] == [(None, False), (10000, True), (None, False)]


def test_each_market_has_its_own_price_in_its_time(shop: Shop) -> None:
    shop.send(
        stated(shop, "p", price=10, currency="EUR", prices=[
            {"market": "CH", "currency": "CHF", "price": 12},
            {"market": "DE", "price": 9},
            {"market": "DE", "price": 7, "from": "2020-01-01T00:00:00Z", "until": "2020-01-08T00:00:00Z"},
        ])
    )  # fmt: skip
    shop.fold()
    prices = {market: shown(shop, "p", market=market).variants[0].price for market in ("", "CH", "DE", "FR")}
    assert {m: (p.price_minor, p.currency) for m, p in prices.items() if p} == {
        "": (1000, "EUR"), "CH": (1200, "CHF"), "DE": (900, "EUR"), "FR": (1000, "EUR"),
    }  # fmt: skip


def test_a_market_that_says_no_price_any_more_costs_what_it_costs_anywhere(shop: Shop) -> None:
    def told(at: int, **prices: int) -> dict[str, Any]:
        said: dict[str, Any] = {"product_id": "m", "market": "CH", "currency": "CHF", **prices}
        return shop.message("Market Prices Stated", at=at, **said)

    def price() -> tuple[int | None, str | None]:
        shop.fold()
        found = shown(shop, "m", market="CH").variants[0].price
        return (found.price_minor, found.currency) if found else (None, None)

    shop.send(stated(shop, "m", price=10, currency="EUR"), told(NOON + 1, price=13))
    assert price() == (1300, "CHF")
    shop.send(told(NOON + SECOND))
    assert price() == (1000, "EUR")


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 5)), min_size=1, max_size=12, unique_by=lambda one: one[0]),
    st.randoms(use_true_random=False),
)
def test_the_prior_price_equals_looking_at_every_day_before(days: list[tuple[int, int]], rng: Any) -> None:
    """Against a slow reading: the price of each day, one by one."""
    points = [PricePoint(day * DAY, price) for day, price in days]
    rng.shuffle(points)
    reduction = reduction_of(points)
    held: dict[int, int] = {}
    for day in range(min(day for day, _ in days), 91):
        held[day] = dict(days).get(day, held.get(day - 1, 0))
    changes = [day for day in held if day - 1 in held and held[day] != held[day - 1]]
    if not changes or held[changes[-1]] > held[changes[-1] - 1]:
        assert reduction is None
        return
    since = changes[-1]
    before = [held[day] for day in range(since - LOOKED_BACK // DAY, since) if day in held]
    assert reduction == (since * DAY, min(before), held[since])


def test_what_is_withdrawn_is_recommended_no_more(shop: Shop) -> None:
    for n in range(3):
        for product in ("a", "b", "c"):
            shop.send(shop.message("Product Viewed", at=NOON + n * MINUTE, user=f"u{n}", product_id=product, name="x"))
    shop.send(shop.message("Product Withdrawn", at=NOON + 5 * MINUTE, product_id="b"))
    shop.fold()
    items = [item["item_id"] for item in shop.decide(at=NOON + 9 * MINUTE, product_id="a").items]
    assert items == ["c"]
    shop.send(stated(shop, "b", at=NOON + 10 * MINUTE))
    shop.fold()
    assert {item["item_id"] for item in shop.decide(at=NOON + 12 * MINUTE, product_id="a").items} == {"b", "c"}


def call(server: Server, method: str, path: str, **options: Any) -> httpx.Response:
    return http.request(
        method, f"{server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {server.api_key}"}, **options
    )


def test_products_are_stated_found_and_withdrawn_over_the_api(shop_server: Server) -> None:
    wine = {
        "product_id": "w/1", "name": "Chianti Classico", "brand": "Fèlsina", "price": 12.5, "currency": "EUR",
        "variants": [{"variant": "75", "sku": "FE-75"}, {"variant": "150", "sku": "FE-150", "price": 24}],
    }  # fmt: skip
    assert call(shop_server, "POST", "products", json={"products": [wine]}).json() == {"accepted": 1}
    wait_until(lambda: call(shop_server, "GET", "products", params={"query": "felsina"}).json()["total"] == 1)
    found = call(shop_server, "GET", "products", params={"query": "fe150"}).json()
    assert [(one["product_id"], one["variants"], one["state"]) for one in found["products"]] == [
        ("w/1", ["150"], "unknown")
    ]
    product = call(shop_server, "GET", "products/w%2F1").json()
    assert (product["name"], product["price_minor"], len(product["variants"])) == ("Chianti Classico", 1250, 2)
    assert call(shop_server, "GET", "products/none").status_code == 404
    assert call(shop_server, "GET", "products", params={"filter": "brand"}).status_code == 400
    assert call(shop_server, "GET", "products", params={"queri": "x"}).status_code == 400
    assert call(shop_server, "POST", "products", json={"products": [{"product_id": "x"}]}).status_code == 400
    assert call(shop_server, "POST", "products", json={"products": [wine | {"price": -1}]}).status_code == 400
    assert http.get(f"{shop_server.url}/api/v1/products").status_code == 401
    assert call(shop_server, "DELETE", "products/w%2F1").status_code == 200
    wait_until(lambda: call(shop_server, "GET", "products", params={"query": "felsina"}).json()["total"] == 0)
    assert call(shop_server, "GET", "products/w%2F1").json()["visible"] is False
