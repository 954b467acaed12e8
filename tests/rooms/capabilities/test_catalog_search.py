"""Searching the catalogue: slips are forgiven in words and never in codes; counts are those of a full scan."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.catalog.finding import Filters
from rapport.capabilities.catalog.searching import Found, Question, search
from rapport.capabilities.catalog.settings import CatalogSettings, synonyms_of
from rapport.capabilities.catalog.words import distance, may_differ, near_keys, query_words
from tests.databases import ENGINES, database_at
from tests.shop import NOON, Shop

WINES: list[tuple[str, str, str, dict[str, str]]] = [
    ("chianti", "Chianti Classico", "Fèlsina", {"colour": "red"}),
    ("rioja", "Rioja Crianza", "Muga", {"colour": "red"}),
    ("soave", "Soave Classico", "Pieropan", {"colour": "white"}),
]


@pytest.fixture(scope="module", params=ENGINES)
def wines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with a small catalogue on each engine."""
    with database_at(request.param, tmp_path_factory.mktemp("search")) as url:
        shop = Shop(url)
        said: list[dict[str, Any]] = [
            {"product_id": i, "name": n, "brand": b, "attributes": a, "category": "Wine"} for i, n, b, a in WINES
        ]
        said += [
            {"product_id": "moth-lamp", "name": "Moths and a flame", "sku": "AB-1234"},
            {"product_id": "moth-lamp-2", "name": "Lamp", "sku": "AB-1235"},
            {"product_id": "phone", "name": "iPhone 15", "gtin": "4006381333931"},
            {"product_id": "harry", "name": "Harry plush"}, {"product_id": "carry", "name": "Carry bag"},
            {"product_id": "two-slips", "name": "Korkskrew"}, {"product_id": "no-slip", "name": "Corkscrew"},
            {"product_id": "shirt", "name": "Linen shirt", "price": 100, "currency": "EUR", "variants": [
                {"variant": "s-red", "sku": "LS-S", "price": 100, "attributes": {"colour": "red", "size": "S"}},
                {"variant": "m-blue", "sku": "LS-M", "price": 200, "attributes": {"colour": "blue", "size": "M"}}]},
        ]  # fmt: skip
        shop.send(*(shop.message("Product Stated", at=NOON, **one) for one in said))
        shop.fold()
        yield shop
        shop.close()


def look(shop: Shop, query: str, synonyms: str = "", **more: Any) -> Found:
    told = synonyms_of(CatalogSettings(synonyms=synonyms))
    with shop.db.read() as conn:
        return search(conn, shop.id, Question(query=query, **more), now=NOON, synonyms=told)


def ids(found: Found) -> list[str]:
    return [one.product_id for one in found.products]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("chianti", "chianti"), ("CHIANTI", "chianti"), ("chanti", "chianti"), ("chiantis", "chianti"),
        ("felsina", "chianti"), ("Fèlsina", "chianti"), ("moth flame", "moth-lamp"), ("moths flames", "moth-lamp"),
        ("iphnoe", "phone"), ("rio", "rioja"), ("classico fèlsnia", "chianti"),
    ],
)  # fmt: skip
def test_accents_plurals_and_slips_are_forgiven(wines: Shop, query: str, first: str) -> None:
    assert ids(look(wines, query))[0] == first


@pytest.mark.parametrize("query", ["AB-1234", "ab1234", "ab 1234", "4006381333931", "LS-M"])
def test_a_code_brings_only_what_it_is_of(wines: Shop, query: str) -> None:
    found = look(wines, query)
    assert found.total == 1
    assert ids(found) == [{"L": "shirt", "4": "phone"}.get(query[0], "moth-lamp")]
    assert found.variants[ids(found)[0]] == (["m-blue"] if query[0] == "L" else [""])


def test_no_number_is_taken_for_another(wines: Shop) -> None:
    assert ids(look(wines, "iphone 15")) == ["phone"]
    assert look(wines, "AB-1236").complete is False
    assert "moth-lamp" not in ids(look(wines, "1236"))


def test_exact_words_come_before_near_ones_and_fewer_slips_before_more(wines: Shop) -> None:
    assert ids(look(wines, "harry"))[:2] == ["harry", "carry"]
    assert ids(look(wines, "corkscrew")) == ["no-slip", "two-slips"]
    assert look(wines, "chanti").corrected == {"chanti": "chianti"}


def test_synonyms_hold_whatever_case_length_and_slip(wines: Shop) -> None:
    meant = "Mobile Phones = iPhone = small computer for the pocket ; Rosso=red"
    for query in (
        "mobile phone",
        "MOBILE PHONES",
        "mobil phone",
        "small computer for the pocket",
        "smal computer pocket",
    ):
        assert ids(look(wines, query, meant))[:1] == ["phone"], query
    assert set(ids(look(wines, "rosso", meant))) >= {"chianti", "rioja"}
    assert look(wines, "mobile phone").complete is False


def test_where_no_product_has_all_the_words_some_have_most(wines: Shop) -> None:
    found = look(wines, "12-pound chianti classico")
    assert (found.complete, ids(found)[:2]) == (False, ["chianti", "soave"])


