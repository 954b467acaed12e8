"""Products that are met together recommend each other; who is new to the shop gets what is popular."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.recommendations.alike import Seen, likeness
from rapport.capabilities.recommendations.moments import product_moments
from rapport.capabilities.recommendations.retention import KEPT, MOMENTS_RETENTION, PAIRS_RETENTION, RECENTS_RETENTION
from rapport.capabilities.recommendations.store import counts_of, covisits, neighbours_of, recent_products
from rapport.capabilities.recommendations.wording import WORDS
from rapport.decide.reasons import LANGUAGES
from rapport.decide.service import CustomerNamed, DecisionAsked
from rapport.kernel.clock import DAY, HOUR, MINUTE
from rapport.kernel.errors import InvalidInput, NotFound
from tests.databases import sqlite_database
from tests.jobs import turns
from tests.shop import NOON, Message, Shop


def visit(shop: Shop, who: str, *product_ids: str, at: int = NOON, category: str = "wine") -> list[Message]:
    return [
        shop.message("Product Viewed", at=at + n * MINUTE, browser=who, product_id=p, name=p.title(), price=10 + n,
                     currency="EUR", category=category)
        for n, p in enumerate(product_ids)
    ]  # fmt: skip


def ids(items: list[dict[str, object]]) -> list[object]:
    return [item["product_id"] for item in items]


def test_what_was_viewed_in_the_same_visit_is_offered_with_the_reason(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(*visit(shop, "v1", "chianti", "barolo"), *visit(shop, "v2", "barolo", "chianti"))
    shop.send(*visit(shop, "v3", "chianti", "corkscrew"))
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, product_id="chianti")
    first, second = decision.items
    assert (first["product_id"], first["name"], first["price_minor"], first["currency"]) == (
        "barolo",
        "Barolo",
        1100,
        "EUR",
    )
    assert (first["reasons"], second["reasons"]) == (
        ["viewed with this product in 2 visits"], ["sometimes looked at with this product"],
    )  # fmt: skip
    assert first["score"] > second["score"]


def test_a_common_order_says_more_than_a_common_visit(shop: Shop) -> None:
    lines = [{"product_id": "chianti"}, {"product_id": "corkscrew", "name": "Corkscrew"}]
    shop.send(*visit(shop, "v1", "chianti", "barolo"), *visit(shop, "v2", "corkscrew"))
    shop.send(shop.message("Order Completed", at=NOON, user="ada", order_id="o1", products=lines))
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, product_id="chianti")
    assert ids(decision.items) == ["corkscrew", "barolo"]


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        (1, "sometimes looked at with this product"),
        (2, "sometimes looked at with this product"),
        (3, "bought together with this product in 3 orders"),
    ],
)
def test_bought_together_is_a_reason_from_the_third_order_on(shop: Shop, orders: int, reason: str) -> None:
    """Once is chance: no shopper is told to buy a thing because somebody bought both."""
    lines = [{"product_id": "chianti"}, {"product_id": "corkscrew", "name": "Corkscrew"}]
    shop.send(*visit(shop, "v1", "chianti"), *visit(shop, "v2", "corkscrew"))
    for number in range(orders):
        person = f"person {number}"
        shop.send(shop.message("Order Completed", at=NOON, user=person, order_id=f"o{number}", products=lines))
    shop.fold()
    assert shop.decide(at=NOON + HOUR, product_id="chianti").items[0]["reasons"] == [reason]


def test_a_product_looked_at_again_counts_once(shop: Shop) -> None:
    shop.send(*visit(shop, "v1", "a", "b", "a", "b", "a"))
    shop.fold()
    [pair] = shop.rows(covisits)
    assert (pair["product"], pair["other"], pair["viewed"]) == ("a", "b", 1)


def test_days_apart_is_not_together(shop: Shop) -> None:
    shop.send(*visit(shop, "v1", "a"), *visit(shop, "v1", "b", at=NOON + 2 * DAY))
    shop.fold()
    assert shop.rows(covisits) == []


def test_counts_do_not_depend_on_batches(shop: Shop, tmp_path: Path) -> None:
    other = Shop(sqlite_database(tmp_path / "other"))
    for one, batch in ((shop, 1000), (other, 1)):
        one.send(*visit(one, "v1", *"abcdefghijklmno"), *visit(one, "v2", *"cab"))
        one.fold(batch=batch)
    times = {"last_at"}
    assert [{k: v for k, v in row.items() if k not in times} for row in shop.rows(covisits)] == [
        {k: v for k, v in row.items() if k not in times} for row in other.rows(covisits)
    ]
    assert shop.rows(recent_products) == other.rows(recent_products)
    other.close()


def test_a_product_nobody_met_yet_gets_what_is_popular_in_its_category(shop: Shop) -> None:
    shop.send(
        *visit(shop, "v1", "shirt", category="clothes"), *visit(shop, "v2", "barolo"), *visit(shop, "v3", "chianti")
    )
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, product_id="chianti")
    assert [(item["product_id"], item["reasons"]) for item in decision.items] == [
        ("barolo", ["popular in wine"]), ("shirt", ["popular in the shop"]),
    ]  # fmt: skip


@pytest.mark.parametrize("placement", ["product.also", "home", "category", "product", "cart", "search", "mail", "app"])
def test_a_shop_that_nobody_has_visited_yet_shows_what_it_has(shop: Shop, placement: str) -> None:
    for n in range(20):
        shop.send(shop.message("Product Stated", at=NOON, product_id=f"p{n:02}", name=f"Wine {n}", price=5 + n,
                               category="Red" if n % 2 else "White", currency="EUR"))  # fmt: skip
    shop.fold()
    for context in ({}, {"product_id": "p01"}, {"cart": ["p01"]}, {"category": "Red"}, {"query": "wine"}):
        asked = DecisionAsked(placement=placement, context=context)
        decision, _ = shop.decider.compute(shop.id, asked, now=NOON + HOUR)
        assert len(decision.items) == 6, context
        assert not any("popular" in reason for item in decision.items for reason in item["reasons"])


def test_what_is_alike_comes_before_the_rest_the_nearest_in_price_first(any_shop: Shop) -> None:
    """A 12-pound Chianti on the first day: other reds at that price, then dearer ones, then what else there is."""
    shop = any_shop
    for name, category, brand, price in (
        ("Chianti", "Red", "Felsina", 12), ("Montepulciano", "Red", "Masi", 13), ("Barolo", "Red", "Gaja", 90),
        ("Chianti Riserva", "Red", "Felsina", 14), ("Felsina oil", "Oil", "Felsina", 12), ("Corkscrew", "Bar", "X", 12),
    ):  # fmt: skip
        shop.send(shop.message("Product Stated", at=NOON, product_id=name, name=name, category=category, brand=brand,
                               price=price, currency="GBP"))  # fmt: skip
    shop.fold()
    asked = DecisionAsked(placement="product", context={"product_id": "Chianti"})
    decision, _ = shop.decider.compute(shop.id, asked, now=NOON + HOUR, trial={"none": ()})
    assert [item["item_id"] for item in decision.items] == [
        "Chianti Riserva", "Montepulciano", "Felsina oil", "Barolo", "Corkscrew",
    ]  # fmt: skip
    assert [item["reasons"][0] for item in decision.items] == [*["similar to this product"] * 4, "from our range"]


_texts = st.sampled_from(["Chianti", "chianti", "Barolo", "", None])
_seen = st.builds(
    Seen, _texts, _texts, st.frozensets(st.sampled_from("abc")), st.none() | st.integers(-5, 10**12),
    st.sampled_from(["GBP", "EUR", None]),
)  # fmt: skip


@given(_seen, _seen)
def test_likeness_is_a_share_and_the_same_both_ways(left: Seen, right: Seen) -> None:
    assert 0 <= likeness(left, right) <= 1
    assert likeness(left, right) == pytest.approx(likeness(right, left))


def test_an_empty_shop_answers_an_empty_slate(shop: Shop) -> None:
    assert shop.decide(at=NOON, product_id="nothing").items == []


def test_what_lies_in_the_cart_or_was_just_bought_is_not_offered_again(shop: Shop) -> None:
    for who in ("v1", "v2"):
        shop.send(*visit(shop, who, "a", "b", "c", "d"))
    shop.send(shop.message("Product Added", at=NOON + HOUR, user="ada", product_id="b"))
    shop.send(shop.message("Order Completed", at=NOON + HOUR, user="ada", order_id="o", products=[{"product_id": "c"}]))
    shop.fold()
    ada = CustomerNamed(namespace="user_id", value="ada")
    decision = shop.decide(at=NOON + 2 * HOUR, customer=ada, product_id="a")
    assert ids(decision.items) == ["d"]
    removed = {guardrail.name: guardrail.removed for guardrail in decision.guardrails}
    assert removed == {
        "not_the_same_product": 1, "not_in_the_cart_already": 1, "not_just_bought": 1, "known_to_the_catalogue": 0,
        "can_be_had": 0, "left_out_by_the_shop": 0, "only_these": 0, "early_access": 0,
    }  # fmt: skip


def test_the_customers_own_visit_speaks_where_the_page_says_nothing(shop: Shop) -> None:
    shop.send(*visit(shop, "v1", "a", "b"), *visit(shop, "bo", "a"))
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, customer=CustomerNamed(namespace="anonymous_id", value="bo"))
    assert decision.items[0]["product_id"] == "b"
    assert decision.items[0]["reasons"] == ["sometimes looked at with A"]


def test_every_decision_is_a_fact_with_its_odds(shop: Shop) -> None:
    shop.send(*visit(shop, "v1", "a", "b", "c"), *visit(shop, "v2", "a", "b"))
    shop.fold()
    decision = shop.decide(at=NOON + HOUR, customer=CustomerNamed(namespace="user_id", value="ada"), product_id="a")
    [fact] = shop.facts("Decision Made")
    properties = fact.properties
    assert (fact.id, fact.user_id, fact.source) == (decision.decision_id, "ada", "rapport")
    assert properties["policy"] == {"name": "covisits", "version": "1"}
    assert properties["candidate_count"] == 2
    assert [c["product_id"] for c in properties["candidates"]] == ["b", "c"]
    assert [c["odds"] for c in properties["chosen"]] == [item["odds"] for item in decision.items]
    assert decision.items[1]["odds"] == 1.0


def test_a_visitor_without_any_name_is_answered_and_is_nobodys_record(shop: Shop) -> None:
    shop.send(*visit(shop, "v1", "a", "b"))
    shop.fold()
    shop.decide(at=NOON + HOUR, product_id="a")
    shop.decide(at=NOON + HOUR, product_id="a", customer=CustomerNamed(namespace="user_id", value="guest"))
    made = shop.facts("Decision Made")
    assert [(fact.user_id, fact.anonymous_id) for fact in made] == [(None, None)] * 2


@pytest.mark.parametrize(
    "named", [CustomerNamed(), CustomerNamed(namespace="user_id"), CustomerNamed(namespace="email", value="no mail")]
)
def test_half_a_name_is_refused(shop: Shop, named: CustomerNamed) -> None:
    with pytest.raises(InvalidInput):
        shop.decide(at=NOON, customer=named, product_id="a")


def test_an_unknown_customer_id_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound):
        shop.decide(at=NOON, customer=CustomerNamed(id="cus_nobody"), product_id="a")


def test_what_nobody_did_for_a_year_is_let_go_in_portions(any_shop: Shop) -> None:
    """Pairs and recents that were refreshed since stay, whatever lies between them in the table."""
    shop, today = any_shop, NOON // DAY * DAY
    for number in range(5):
        shop.send(*visit(shop, f"v{number}", f"a{number}", f"b{number}", f"c{number}"))
    shop.fold()
    with shop.db.write() as conn:  # all of it was counted just now; make it old but for the third visitor's
        conn.execute(covisits.update().where(covisits.c.product.not_like("_2")).values(last_at=today - 1))
        newest = [row["strand"] for row in shop.rows(recent_products)][2]
        conn.execute(
            recent_products.update().where(recent_products.c.strand != newest).values(last_day=today // DAY - 1)
        )
        conn.execute(recent_products.update().where(recent_products.c.strand == newest).values(last_day=today // DAY))
        conn.execute(covisits.update().where(covisits.c.product.like("_2")).values(last_at=today))
    pairs = turns(shop.db, PAIRS_RETENTION, now=today + KEPT, at_most=2)
    assert (sum(pairs), max(pairs), len(pairs)) == (12, 2, 8)
    assert {row["product"] for row in shop.rows(covisits)} == {"a2", "b2"}
    recents = turns(shop.db, RECENTS_RETENTION, now=today + KEPT, at_most=2)
    assert (sum(recents), max(recents)) == (4, 2)
    assert [row["strand"] for row in shop.rows(recent_products)] == [newest]


def test_an_order_that_two_systems_report_is_bought_together_once(any_shop: Shop) -> None:
    """In one batch or in two, by whomever: three orders are needed to say so, and two reports are no third."""
    shop = any_shop
    for number in range(2):
        for later in range(2):
            shop.send(shop.message(
                "Order Completed", at=NOON + number * DAY + later * MINUTE, user=f"u{number}", order_id=f"o{number}",
                products=[{"product_id": "a"}, {"product_id": "b"}],
            ))  # fmt: skip
            if number:
                shop.fold()
    shop.fold()
    with shop.db.read() as conn:
        assert [one.bought for one in neighbours_of(conn, shop.id, "a", limit=3)] == [2]
        assert {product: one.bought for product, one in counts_of(conn, shop.id, ["a", "b"]).items()} == {
            "a": 2,
            "b": 2,
        }


def test_what_is_popular_in_a_store_at_this_time_of_day_comes_first_there_and_fades(any_shop: Shop) -> None:
    """Bread in the morning and wine in the evening in one store; who is new is offered each in its time and place."""
    shop, evening, morning = any_shop, NOON + 8 * HOUR, NOON - 4 * HOUR
    shop.send(shop.message("Location Stated", at=NOON, location_id="Oxford", name="Oxford"))
    shop.fold()
    for n in range(6):
        shop.send(
            shop.message("Product Viewed", at=evening, browser=f"e{n}", product_id="wine", location_id="oxford"),
            shop.message("Product Viewed", at=morning, browser=f"m{n}", product_id="bread", location_id="oxford"),
            *(shop.message("Product Viewed", at=NOON, browser=f"n{n}{k}", product_id="phone") for k in range(3)),
        )
    shop.fold()

    def offered(at: int, **context: str) -> tuple[str, str]:
        asked = DecisionAsked(placement="home", context=context)
        decision, _ = shop.decider.compute(shop.id, asked, now=at, trial={"none": ()})
        return decision.items[0]["item_id"], decision.items[0]["reasons"][0]

    assert offered(evening + DAY, location="oxford") == ("wine", "popular in this store at this time of day")
    assert offered(morning + DAY, location="oxford") == ("bread", "popular in this store at this time of day")
    assert offered(NOON + DAY, location="paris") == ("phone", "popular at this time of day")
    assert offered(evening + 60 * DAY, location="oxford") == ("phone", "popular in the shop")  # nobody since


def test_what_is_wanted_in_the_rain_is_offered_to_who_is_new_in_the_rain(shop: Shop) -> None:
    for n in range(12):
        what, sky = ("umbrella", "Rain") if n % 2 else ("hat", "Sun")
        seen = shop.message("Product Viewed", at=NOON, browser=f"v{n}", product_id=what)
        shop.send(seen | {"context": {"weather": {"condition": sky}}})
    shop.fold()
    for weather, first in (("rain", "umbrella"), ("sun", "hat")):
        decision, _ = shop.decider.compute(
            shop.id, DecisionAsked(placement="home", context={"weather": weather}), now=NOON + 3 * HOUR,
            trial={"none": ()},
        )  # fmt: skip
        assert (decision.items[0]["item_id"], decision.items[0]["reasons"]) == (first, ["popular in this weather"])


def test_what_anybody_may_say_in_a_browser_makes_no_moments(shop: Shop) -> None:
    """Places that the shop does not know, weathers and devices that nobody has."""
    odd = {"weather": "a rain of frogs", "device": {"type": "abacus"}}
    view = shop.message("Product Viewed", at=NOON, browser="a", product_id="a", location_id="mars")
    shop.send(view | {"context": odd})
    shop.fold()
    assert [(row["moment"], row["met"]) for row in shop.rows(product_moments)] == [("time afternoon", 1)]


def test_counts_of_moments_do_not_depend_on_the_order_and_are_let_go(shop: Shop) -> None:
    shop.send(shop.message("Location Stated", at=NOON, location_id="oxford", name="Oxford"))
    shop.fold()
    views = [shop.message("Product Viewed", at=NOON - n * DAY, browser=f"v{n}", product_id="a", location_id="oxford")
             for n in range(20)]  # fmt: skip
    shop.send(*reversed(views))
    shop.fold(batch=3)
    rows = shop.rows(product_moments)
    assert sum(row["met"] for row in rows if row["moment"] == "at oxford") == 20
    turns(shop.db, MOMENTS_RETENTION, now=NOON + 9 * 7 * DAY)
    left = {row["week"] for row in shop.rows(product_moments)}
    assert left < {row["week"] for row in rows}


def test_each_reason_is_written_in_every_language_with_the_same_values() -> None:
    for why, words in WORDS.items():
        assert set(words) == set(LANGUAGES), why
        assert len({frozenset(re.findall(r"{\w+}", text)) for text in words.values()}) == 1, why
