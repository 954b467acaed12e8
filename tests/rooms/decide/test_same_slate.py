"""What the stages of a decision answer in a shop and with a chance that never change."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.capabilities.catalog.entries import entries, facets
from rapport.capabilities.catalog.store import products
from rapport.decide.service import CustomerNamed
from rapport.kernel.clock import DAY, HOUR, MINUTE
from tests.shop import NOON, Shop

_PRODUCT = ("product_id", "name", "category", "price_minor", "currency", "score", "odds", "reasons")


_LATER = ("can_be_had", "early_access", "left_out_by_the_shop", "only_these")
"""Rules that came later; here they take nothing away."""


def grown(shop: Shop) -> None:
    """Twenty visits over twelve products, one of them unknown to the catalogue; Ada has a cart and an order."""
    for n in range(20):
        for step in range(4):
            item = (n * 5 + step * step) % 12
            shop.send(shop.message(
                "Product Viewed", at=NOON + n * MINUTE + step, browser=f"v{n}", product_id=f"p{item:02}",
                name=f"Wine {item}", price=10 + item, currency="EUR", category="red" if item % 3 else "white",
            ))  # fmt: skip
    shop.send(shop.message("Product Viewed", at=NOON + HOUR, user="ada", product_id="p05"))
    shop.send(shop.message("Product Added", at=NOON + HOUR, user="ada", product_id="p04"))
    lines = [{"product_id": "p09"}, {"product_id": "p00"}]
    shop.send(shop.message("Order Completed", at=NOON + HOUR, user="ada", order_id="o", products=lines))
    shop.fold()
    with shop.db.write() as conn:
        for table in (products, entries, facets):
            conn.execute(sa.delete(table).where(table.c.product_id == "p01"))


def plain(item: dict[str, Any], names: tuple[str, ...] = _PRODUCT) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


def test_the_slate_of_a_fixed_shop_stays_what_it_was(any_shop: Shop) -> None:
    shop = any_shop
    grown(shop)
    decision = shop.decide(
        at=NOON + 2 * HOUR, customer=CustomerNamed(namespace="user_id", value="ada"), product_id="p00"
    )
    assert [(item["product_id"], item["score"], item["odds"]) for item in decision.items] == [
        ("p08", 0.368227, 0.95625), ("p03", 0.305342, 0.957143), ("p05", 0.176171, 0.958333), ("p07", 0.169338, 0.96),
        ("p11", 0.15946, 0.9625), ("p02", 0.059219, 0.966667),
    ]  # fmt: skip
    assert decision.items[0]["reasons"] == [
        "viewed with this product in 4 visits", "viewed with Wine 5 in 3 visits", "viewed with Wine 4 in 2 visits",
    ]  # fmt: skip
    assert [(guardrail.name, guardrail.removed) for guardrail in decision.guardrails] == [
        ("not_the_same_product", 1), ("not_in_the_cart_already", 1), ("not_just_bought", 1),
        ("known_to_the_catalogue", 1), ("can_be_had", 0), ("left_out_by_the_shop", 0), ("only_these", 0),
        ("early_access", 0),
    ]  # fmt: skip


def test_hundred_slates_and_what_is_logged_of_them_stay_what_they_were(shop: Shop) -> None:
    """Answers and facts, without what came to be said beside it and the ids that chance makes."""
    grown(shop)
    told = []
    for n in range(100):
        who = CustomerNamed(namespace="user_id", value="ada") if n % 2 else None
        context: dict[str, Any] = {"product_id": f"p{n % 14:02}"} if n % 3 else {}
        decision = shop.decide(at=NOON + 2 * HOUR + n * DAY // 2, customer=who, **context)
        told.append([
            [plain(item) for item in decision.items],
            [(g.name, g.removed) for g in decision.guardrails if g.name not in _LATER],
        ])  # fmt: skip
    for fact in shop.facts("Decision Made"):
        said = fact.properties
        told.append([
            [plain(c, ("product_id", "position", "score", "odds", "explored", "reasons")) for c in said["chosen"]],
            [plain(c, ("product_id", "score")) for c in said["candidates"]], said["candidate_count"], said["policy"],
            said["context"], [(g["name"], g["removed"]) for g in said["guardrails"] if g["name"] not in _LATER],
        ])  # fmt: skip
    assert len(told) == 200
    assert (
        hashlib.sha256(msgspec.json.encode(told)).hexdigest()
        == "9ee54146b32b9fe80c5a8e88d7a67dca5dd77c51896d2ad86e6c7da23f62d689"
    )
