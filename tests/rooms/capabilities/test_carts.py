"""A cart left for an hour is stated once; whatever ends it in time, or arrives in whatever order, nothing else is."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from rapport.act import store as act
from rapport.capabilities.orders.settings import ORDER_SETTINGS, OrderSettings
from rapport.decide.service import CustomerNamed
from rapport.kernel.clock import DAY, HOUR, MINUTE, SECOND, to_iso
from rapport.storage import settings
from tests.databases import sqlite_database
from tests.shop import NOON, Message, Shop


def test_a_cart_left_for_an_hour_is_stated_with_what_lies_in_it(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        shop.message("Product Added", at=NOON, browser="b1", product_id="chianti", name="Chianti", price=12.5,
                     quantity=2, currency="EUR", cart_id="c1"),
        shop.message("Product Added", at=NOON + MINUTE, browser="b1", product_id="screw", name="Corkscrew", price=8,
                     currency="EUR", cart_id="c1"),
    )  # fmt: skip
    shop.wait(NOON + 60 * MINUTE)
    assert shop.facts("Cart Abandoned") == []
    shop.wait(NOON + 61 * MINUTE)
    [left] = shop.facts("Cart Abandoned")
    assert (left.anonymous_id, left.occurred_at, left.source) == ("b1", NOON + 61 * MINUTE, "rapport")
    assert left.properties == {
        "cart_id": "c1", "started_at": to_iso(NOON), "last_changed_at": to_iso(NOON + MINUTE), "value": 33.0,
        "currency": "EUR", "products": [
            {"product_id": "chianti", "name": "Chianti", "quantity": 2, "price": 12.5},
            {"product_id": "screw", "name": "Corkscrew", "quantity": 1, "price": 8.0},
        ],
    }  # fmt: skip


def test_judging_many_customers_costs_as_many_statements_as_judging_one(any_shop: Shop) -> None:
    """Whoever appends waits while timers fire; each statement is a round trip to PostgreSQL."""
    shop, counts = any_shop, []
    for day, several in enumerate((1, 8)):
        at = NOON + day * DAY
        shop.send(
            *(
                shop.message("Product Added", at=at, user=f"u{day}-{number}", product_id="p")
                for number in range(several)
            )
        )
        shop.fold()
        statements: list[str] = []

        def count(_c: object, _u: object, statement: str, *_: object, into: list[str] = statements) -> None:
            into.append(statement)

        sa.event.listen(shop.db.engine, "before_cursor_execute", count)
        assert shop.fire(at + 2 * HOUR) == several
        sa.event.remove(shop.db.engine, "before_cursor_execute", count)
        counts.append(len([text for text in statements if "INSERT" not in text]))
    assert counts[0] == counts[1]


def test_it_is_stated_once_however_often_it_is_judged(shop: Shop) -> None:
    shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p", cart_id="c1"))
    shop.wait(NOON + 2 * HOUR)
    shop.send(shop.message("Product Added", at=NOON + 3 * HOUR, user="ada", product_id="q", cart_id="c1"))
    shop.wait(NOON + 9 * HOUR)
    assert len(shop.facts("Cart Abandoned")) == 1


def test_each_cart_has_its_own(shop: Shop) -> None:
    shop.send(
        shop.message("Product Added", at=NOON, user="ada", product_id="p", cart_id="c1"),
        shop.message("Product Added", at=NOON + MINUTE, user="ada", product_id="q", cart_id="c2"),
    )
    shop.wait(NOON + 2 * HOUR)
    assert {fact.properties["cart_id"] for fact in shop.facts("Cart Abandoned")} == {"c1", "c2"}


def test_an_order_in_between_cancels(shop: Shop) -> None:
    shop.send(
        shop.message("Product Added", at=NOON, user="ada", product_id="p"),
        shop.message("Order Completed", at=NOON + 59 * MINUTE, user="ada", order_id="o1", total=5),
    )
    shop.wait(NOON + 5 * HOUR)
    assert shop.facts("Cart Abandoned") == []
    assert shop.rows(act.timers) == []


def test_an_emptied_cart_is_not_left(shop: Shop) -> None:
    shop.send(
        shop.message("Product Added", at=NOON, user="ada", product_id="p", quantity=2),
        shop.message("Product Removed", at=NOON + MINUTE, user="ada", product_id="p", quantity=2),
    )
    shop.wait(NOON + 5 * HOUR)
    assert shop.facts("Cart Abandoned") == []


def test_an_order_of_the_same_customer_under_another_identifier_cancels(any_shop: Shop) -> None:
    """The cart was filled before signing in; the order carries the user id only."""
    shop = any_shop
    shop.send(
        shop.message("Product Added", at=NOON, browser="b1", product_id="p"),
        {
            "type": "identify",
            "messageId": "i1",
            "userId": "ada",
            "anonymousId": "b1",
            "timestamp": to_iso(NOON + MINUTE),
        },
        shop.message("Order Completed", at=NOON + 2 * MINUTE, user="ada", order_id="o1", total=5),
    )
    shop.wait(NOON + 5 * HOUR)
    assert shop.facts("Cart Abandoned") == []


def test_an_order_that_is_in_the_log_but_not_folded_yet_cancels(shop: Shop) -> None:
    shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p"))
    shop.fold()
    shop.send(shop.message("Order Completed", at=NOON + MINUTE, user="ada", order_id="o1", total=5))
    shop.fire(NOON + 2 * HOUR)
    shop.wait(NOON + 2 * HOUR)
    assert shop.facts("Cart Abandoned") == []


def test_an_order_in_the_store_does_not_end_the_cart_of_the_web(shop: Shop) -> None:
    shop.send(
        shop.message("Product Added", at=NOON, user="ada", product_id="p"),
        shop.message("Order Completed", at=NOON + MINUTE, user="ada", order_id="o1", total=5, channel="store"),
    )
    shop.wait(NOON + 5 * HOUR)
    assert len(shop.facts("Cart Abandoned")) == 1


def test_a_cart_without_an_id_taken_up_after_a_day_is_a_new_one(shop: Shop) -> None:
    shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p"))
    shop.wait(NOON + 2 * HOUR)
    shop.send(shop.message("Product Added", at=NOON + 3 * DAY, user="ada", product_id="q"))
    shop.wait(NOON + 3 * DAY + 2 * HOUR)
    first, second = shop.facts("Cart Abandoned")
    assert [line["product_id"] for line in first.properties["products"]] == ["p"]
    assert [line["product_id"] for line in second.properties["products"]] == ["p", "q"]


def test_the_hour_is_the_shops_own_setting(shop: Shop) -> None:
    with shop.db.write() as conn:
        quick = OrderSettings(cart_abandoned_after_seconds=5)
        settings.save(conn, shop.id, ORDER_SETTINGS, quick, version=0, by="Ada", now=NOON)
    shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p"))
    shop.wait(NOON + 4 * SECOND)
    assert shop.facts("Cart Abandoned") == []
    shop.wait(NOON + 5 * SECOND)
    assert len(shop.facts("Cart Abandoned")) == 1


def history(shop: Shop, people: int, *, seed: int) -> list[Message]:
    """Three weeks of carts: some ordered at once, some late, some emptied, some left; half before signing in."""
    rng = random.Random(seed)
    messages: list[Message] = []
    for person in range(people):
        who: dict[str, str] = {"browser": f"b{person}"} if person % 2 else {"user": f"u{person}"}
        at = NOON
        for cart in range(rng.randint(1, 5)):
            at += rng.randint(1, 5 * DAY)
            key = {"cart_id": f"c{person}-{cart}"} if rng.random() < 0.5 else {}
            for item in range(rng.randint(1, 4)):
                messages.append(
                    shop.message("Product Added", at=at, product_id=f"p{item}", price=item + 0.5, **who, **key)
                )
                at += rng.randint(SECOND, 90 * MINUTE)
            end = rng.random()
            if end < 0.4:
                messages.append(shop.message("Order Completed", at=at, order_id=f"o{person}-{cart}", total=9, **who))
            elif end < 0.5:
                messages.extend(
                    shop.message("Product Removed", at=at + item, product_id=f"p{item}", **who, **key)
                    for item in range(4)
                )
        if person % 2:
            messages.append({
                "type": "identify", "messageId": f"i{person}", "userId": f"u{person}", "anonymousId": f"b{person}",
                "timestamp": to_iso(at + SECOND),
            })  # fmt: skip
    return messages


def test_history_gives_the_same_facts_in_any_order_and_any_batches(tmp_path: Path) -> None:
    """Imported in order at once, or shuffled or backwards in small pieces."""
    now = NOON + 60 * DAY
    found = []
    for number, (order, size, batch) in enumerate([("given", 10_000, 1000), ("shuffled", 17, 3), ("reversed", 50, 7)]):
        shop = Shop(sqlite_database(tmp_path / str(number)))
        messages = history(shop, 20, seed=5)
        if order == "shuffled":
            random.Random(number).shuffle(messages)
        elif order == "reversed":
            messages.reverse()
        for start in range(0, len(messages), size):
            shop.send(*messages[start : start + size], received_at=now)
            shop.wait(now + SECOND, batch=batch)
        shop.wait(now + HOUR, batch=batch)
        found.append(
            {(fact.id, fact.occurred_at, msgspec.json.encode(fact.properties)) for fact in shop.facts("Cart Abandoned")}
        )
        carts = shop.metric("cart_abandonment").totals
        found[-1] |= {(name, 0, str(value).encode()) for name, value in carts.items()}
        assert carts["abandoned"] == len(shop.facts("Cart Abandoned"))
        assert shop.rows(act.timers) == []
        shop.close()
    assert len(found[0]) > 15
    assert found[1] == found[0]
    assert found[2] == found[0]


def test_the_rate_counts_what_was_left_and_never_ordered(shop: Shop) -> None:
    """Four carts: ordered, left, left and ordered later, emptied."""
    for name in ("ada", "bo", "cy", "di"):
        shop.send(shop.message("Product Added", at=NOON, user=name, product_id="p"))
    shop.send(
        shop.message("Order Completed", at=NOON + MINUTE, user="ada", order_id="o1", total=5),
        shop.message("Product Removed", at=NOON + MINUTE, user="di", product_id="p"),
    )
    shop.wait(NOON + 2 * HOUR)
    shop.send(shop.message("Order Completed", at=NOON + 5 * HOUR, user="cy", order_id="o2", total=5))
    shop.wait(NOON + 9 * HOUR)
    [day] = shop.metric("cart_abandonment").rows
    assert (day["day"], day["started"], day["ordered"]) == (to_iso(NOON)[:10], 4, 2)
    assert (day["abandoned"], day["recovered"], day["abandonment_rate"]) == (2, 1, pytest.approx(1 / 3, abs=1e-6))


def test_nobody_outside_is_told_of_carts_left_long_ago(shop: Shop) -> None:
    with shop.db.write() as conn:
        row = {
            "workspace": shop.id, "id": "whk_1", "url": "https://example.com", "secret": "whsec_AAAA",
            "events": b'["Cart Abandoned"]', "enabled": True, "disabled_reason": "", "created_at": NOON,
        }  # fmt: skip
        conn.execute(act.webhooks.insert().values(row))
    now = NOON + 30 * DAY
    shop.send(shop.message("Product Added", at=NOON, user="ada", product_id="p"), received_at=now)
    shop.send(shop.message("Product Added", at=now - 2 * HOUR, user="bo", product_id="p"), received_at=now)
    shop.wait(now + MINUTE)
    assert {fact.user_id for fact in shop.facts("Cart Abandoned")} == {"ada", "bo"}
    [told] = shop.rows(act.outbox)
    assert msgspec.json.decode(told["payload"])["data"]["user_id"] == "bo"


def test_what_rapport_states_itself_leaves_the_golden_records_as_they_were(shop: Shop) -> None:
    """One digest whether or not the cart's time had come, and whatever was decided meanwhile."""
    shop.send(shop.message("Product Added", at=NOON, browser="b1", product_id="p", price=3))
    shop.send(shop.message("Product Viewed", at=NOON, browser="b1", product_id="q", name="Q"))
    shop.fold()
    before = shop.digest()
    shop.wait(NOON + 2 * HOUR)
    shop.decide(at=NOON + 3 * HOUR, customer=CustomerNamed(namespace="anonymous_id", value="b1"), product_id="p")
    shop.decide(at=NOON + 3 * HOUR, product_id="p")
    assert len(shop.facts("Cart Abandoned")) == 1
    assert len(shop.facts("Decision Made")) == 2
    assert shop.digest() == before
