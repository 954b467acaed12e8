"""Every product has a picture of its own, small and well-formed, and a text of its own."""

from __future__ import annotations

import gzip
from xml.etree import ElementTree as ET

import pytest

from rapport.world.catalogue import the_catalogue
from rapport.world.storefront.pictures import Picture, picture, picture_at
from rapport.world.storefront.words import said_of, size_words

PRODUCTS = the_catalogue().products
SMALL = 6_000
"""Bytes, compressed."""


def shown(found: Picture) -> str:
    return gzip.decompress(found.packed).decode()


@pytest.mark.parametrize("near", [False, True])
def test_every_product_is_drawn_small_and_like_no_other(*, near: bool) -> None:
    seen: dict[str, str] = {}
    for product in PRODUCTS:
        found = picture(product, near=near)
        assert len(found.packed) < SMALL, product.name
        svg = shown(found)
        assert svg not in seen, f"{product.name} looks exactly like {seen[svg]}"
        seen[svg] = product.name


def test_a_picture_stands_for_itself() -> None:
    """Well-formed, nothing fetched from elsewhere, nothing that runs, every reference inside it leads somewhere."""
    for product in PRODUCTS:
        root = ET.fromstring(shown(picture(product)))
        names = {element.get("id") for element in root.iter()}
        for element in root.iter():
            assert not element.tag.endswith(("script", "image", "foreignObject"))
            links = [element.get("href", "#")[1:]] if element.tag.endswith("use") else []
            links += [value[5:-1] for value in element.attrib.values() if value.startswith("url(#")]
            assert names.issuperset(links), f"{product.name}: {links}"


def test_a_picture_is_found_under_its_digest_and_no_other() -> None:
    found = picture(PRODUCTS[0])
    name = found.url.removeprefix("/pictures/")
    assert picture_at(name) == found
    assert picture_at(name.replace(".svg", "x.svg")) is None
    assert picture_at("no-such-thing.0123456789.svg") is None
    assert picture_at("../app.py") is None


def test_the_near_picture_looks_at_a_part_of_the_other() -> None:
    """The same drawing, seen through a smaller window."""
    wide = [ET.fromstring(shown(picture(PRODUCTS[0], near=near))).get("viewBox", "").split() for near in (False, True)]
    assert float(wide[1][2]) < float(wide[0][2]) / 2


def test_each_product_has_a_description_and_details_of_its_own() -> None:
    texts = [said_of(product).text for product in PRODUCTS]
    assert len(set(texts)) == len(texts)
    assert min(map(len, texts)) > 15
    for product in PRODUCTS:
        details = dict(said_of(product).details)
        assert details["From"] == product.origin
        assert all(details.values()), product.name
        assert "Allergens" in details or product.department not in ("Wine", "Food")


def test_shoes_say_what_their_size_is_in_numbers() -> None:
    for product in PRODUCTS:
        shown = [size_words(product, size) for size in product.sizes]
        assert len(set(shown)) == len(product.sizes)
        assert all("(" in words for words in shown) == ("shoe" in product.tags or not shown)
