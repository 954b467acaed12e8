"""What a basket is worth, by the rules as they are said: one sum for all that counts, one path for quote and order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.loyalty.cart import Cart, CartLine
from rapport.capabilities.loyalty.checking import read_programme
from rapport.capabilities.loyalty.earning import order_points
from rapport.capabilities.loyalty.ledger import Lot
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.quoting import CartAsked, Holder, LineAsked, Quote, quote
from rapport.capabilities.loyalty.tiers import Standing
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key
from tests.loyal import CLUB
from tests.shop import NOON

ONE_EACH = [{"name": "base", "title": "A point for each euro", "points": 1, "per_minor": 100}]


def terms(**changes: Any) -> Programme:
    return read_programme(CLUB | {"plans": [], "tiers": [], "earning": ONE_EACH} | changes)


def asked(
    programme: Programme, *lines: tuple[int, int, str], points: int = 0, standing: Standing | None = None, **more: Any
) -> Quote:
    """The quote for lines of (price, discount, category), for somebody with so many points."""
    standing = standing or Standing()
    lot = Lot(programme="club", lot="l", strand=Key(b"k"), at=0, available_at=0, expires_at=2**62, new=[])
    lot.become(points, now=0, cause="c", words="")
    holder = Holder(programme, [lot], standing, standing.progress_at(programme, NOON), frozenset())
    cart = CartAsked(currency="EUR", shipping_minor=490, lines=[
        LineAsked(line_id=str(i), product_id=f"p{i}", quantity=1, unit_price_minor=minor, discount_minor=off,
                  category=category) for i, (minor, off, category) in enumerate(lines)
    ], **more)  # fmt: skip
    return quote(holder, cart, now=NOON)


FREE_FROM_50 = [{"name": "all", "title": "All", "benefits": [
    {"kind": "delivery", "title": "Free delivery", "above_minor": 5000}]}]  # fmt: skip


@pytest.mark.parametrize("includes_tax", [True, False])
def test_free_delivery_is_by_the_goods_after_what_was_taken_off_however_prices_are_said(*, includes_tax: bool) -> None:
    """woocommerce/woocommerce#8020, #24754: 80 less half is not 50; a coupon never changes which sum is meant."""
    programme = terms(tiers=FREE_FROM_50)
    taken = asked(programme, (8000, 4000, ""), prices_include_tax=includes_tax)
    assert (taken.saving_minor, taken.missing_for_delivery_minor) == (0, 1000)
    there = asked(programme, (6000, 1000, ""), prices_include_tax=includes_tax)
    assert (there.saving_minor, there.missing_for_delivery_minor) == (490, 0)


def test_whichever_way_a_basket_came_about_it_is_worth_the_same() -> None:
    """odoo/odoo#187296, #202519: delivery is counted anew after what is taken off, and is not halved with the goods."""
    half = {"kind": "price", "title": "Half off", "percent": 50}
    brings = [*FREE_FROM_50[0]["benefits"], half]
    lines = [(4000, 0, ""), (3000, 500, ""), (2500, 0, "")]
    for benefits in permutations(brings):
        programme = terms(tiers=[FREE_FROM_50[0] | {"benefits": list(benefits)}])
        found = [asked(programme, *order) for order in permutations(lines)]
        assert {(one.saving_minor, one.to_pay_minor, one.missing_for_delivery_minor) for one in found} == {
            (4500, 4500 + 490, 500)
        }


@pytest.mark.parametrize(
    ("counting", "line", "points", "earned"),
    [
        ({}, (11900, 0, "Gift Cards"), 0, 0),  # Repair-DeskPOS#1050: a gift card would earn for ever
        ({}, (11900, 1900, ""), 0, 100),
        ({"discounts": "before"}, (11900, 1900, ""), 0, 119),
        ({"tax": "excluded", "tax_percent": 19}, (11900, 0, ""), 0, 100),
        ({"points_are": "discount"}, (11900, 0, ""), 1900, 100),  # frappe/erpnext#14847: what was paid with points
        ({"points_are": "payment"}, (11900, 0, ""), 1900, 100),
    ],
)
def test_what_earns_points_is_what_the_programme_says(
    counting: dict[str, Any], line: tuple[int, int, str], points: int, earned: int
) -> None:
    programme = terms(counting=counting)
    assert asked(programme, line, points=points, redeem_points=points).points_earned == earned


@given(
    st.lists(st.tuples(st.integers(0, 50_000), st.sampled_from(["", "Gift Cards", "Wine"])), min_size=1, max_size=5),
    st.sampled_from(["after", "before"]),
    st.sampled_from(["down", "half_up", "up"]),
)
def test_what_is_promised_for_a_basket_is_booked_for_its_order(
    lines: list[tuple[int, str]], discounts: str, rounding: str
) -> None:
    """janavipandole/Cara#6033: two formulas, one of which forgot the tier."""
    programme = terms(counting={"discounts": discounts}, rounding=rounding, tiers=CLUB["tiers"])
    gold = Standing()
    gold.add(programme, NOON - DAY, minor=20_000, points=0, kept=True)
    promised = asked(programme, *((minor, 0, category) for minor, category in lines), standing=gold)
    cart = Cart("EUR", tuple(CartLine(f"p{i}", 1, minor, 0, category) for i, (minor, category) in enumerate(lines)))
    _, booked, _ = order_points(programme, cart, at=NOON, tier="gold")
    assert promised.tier == "gold"
    assert promised.points_earned == sum(booked)


def test_an_order_can_be_paid_with_points_to_the_last_cent() -> None:
    """frappe/erpnext#31509: 0.05 could never be paid, for a point is worth 0.10."""
    programme = terms(worth={"points": 1, "minor": 10})
    there = asked(programme, (1995, 0, ""), points=1_000, redeem_points=1_000)
    assert (there.redeemable.applied_points, there.redeemable.value_minor, there.to_pay_minor) == (200, 1995, 490)


def test_what_a_basket_asks_for_draws_nothing() -> None:
    """frappe/erpnext#59050: a discount without an entry. Only a hold draws, and a hold is an entry."""
    there = asked(terms(), (2000, 0, ""), points=50, redeem_points=50)
    assert (there.balance, there.redeemable.value_minor) == (50, 50)


@pytest.mark.parametrize(
    ("before", "tier", "points"),
    [(0, "friend", 196), (19_999, "friend", 196), (20_000, "gold", 392), (20_001, "gold", 392)],
)
def test_an_order_earns_by_the_tier_that_stood_before_it(before: int, tier: str, points: int) -> None:
    """frappe/erpnext#33550, #22167: an order that reaches a tier earned by that tier's rate, or by a mix of both."""
    programme = terms(tiers=CLUB["tiers"])
    standing = Standing()
    if before:
        standing.add(programme, NOON - DAY, minor=before, points=0, kept=True)
    there = asked(programme, (19_600, 0, ""), standing=standing)
    assert (there.tier, there.points_earned) == (tier, points)
