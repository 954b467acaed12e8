"""What may be asked of deciding, and what is made of odd questions."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from rapport.decide.asked import taken_of_context
from rapport.decide.reasons import language_among
from rapport.decide.service import CustomerNamed, Decision, DecisionAsked
from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.errors import InvalidInput, NotFound
from tests.shop import NOON, Shop

WINES = ("chianti", "barolo", "rosso", "bianco", "corkscrew", "decanter", "glass", "carafe")
EVERY = ("product.also", "home", "category", "product", "cart", "search", "mail", "app", "store")


def filled(shop: Shop) -> Shop:
    for visitor in range(6):
        for step in range(4):
            name = WINES[(visitor + step * (visitor % 3 + 1)) % len(WINES)]
            shop.send(shop.message(
                "Product Viewed", at=NOON + visitor * HOUR // 10 + step, browser=f"v{visitor}", product_id=name,
                name=name.title(), price=10 + step, currency="EUR", category="wine",
            ))  # fmt: skip
    shop.fold()
    return shop


def decide(shop: Shop, *placements: str, at: int = NOON + HOUR, **asked: Any) -> list[Decision]:
    question = DecisionAsked(placements=list(placements), **asked)
    return asyncio.run(shop.decider.decide_all(shop.id, question, now=at)).decisions


def ids(decision: Decision) -> list[str]:
    return [item["item_id"] for item in decision.items]


def test_several_placements_of_a_page_repeat_nothing(any_shop: Shop) -> None:
    shop = filled(any_shop)
    page, home, cart = decide(shop, "product", "home", "cart", context={"product_id": "chianti"}, limit=2)
    shown = [*ids(page), *ids(home), *ids(cart)]
    assert len(shown) == len(set(shown)) == 6
    assert next(rule for rule in home.guardrails if rule.name == "not_shown_elsewhere").removed == 2
    assert [item["position"] for item in page.items] == [1, 2]
    shop.fold()
    assert {fact.properties["placement"] for fact in shop.facts("Decision Made")} == {"product", "home", "cart"}


@pytest.mark.parametrize("placement", EVERY)
def test_an_empty_shop_and_a_stranger_get_an_answer_everywhere(shop: Shop, placement: str) -> None:
    [empty] = decide(shop, placement)
    assert (empty.items, empty.personal) == ([], False)
    [decision] = decide(filled(shop), placement)
    assert decision.items
    assert all(item["reasons"] for item in decision.items)


def test_what_a_browser_did_counts_for_the_customer_it_was_never_tied_to(shop: Shop) -> None:
    filled(shop).send(shop.message("Product Viewed", at=NOON + HOUR, browser="new", product_id="decanter"))
    shop.fold()
    ada = CustomerNamed(namespace="user_id", value="ada")
    [without] = decide(shop, "home", customer=ada)
    [together] = decide(shop, "home", customer=ada, anonymous_id="new")
    assert without.items[0]["reasons"][0].startswith("popular ")
    assert "Decanter" in together.items[0]["reasons"][0]


def test_a_customer_is_named_in_short(shop: Shop) -> None:
    filled(shop).send(shop.message("Product Viewed", at=NOON + HOUR, user="ada", product_id="decanter"))
    shop.fold()
    [decision] = decide(shop, "home", customer="user_id:ada")
    assert decision.personal
    assert "Decanter" in decision.items[0]["reasons"][0]


def test_the_cart_of_the_page_is_suggested_to_nobody_and_says_what_goes_with_it(shop: Shop) -> None:
    [decision] = decide(filled(shop), "cart", context={"cart": [{"product_id": "chianti"}, "barolo"]})
    assert not {"chianti", "barolo"} & set(ids(decision))
    assert "Chianti" in str([item["reasons"] for item in decision.items])


def test_what_was_found_stays_within_the_results_and_bends_to_the_visitor(shop: Shop) -> None:
    found = {"results": ["glass", "barolo", "rosso"], "query": "something red"}
    [cold] = decide(filled(shop), "search", context=found)
    assert ids(cold)[0] == "glass"
    assert set(ids(cold)) == {"glass", "barolo", "rosso"}
    [warm] = decide(shop, "search", context=found | {"viewed": ["chianti"]})
    assert set(ids(warm)) == {"glass", "barolo", "rosso"}


def test_a_query_is_searched_in_the_catalogue_and_what_is_not_found_is_not_shown(any_shop: Shop) -> None:
    shop = filled(any_shop)
    [found] = decide(shop, "search", context={"query": "decantr"})
    assert ids(found) == ["decanter"]
    assert found.items[0]["reasons"][0] == "found by the search"
    [nothing] = decide(shop, "search", context={"query": "locomotive"})
    assert nothing.items == []


def test_reasons_are_in_the_language_of_the_shopper(shop: Shop) -> None:
    filled(shop)
    context = {"product_id": "chianti"}
    [german] = decide(shop, "product", context=context, language="de-AT")
    assert "mit diesem Artikel" in german.items[0]["reasons"][0]
    [by_context] = decide(shop, "product", context=context | {"language": "de"})
    assert "mit diesem Artikel" in by_context.items[0]["reasons"][0]
    shop.fold()
    logged = [fact.properties["chosen"][0]["reasons"][0] for fact in shop.facts("Decision Made")]
    assert all("with this product" in reason for reason in logged)


def test_one_placement_or_several_and_each_once(shop: Shop) -> None:
    for asked in ({}, {"placement": "home", "placements": ["home"]}, {"placements": ["home", "home"]}):
        with pytest.raises(InvalidInput):
            asyncio.run(shop.decider.decide_all(shop.id, DecisionAsked(**asked), now=NOON))
    with pytest.raises(NotFound, match="no placement 'nowhere'"):
        decide(shop, "home", "nowhere")


@pytest.mark.parametrize("placement", EVERY)
def test_what_is_withdrawn_or_sold_out_is_gone_from_the_next_answer_everywhere(shop: Shop, placement: str) -> None:
    """From co-visits, popularity, categories, searches and what a page names itself: each is asked when it answers."""
    filled(shop)
    contexts: list[dict[str, Any]] = [
        {}, {"product_id": "chianti"}, {"category": "wine"}, {"query": "b"}, {"cart": ["chianti"]},
        {"results": ["barolo", "rosso", "bianco"]}, {"viewed": ["chianti"]},
    ]  # fmt: skip

    def shown() -> set[str]:
        return {one for context in contexts for made in decide(shop, placement, context=context) for one in ids(made)}

    assert shown() >= {"barolo", "rosso"}
    shop.send(
        shop.message("Product Withdrawn", at=NOON + HOUR // 2, product_id="barolo"),
        shop.message("Stock Level Changed", at=NOON + HOUR // 2, location_id="dc", product_id="rosso", on_hand=0),
    )
    shop.fold()
    assert not shown() & {"barolo", "rosso"}
    assert shown()


def test_a_hostile_context_is_no_error(any_shop: Shop) -> None:
    """Whatever a client sends along: the decision is made, the fact stays small, the database is asked nothing odd."""
    shop = filled(any_shop)
    chance = random.Random(3)
    odd: list[Any] = [
        "a\x00b", "\ud800", "'; DROP TABLE products; --", "{{7*7}}", "x" * 100_000, 10**400, float("nan"), -1, True,
        None, [], [[["deep"]]], {"a": {"b": 1}}, ["\x00"], [{"sku": "\x00"}] * 5_000, {"\x00": "\x00"}, "%", "\u202e",
    ]  # fmt: skip
    names = ["product_id", "cart", "viewed", "results", "category", "location", "market", "language", "query", "\x00"]
    for _ in range(8):
        context = {name: chance.choice(odd) for name in names}
        made = decide(shop, *EVERY, context=context)
        assert len(made) == len(EVERY)
    shop.fold()
    assert max(len(str(fact.properties["context"])) for fact in shop.facts("Decision Made")) < 20_000


def test_a_context_is_bounded() -> None:
    taken = taken_of_context({f"k{n}": {f"i{m}": "x" * 9_000 for m in range(200)} for n in range(500)})
    assert len(taken) <= 101
    assert max(map(len, taken.values())) == 500
    assert taken_of_context({"cart": [str(n) for n in range(1_000)]})["cart"][-1] == "49"


def test_a_language_nobody_wrote_is_english() -> None:
    assert [language_among(one) for one in ("", "de", "DE_ch", "deu", "sv", "th-TH", "\x00", "d")] == [
        "en", "de", "de", "en", "en", "th", "en", "en",
    ]  # fmt: skip


def test_a_browser_is_told_from_what_it_did_alone(shop: Shop) -> None:
    """A write key is public: whoever names another's browser learns nothing that its person did elsewhere."""
    filled(shop).send(
        shop.message("Product Viewed", at=NOON + HOUR, user="ada", product_id="decanter"),
        shop.message("Product Viewed", at=NOON + HOUR + MINUTE, user="ada", browser="phone", product_id="glass"),
    )
    shop.fold()
    asked = DecisionAsked(placements=["home"], anonymous_id="phone")
    whole, alone = (
        asyncio.run(shop.decider.decide_all(shop.id, asked, now=NOON + 2 * HOUR, alone=one)).decisions[0]
        for one in (False, True)
    )
    assert "Decanter" in str([item["reasons"] for item in whole.items])
    assert "Decanter" not in str([item["reasons"] for item in alone.items])
