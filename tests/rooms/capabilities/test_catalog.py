"""The catalogue knows what the facts said last."""

from __future__ import annotations

import itertools
from pathlib import Path

from rapport.capabilities.catalog import Product, find_products, products_in_category
from rapport.kernel.clock import MINUTE
from tests.databases import sqlite_database
from tests.shop import NOON, Shop


def known(shop: Shop, product_id: str) -> Product:
    with shop.db.read() as conn:
        return find_products(conn, shop.id, [product_id])[product_id]


def test_the_latest_description_counts_and_gaps_are_filled_from_earlier_ones(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        shop.message("Product Viewed", at=NOON, user="ada", product_id="p", name="Chianti", price="12.50",
                     currency="EUR", category="Wine", brand="Antinori", url="https://shop.example/p"),
        shop.message("Product Added", at=NOON + MINUTE, user="ada", product_id="p", price=11, currency="EUR"),
    )  # fmt: skip
    shop.fold()
    assert known(shop, "p") == Product(
        product_id="p", name="Chianti", category="Wine", brand="Antinori", price_minor=1100, currency="EUR",
        url="https://shop.example/p", last_seen_at=NOON + MINUTE,
    )  # fmt: skip
    with shop.db.read() as conn:
        assert products_in_category(conn, shop.id, "Wine", limit=10) == ["p"]


def test_late_news_is_no_news(tmp_path: Path) -> None:
    """Two facts that say the same things, in any order and batches, leave the same product."""
    for number, order in enumerate(itertools.permutations(range(3))):
        shop = Shop(sqlite_database(tmp_path / str(number)))
        told = [
            shop.message("Product Viewed", at=NOON + n * MINUTE, user="ada", product_id="p", name=f"Name {n}", price=n)
            for n in range(3)
        ]
        shop.send(*(told[n] for n in order))
        shop.fold(batch=number % 3 + 1)
        assert known(shop, "p").name == "Name 2"
        assert known(shop, "p").price_minor == 200
        shop.close()


def test_products_of_an_order_are_known_one_by_one(shop: Shop) -> None:
    lines = [{"product_id": "a", "name": "A", "price": 1}, {"sku": "b", "name": "B"}, "nonsense", {"name": "no id"}]
    shop.send(shop.message("Order Completed", at=NOON, user="ada", order_id="o", products=lines))
    shop.fold()
    with shop.db.read() as conn:
        assert {p.product_id: p.name for p in find_products(conn, shop.id, ["a", "b", "c"]).values()} == {
            "a": "A",
            "b": "B",
        }
