"""The cart as it is now, whatever the order in which its changes came in."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from rapport.kernel.clock import DAY, HOUR, to_iso
from rapport.kernel.facts import Fact
from tests.rooms.remember.shop import START, bought, did, traits_of


def cart(name: str, days: float, product: str | None = None, **properties: Any) -> Fact:
    named = {"product_id": product} if product else {}
    return did(name, days, web="a", properties={"currency": "EUR", **named, **properties})


def lines(found: dict[str, Any]) -> dict[str, int]:
    return {line["product_id"]: line["quantity"] for line in found["cart"]["products"]}


def test_adds_and_removals_add_up() -> None:
    facts = [
        cart("Product Added", 1, "p", quantity=2, price=10, cart_id="c-1"),
        cart("Product Added", 2, "q", price="1.50"),
        cart("Product Added", 3, "p", price=11),
        cart("Product Removed", 4, "q"),
    ]
    for order in permutations(facts):
        found = traits_of(*order)
        assert lines(found) == {"p": 3}
        assert (found["cart"]["value_minor"], found["cart"]["cart_id"]) == (3300, "c-1")


def test_an_order_empties_the_cart_unless_it_was_placed_elsewhere() -> None:
    added, later = cart("Product Added", 1, "p"), cart("Product Added", 3, "q")
    for order in permutations([added, bought("o", 5, 2, web="a"), later]):
        assert lines(traits_of(*order)) == {"q": 1}
    assert "cart" not in traits_of(added, bought("o", 5, 2, web="a"))
    in_store = bought("o", 5, 2, web="a", context={"channel": "store"})
    assert lines(traits_of(added, in_store)) == {"p": 1}


def test_a_look_at_the_whole_cart_counts_more_than_what_came_before() -> None:
    seen = cart("Cart Viewed", 2, products=[{"product_id": "p", "quantity": 5, "price": 2}, {"product_id": "p"}])
    for order in permutations([cart("Product Added", 1, "z"), seen, cart("Product Added", 3, "q", quantity=2)]):
        assert lines(traits_of(*order)) == {"p": 6, "q": 2}


def test_a_cart_is_abandoned_an_hour_after_its_last_change() -> None:
    added = cart("Product Added", 1, "p")
    fresh = traits_of(added, now=START + DAY + HOUR - 1)
    left = traits_of(added, now=START + DAY + HOUR)
    assert fresh["cart"]["abandoned_at"] is None
    assert left["cart"]["abandoned_at"] == to_iso(START + DAY + HOUR)
    assert fresh["cart"]["changed_at"] == to_iso(START + DAY)


def test_a_cart_that_was_emptied_by_hand_is_no_cart() -> None:
    facts = (cart("Product Added", 1, "p", quantity=2), cart("Product Removed", 2, "p", quantity=2))
    assert "cart" not in traits_of(*facts)


def test_a_cart_seen_empty_is_empty() -> None:
    facts = [cart("Product Added", 1, "p", quantity=2), cart("Cart Viewed", 2, products=[])]
    for order in permutations(facts):
        assert "cart" not in traits_of(*order)


def test_each_variant_is_a_line_of_its_own() -> None:
    facts = [
        cart("Product Added", 1, "p", variant="red", quantity=2, price=3),
        cart("Product Added", 2, "p", variant="blue", price=4),
        cart("Product Removed", 3, "p", variant="red", quantity=1),
    ]
    for order in permutations(facts):
        found = traits_of(*order)["cart"]
        assert [(line["variant"], line["quantity"]) for line in found["products"]] == [("red", 1), ("blue", 1)]
        assert found["value_minor"] == 700
    assert [p["variant"] for p in traits_of(*facts, cart("Product Removed", 4, "p"))["cart"]["products"]] == ["red"]


def test_what_is_sold_by_weight_adds_up_exactly() -> None:
    facts = [cart("Product Added", 1, "p", quantity=0.1, price=10), cart("Product Added", 2, "p", quantity="0.2")]
    for order in permutations(facts):
        found = traits_of(*order)["cart"]
        assert (lines({"cart": found}), found["value_minor"]) == ({"p": 0.3}, 300)
