"""The Golden Record is the merge of a customer's strands, whoever the customer is now."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.facts import Fact
from rapport.remember.digest import digest, workspace_digest
from rapport.remember.timeline import timeline
from rapport.storage.engine import Database
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import START, Shop, bought, did


def identified(user: str, days: float, *, web: str | None = None, **traits: Any) -> Fact:
    return did("Identified", days, user=user, web=web, traits=traits)


def test_the_record_has_exactly_the_promised_shape(shop: Shop) -> None:
    shop.take(did("Page Viewed", 0, web="w-1"), identified("ada", 1, web="w-1", email="Ada@example.com", name="Ada"))
    shop.take(bought("o-1", 20, 2, user="ada", ident="m-order", source="src_server"))
    record = msgspec.to_builtins(shop.record("user_id:ada"))
    assert set(record) == {"id", "identifiers", "traits", "segments"}
    assert record["id"].startswith("cus_")
    assert {"namespace": "email", "value": "ada@example.com"} in record["identifiers"]
    assert len(record["identifiers"]) == 3
    revenue = record["traits"]["revenue"]
    assert revenue["value"] == {"EUR": 2000}
    assert (revenue["source"], revenue["fact_id"]) == ("src_server", "m-order")
    assert revenue["occurred_at"].startswith("2023-11-16T")
    assert revenue["rule"].startswith("Revenue")
    assert record["traits"]["first_seen_at"]["value"] == "2023-11-14T22:13:20.000Z"
    assert "birthday" not in record["traits"]


def test_an_anonymous_past_joins_when_the_person_is_known_and_old_ids_still_answer(shop: Shop) -> None:
    shop.take(did("Product Viewed", 0, web="w-1", properties={"product_id": "p"}), bought("o-1", 5, 1, user="ada"))
    apart = shop.record("user_id:ada"), shop.record("anonymous_id:w-1")
    assert apart[0].id != apart[1].id
    shop.take(identified("ada", 2, web="w-1"))
    together = [shop.record(reference) for reference in ("user_id:ada", "anonymous_id:w-1", apart[0].id, apart[1].id)]
    assert all(one == together[0] for one in together)
    assert (together[0].traits["orders"].value, together[0].traits["product_views"].value) == (1, 1)


def test_identifiers_are_normalised_before_they_are_looked_up(shop: Shop) -> None:
    shop.take(identified("ada", 0, email="ada@example.com", phone="+49 30 1234567"))
    record = shop.record("user_id:ada")
    assert shop.record("email: ADA@example.COM") == record
    assert shop.record("phone:030 1234567") == record


@pytest.mark.parametrize(
    "reference", ["user_id:nobody", "cus_0", "cus_" + "z" * 26, "email:nonsense", "\x00:\x00", ":", ""]
)
def test_nobody_is_not_found(shop: Shop, reference: str) -> None:
    shop.take(identified("ada", 0))
    with pytest.raises(NotFound):
        shop.record(reference)


def test_the_timeline_tells_all_strands_newest_first_in_pages(shop: Shop) -> None:
    shop.take(*[did("Page Viewed", n, web="w-1", ident=f"{shop.slug}-{n}") for n in (4, 1, 3)])
    shop.take(identified("ada", 2, web="w-1"))
    with shop.db.read() as conn:
        root = shop.key("anonymous_id", "w-1")
        first = timeline(conn, shop.workspace, root, limit=3)
        rest = timeline(conn, shop.workspace, root, limit=3, cursor=first.cursor)
        with pytest.raises(InvalidInput):
            timeline(conn, shop.workspace, root, cursor="nonsense")
    assert [fact.name for fact in first.facts] == ["Page Viewed", "Page Viewed", "Identified"]
    assert [fact.occurred_at for fact in first.facts] == sorted((f.occurred_at for f in first.facts), reverse=True)
    assert (len(rest.facts), rest.cursor) == (1, None)
    assert {fact.strand.namespace for fact in (*first.facts, *rest.facts)} == {"anonymous_id", "user_id"}


def story(seed: int) -> list[Fact]:
    """Six people on a few browsers, with orders told twice and refunds."""
    rng = random.Random(seed)
    facts: list[Fact] = []
    for n in range(150):
        who, web = rng.randrange(6), f"w-{rng.randrange(6)}"
        known = {"user": f"u-{who}", "web": web} if rng.random() < 0.3 else {"web": web}
        product = {"product_id": f"p-{rng.randrange(9)}", "price": rng.randrange(1, 50), "category": rng.choice("abc")}
        order = {"order_id": f"o-{rng.randrange(20)}", "revenue": rng.randrange(100), "currency": "EUR"}
        said: dict[str, dict[str, Any]] = {
            "Page Viewed": {},
            "Product Viewed": {"properties": product},
            "Product Added": {"properties": product},
            "Order Completed": {"properties": order},
            "Order Refunded": {"properties": order},
            "Identified": {"traits": {"email": f"u{who}@example.com", "name": f"Name {n}"}},
        }
        name = rng.choice(list(said))
        facts.append(did(name, rng.random() * 300, ident=f"m-{n}", source=f"src_{n % 3}", **known, **said[name]))
    return facts


def digest_of(shop: Shop) -> tuple[int, int]:
    with shop.db.read() as conn:
        return workspace_digest(conn, shop.workspace, remembered=REMEMBERED)


def test_shuffled_repeated_and_cut_otherwise_the_same_facts_give_one_digest(db: Database) -> None:
    digests = set()
    for seed in range(4):
        shop, facts, rng = Shop(db), story(1), random.Random(seed)
        facts += rng.sample(facts, 40)
        if seed:
            rng.shuffle(facts)
        size = rng.choice([1, 7, 50, 400])
        for start in range(0, len(facts), size):
            shop.take(*facts[start : start + size], refresh=rng.random() < 0.3)
            if rng.random() < 0.2:
                shop.restart()
        digests.add(digest_of(shop))
    assert len(digests) == 1
    other = Shop(db)
    other.take(*story(2))
    assert digest_of(other) not in digests


def test_the_digest_counts_customers_and_facts(shop: Shop) -> None:
    with shop.db.read() as conn:
        before = digest(conn, remembered=REMEMBERED)
    shop.take(identified("ada", 0, email=f"{shop.slug}@example.com"), bought("o-1", 5, 1, user="bo"))
    with shop.db.read() as conn:
        after = digest(conn, remembered=REMEMBERED)
        again = digest(conn, remembered=REMEMBERED)
    assert after == again
    assert after["digest"] != before["digest"]
    assert (after["customers"] - before["customers"], after["facts"] - before["facts"]) == (2, 2)


def test_a_cart_is_abandoned_by_the_clock_alone(shop: Shop) -> None:
    shop.take(did("Product Added", 0, user="ada", properties={"product_id": "p"}))
    cart = [shop.record("user_id:ada", now=START + n).traits["cart"].value["abandoned_at"] for n in (0, 10**10)]
    assert cart[0] is None
    assert cart[1] is not None
