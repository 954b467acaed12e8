"""What is remembered of a visit, a person, a taste; and what is not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.mergeable import Count
from rapport.remember.inputs import ReadingSettings
from rapport.remember.registry import SHAPES, Part, Registry, Remembered, StrandState, Trait
from tests.remembered import REMEMBERED
from tests.rooms.remember.shop import START, bought, did, traits_of

BROWSER = {
    "library": {"name": "analytics.js", "version": "next-1.77"}, "locale": "de-AT", "timezone": "Europe/Vienna",
    "userAgent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "consent": {"categoryPreferences": {"marketing": True, "analytics": False}},
    "page": {"url": "https://shop.example/", "referrer": "https://www.blog.example/wine"},
}  # fmt: skip
CHIANTI = {"product_id": "p-1", "name": "Chianti", "category": "Red", "brand": "Rossi", "price": 12, "currency": "EUR"}


def person(days: float = 0, **traits: Any) -> Any:
    return did("Identified", days, user="ada", traits=traits)


def test_a_visit_is_remembered_with_its_channel_device_and_origin() -> None:
    found = traits_of(
        did("Page Viewed", 0, context=BROWSER), did("Page Viewed", 0.01, context=BROWSER), did("Screen Viewed", 1)
    )
    assert found["sessions"] == 2
    assert found["channels"] == [{"name": "web", "count": 2}, {"name": "app", "count": 1}]
    assert found["devices"] == [{"name": "mobile", "count": 2}]
    assert (found["language"], found["time_zone"]) == ("de", "Europe/Vienna")
    assert (found["first_seen_at"], found["last_seen_at"]) == (to_iso(START), to_iso(START + DAY))
    assert found["acquisition"] == {"source": "blog.example", "medium": "referral", "first_touch_at": to_iso(START)}


def test_the_first_campaign_stays_with_its_cost() -> None:
    spring = {"campaign": {"name": "spring", "source": "google", "medium": "cpc", "cost": "0.42", "currency": "EUR"}}
    autumn = {"campaign": {"name": "autumn"}}
    found = traits_of(did("Page Viewed", 9, context=autumn), did("Page Viewed", 1, context=spring))
    assert found["acquisition"]["campaign"] == "spring"
    assert found["acquisition_cost"] == {"EUR": 42}


def test_what_a_person_states_is_normalised_and_the_latest_counts() -> None:
    found = traits_of(
        person(2, email="Ada@Example.com", firstName="Ada", lastName="Lovelace", birthday="1815-12-10T00:00:00Z"),
        person(1, email="old@example.com", name="A. King", phone="+49 30 1234567"),
        person(3, email="not an address", address={"city": "Wien", "postalCode": 1010, "country": "at"}),
    )
    assert (found["email"], found["phone"], found["name"]) == ("ada@example.com", "+49301234567", "Ada Lovelace")
    assert (found["first_name"], found["last_name"], found["birthday"]) == ("Ada", "Lovelace", "1815-12-10")
    assert found["location"] == {"city": "Wien", "postal_code": "1010", "country": "AT"}
    assert found["country"] == "AT"


def test_a_company_is_a_text_an_object_or_part_of_an_address() -> None:
    assert traits_of(person(1, company="Esdale Works"))["company"] == "Esdale Works"
    assert traits_of(person(1, company={"name": "Esdale Works", "employees": 12}))["company"] == "Esdale Works"
    assert traits_of(person(1, address={"city": "Hull", "company": "Esdale Works"}))["company"] == "Esdale Works"
    assert "company" not in traits_of(person(1, company={"employees": 12}), person(2, company="n/a"))


def test_an_address_stated_long_ago_outweighs_where_the_network_puts_the_device() -> None:
    travelling = did("Page Viewed", 9, context={"location": {"city": "Lisboa", "country": "PT"}})
    assert traits_of(person(1, address={"country": "AT"}), travelling)["country"] == "AT"
    assert traits_of(travelling)["country"] == "PT"


def test_a_group_is_not_the_person() -> None:
    group = did("Group Joined", 1, user="ada", traits={"name": "Analytical Engines Ltd", "email": "office@example.com"})
    group.type = "group"
    assert "name" not in traits_of(group)
    assert "email" not in traits_of(group)


def test_tastes_come_from_views_adds_and_purchases() -> None:
    white = {**CHIANTI, "product_id": "p-2", "category": "White", "price": 30}
    found = traits_of(
        did("Product Viewed", 1, properties=CHIANTI), did("Product Viewed", 2, properties=white),
        did("Product Added", 3, properties=CHIANTI), did("Product Viewed", 4, properties=CHIANTI),
    )  # fmt: skip
    assert (found["product_views"], found["products_viewed"], found["adds_to_cart"]) == (3, 2, 1)
    assert [line["name"] for line in found["categories"]] == ["Red", "White"]
    assert sum(line["share"] for line in found["brands"]) == pytest.approx(1)
    assert [line["product_id"] for line in found["recent_products"]] == ["p-1", "p-2"]
    assert found["price_band"]["EUR"]["middle"] == pytest.approx(1200, rel=0.12)


def test_a_wish_that_was_taken_back_is_none() -> None:
    facts = [did("Product Added to Wishlist", n, properties={"product_id": f"p-{n}"}) for n in (1, 2)]
    found = traits_of(did("Product Removed from Wishlist", 3, properties={"product_id": "p-1"}), *facts)
    assert [wish["product_id"] for wish in found["wish_list"]] == ["p-2"]


def test_searches_are_remembered_once_each_newest_first() -> None:
    queries = enumerate(["Red", "white", "red "])
    facts = [did("Products Searched", n, properties={"query": query}) for n, query in queries]
    assert [search["query"] for search in traits_of(*facts)["searches"]] == ["red", "white"]


def test_what_the_shop_does_is_no_sign_of_life() -> None:
    found = traits_of(bought("o-1", 5, 1), did("Order Refunded", 9, properties={"order_id": "o-1", "total": 1}))
    assert found["last_seen_at"] == to_iso(START + DAY)


def test_what_rapport_itself_states_is_not_what_the_customer_did() -> None:
    assert traits_of(did("Order Completed", 1, properties={"order_id": "o", "revenue": 1}, source="rapport")) == {}


def test_the_registry_refuses_declarations_that_cannot_work() -> None:
    part = Part(name="visits", kind=Count(), take=lambda fact, settings: True)
    trait = Trait(name="visits", title="Visits", type="integer", part="visits", rule="Number of facts.")
    Registry([part], [trait], settings=ReadingSettings())
    with pytest.raises(ValueError, match="one name"):
        Registry([part, part], [trait], settings=ReadingSettings())
    with pytest.raises(ValueError, match="does not exist"):
        Registry([], [trait], settings=ReadingSettings())


def test_every_trait_explains_itself() -> None:
    assert len(REMEMBERED.traits) >= 30
    for trait in REMEMBERED.traits.values():
        assert trait.rule.endswith("."), trait.name
        assert trait.title, trait.name
    assert set(REMEMBERED.parts) == {trait.part for trait in REMEMBERED.traits.values() if trait.part}


def test_a_fact_reaches_the_same_parts_whatever_facts_came_before() -> None:
    """Which those are is remembered by name and context; more made-up names come than are remembered."""
    rng, used = random.Random(5), Remembered(REMEMBERED.parts.values(), REMEMBERED.traits.values())
    registry = used.registry(currency="EUR", region=None)
    names = [
        "Page Viewed",
        "Identified",
        "Order Completed",
        "Recommendation Shown",
        *(f"Made Up {n}" for n in range(SHAPES)),
    ]
    alone = {part.name: Registry([part], [], settings=registry.settings) for part in used.parts.values()}
    for seen, name in enumerate([*names, *rng.choices(names[:6], k=60)]):
        context = {key: BROWSER[key] for key in rng.sample(sorted(BROWSER), rng.randint(0, len(BROWSER)))}
        more = {f"odd {n}": n for n in range(rng.choice([0, 0, 0, 60]))}
        fact = did(
            name, user="ada", ident=f"f{seen}", context=context | more, properties=CHIANTI,
            traits=rng.choice([{}, {"email": "ada@example.com"}]), source=rng.choice(["src_web", OWN_SOURCE]),
        )  # fmt: skip
        expected: StrandState = {}
        for part in used.parts.values():
            is_own = fact.source == OWN_SOURCE
            opened = bool(set(part.with_context) & {*fact.context, *(["traits"] if fact.traits else [])})
            everything = not part.on and not part.with_context and name not in part.but_not
            if (part.own or not is_own) and (name in part.on or everything or opened):
                alone[part.name].fold(expected, fact)
        got: StrandState = {}
        registry.fold(got, fact)
        assert got == expected


def test_what_a_shop_blocks_becomes_no_trait() -> None:
    """Its own till's address and telephone number are no customer's; the ones stated before stay."""
    registry = REMEMBERED.registry(currency="EUR", region=None, blocked=(r".*@till\.example", r"\+491700000001"))
    state: StrandState = {}
    for at, (email, phone) in enumerate(
        [("ada@example.com", "+491701234567"), ("Front.Desk@till.example", "+49 170 0000001")]
    ):
        registry.fold(state, did("Identified", at, user="ada", traits={"email": email, "phone": phone}))
    found = registry.read(registry.merge([state]), now=START + 9 * DAY)
    assert (found["email"].value, found["phone"].value) == ("ada@example.com", "+491701234567")