def test_a_filter_is_passed_by_one_variant_alone_and_facets_see_all_of_them(wines: Shop) -> None:
    everything = look(wines, "shirt")
    assert everything.total == 1
    assert everything.spans == [("EUR", 10000, 20000)]
    assert {("colour", "red", 1), ("colour", "blue", 1), ("size", "S", 1)} <= set(everything.facets)
    both = Filters({"colour": ("red",), "size": ("M",)})
    assert look(wines, "shirt", filters=both).total == 0
    red = look(wines, "shirt", filters=Filters({"colour": ("red", "green")}))
    assert (red.total, red.spans, red.products[0].price_high) == (1, [("EUR", 10000, 10000)], 10000)
    dear = look(wines, "", filters=Filters(currency="EUR", price_min=15000))
    assert (dear.total, ids(dear)) == (1, ["shirt"])


def test_a_question_of_signs_finds_nothing_and_an_empty_one_everything(wines: Shop) -> None:
    assert look(wines, "?!").total == 0
    assert look(wines, "").total == 11
    for hostile in ("' OR 1=1 --", "%%%_", "\0\ud800", "x" * 500, "a " * 300, "🍷🍷", "茶"):
        look(wines, hostile)


def test_prices_sort_both_ways_and_pages_do_not_overlap(wines: Shop) -> None:
    assert ids(look(wines, "", sort="price", limit=1)) == ["shirt"]
    pages = [ids(look(wines, "", sort="name", limit=4, offset=n)) for n in (0, 4, 8)]
    assert len({one for page in pages for one in page}) == 11


def test_the_index_follows_the_catalogue(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(shop.message("Product Viewed", at=NOON, user="ada", product_id="p", name="Green tea", sku="T-1"))
    shop.fold()
    assert ids(look(shop, "tea")) == ["p"]
    shop.send(shop.message("Product Stated", at=NOON + 1, product_id="p", name="Black coffee"))
    shop.fold()
    assert (ids(look(shop, "tea")), ids(look(shop, "coffee"))) == ([], ["p"])
    shop.send(shop.message("Product Viewed", at=NOON + 2, user="bo", product_id="p", name="Green tea"))
    shop.fold()
    assert ids(look(shop, "coffee")) == ["p"]
    shop.send(shop.message("Product Withdrawn", at=NOON + 3, product_id="p"))
    shop.fold()
    assert look(shop, "coffee").total == 0


def test_counts_equal_a_full_scan_and_never_grow_under_a_filter(tmp_path: Path) -> None:
    """A random catalogue; each filter is added to the ones before it."""
    rng = random.Random(5)
    with database_at("sqlite", tmp_path) as url:
        shop = Shop(url)
        shelf: list[dict[str, Any]] = [
            {"product_id": f"p{n}", "name": rng.choice(("bag", "backpack", "bag pack")), "variants": [
                {"variant": f"v{v}", "attributes": {"colour": rng.choice("rgb"), "size": rng.choice("sml")}}
                for v in range(rng.randint(1, 3))]}
            for n in range(60)
        ]  # fmt: skip
        shop.send(*(shop.message("Product Stated", at=NOON, **one) for one in shelf))
        shop.fold()
        for query in ("bag", "bags", "backpack", ""):
            before: dict[tuple[str, str], int] = {}
            chosen: dict[str, tuple[str, ...]] = {}
            for name, values in ((None, ()), ("colour", ("r", "g")), ("size", ("s",))):
                if name:
                    chosen[name] = values
                found = look(shop, query, filters=Filters(chosen), limit=100)
                scanned = _scan(shelf, query, chosen)
                counts = {(facet, value): number for facet, value, number in found.facets}
                assert counts == scanned[1]
                assert found.total == len(found.products) == scanned[0]
                assert all(number <= before.get(key, number) for key, number in counts.items())
                before = counts
        shop.close()


def _scan(
    shelf: list[dict[str, Any]], query: str, chosen: dict[str, tuple[str, ...]]
) -> tuple[int, dict[tuple[str, str], int]]:
    word = query.rstrip("s")
    total = 0
    counts: dict[tuple[str, str], int] = {}
    for product in shelf:
        if word and word not in product["name"].split():
            continue
        good = [v["attributes"] for v in product["variants"]
                if all(v["attributes"][name] in values for name, values in chosen.items())]  # fmt: skip
        total += bool(good)
        for pair in {pair for attributes in good for pair in attributes.items()}:
            counts[pair] = counts.get(pair, 0) + 1
    return total, counts


@given(st.text("abcde", min_size=4, max_size=9), st.integers(0, 8), st.sampled_from("xyz"), st.integers(0, 3))
def test_one_slip_is_always_found_by_a_shared_key(word: str, at: int, sign: str, kind: int) -> None:
    at = min(at, len(word) - 1)
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    slipped = [word[:at] + sign + word[at:], word[:at] + word[at + 1 :], word[:at] + sign + word[at + 1 :], swapped][
        kind
    ]
    assert distance(word, slipped, most=1) is not None
    if may_differ(slipped):
        assert set(near_keys(word)) & set(near_keys(slipped))


@given(st.text(max_size=300))
def test_any_text_makes_a_bounded_question(text: str) -> None:
    words = query_words(text)
    assert len(words) <= 8
    assert all(0 < len(word) <= 40 for word in words)
