"""Fit: returns count once in any order, unknowns are said, risks come true as often as said, sizes are kept ones."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rapport.capabilities import orders
from rapport.capabilities.fit import store
from rapport.capabilities.fit.model import FitShown, Pieces, lean_of, risk_of, says_size, size_for
from rapport.capabilities.fit.service import TIME_TO_RETURN, fit_of
from rapport.compose.person import erase_person
from rapport.decide.service import CustomerNamed
from rapport.kernel.clock import DAY, now_us, to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import Identifier, key_of
from tests.shop import NOON, Shop

LATER = NOON + TIME_TO_RETURN + DAY
SIZES = ("S", "M", "L")


def order(shop: Shop, number: str, *lines: tuple[str, str], user: str = "ada", **more: Any) -> dict[str, Any]:
    products = [{"product_id": one, "variant": size, "category": "Shirts", "price": 10} for one, size in lines]
    return shop.message("Order Completed", at=NOON, user=user, order_id=number, products=products, **more)


def refund(shop: Shop, number: str, *lines: tuple[str, str], reason: str = "", **more: Any) -> dict[str, Any]:
    products = [{"product_id": one, "variant": size} for one, size in lines]
    return shop.message(
        "Order Refunded", at=NOON + DAY, user="ada", order_id=number, products=products, reason=reason, **more
    )  # fmt: skip


def fit(shop: Shop, product: str, *, user: str | None = None, now: int = LATER, **more: str) -> FitShown:
    with shop.db.read() as conn:
        named = CustomerNamed(namespace="user_id", value=user) if user else None
        strands = shop.decider.strands_of(conn, shop.id, named, now=now) if named else None
        return fit_of(conn, shop.id, product, strands=strands, now=now, **more)


def test_a_return_counts_once_in_whatever_order_and_however_often_it_is_told(any_shop: Shop) -> None:
    shop = any_shop
    told = [
        order(shop, "1", ("shirt", "M"), ("shirt", "M"), ("shirt", "L")),
        refund(shop, "1", ("shirt", "L"), reason="too large", refund_id="r1"),
        refund(shop, "1", ("shirt", "L"), reason="too large", refund_id="r1"),
        order(shop, "1", ("shirt", "M"), ("shirt", "M"), ("shirt", "L")),
    ]
    for message in (told[2], told[3], told[0], told[1]):
        shop.send(message)
        shop.fold(batch=1)
    those = orders.sold(shop.id).subquery()
    with shop.db.read() as conn:
        assert store.of_item(conn, shop.id, those, "shirt", until=LATER) == Pieces(3, 1)
        assert store.of_item(conn, shop.id, those, "shirt", until=LATER, variant="M") == Pieces(2, 0)
        assert store.of_item(conn, shop.id, those, "shirt", until=NOON) == Pieces()  # it has not had time to come back
        assert store.reasons_of(conn, shop.id, "shirt") == (0, 1)


def test_an_item_is_unknown_where_refunds_do_not_say_what_came_back(any_shop: Shop) -> None:
    """Half of the orders are given back: by a shop system that tells the sum alone, or the product and no variant."""
    shop = any_shop
    for number in range(100):
        shop.send(order(shop, f"o{number}", ("shirt", "M"), user=f"u{number}", total=10, currency="EUR"))
        if number % 2:
            shop.send(shop.message("Order Refunded", at=NOON + DAY, user=f"u{number}", order_id=f"o{number}",
                                   refund_id=f"r{number}", total=10, currency="EUR"))  # fmt: skip
    shop.fold()
    found = fit(shop, "shirt").risk
    assert (found.level, found.probability) == ("unknown", None)
    assert found.why == ["only 0 of 50 refunded orders say which products came back"]
    for number in range(1, 100, 2):
        products = [{"product_id": "shirt", "quantity": 1}]
        shop.send(shop.message("Order Refunded", at=NOON + DAY, user=f"u{number}", order_id=f"o{number}",
                               refund_id=f"r{number}", products=products, reason="too small"))  # fmt: skip
    shop.fold()
    told = fit(shop, "shirt")
    assert (told.risk.item, told.lean) == (Pieces(100, 50), "runs_small")
    assert fit(shop, "shirt", variant="M").risk.item == Pieces(100, 50)


def test_an_order_counts_once_as_it_was_left_and_not_where_it_was_cancelled(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        order(shop, "twice", ("shirt", "M")),
        order(shop, "twice", ("shirt", "4455")) | {"timestamp": to_iso(NOON + DAY)},
        order(shop, "edited", ("shirt", "M"), ("hat", ""), revenue=20),
        shop.message("Order Updated", at=NOON + DAY, user="ada", order_id="edited", revenue=10,
                     products=[{"product_id": "hat"}]),
        order(shop, "cancelled", ("shirt", "M")),
        shop.message("Order Cancelled", at=NOON + DAY, user="ada", order_id="cancelled"),
    )  # fmt: skip
    shop.fold(batch=1)
    with shop.db.read() as conn:
        those = orders.sold(shop.id).subquery()
        assert store.of_item(conn, shop.id, those, "shirt", until=LATER) == Pieces(1, 0)
        assert store.of_item(conn, shop.id, those, "hat", until=LATER) == Pieces(1, 0)
        lines = store.lines_of(conn, shop.id, those, [key_of(shop.id, Identifier("user_id", "ada"))])
    assert sorted(line.product_id for line in lines) == ["hat", "shirt"]


@pytest.mark.parametrize(
    ("reason", "says"),
    [("Falsche Menge geliefert", 0), ("wrong length", 0), ("Engraving wrong", 0), ("my shorts", 0), ("zweites Paar", 0),
     ("grandmother did not like it", 0), ("tights damaged", 0), ("in English", 0), ("Zu eng!", -1), ("zu klein", -1),
     ("SIZE_TOO_SMALL", -1), ("too large", 1), ("viel zu groß", 1), ("zu weit", 1), ("smaller than expected", -1),
     ("trop grand", 1), ("größer als gedacht", 1)],
)  # fmt: skip
def test_a_reason_is_read_by_whole_words(reason: str, says: int) -> None:
    assert says_size(reason) == says


def test_what_is_not_known_is_called_so(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(order(shop, "1", ("shirt", "M")))
    shop.fold()
    found = fit(shop, "shirt")
    assert (found.risk.level, found.risk.probability, found.lean) == ("unknown", None, "unknown")
    assert "only 1 pieces" in found.risk.why[0]
    assert found.size is None
    with pytest.raises(NotFound):
        fit(shop, "nothing")


def test_a_customer_is_told_the_size_they_keep_and_nobody_who_refuses_is_looked_at(any_shop: Shop) -> None:
    shop = any_shop
    now = now_us()
    sizes = [{"variant": size} for size in SIZES]
    stated: dict[str, Any] = {"product_id": "new", "name": "New shirt", "category": "Shirts", "variants": sizes}
    shop.send(shop.message("Product Stated", at=NOON) | {"properties": stated})
    for number in range(4):
        shop.send(order(shop, f"a{number}", ("shirt", "M" if number else "S")))
    shop.send(refund(shop, "a0", ("shirt", "S"), reason="too small"))
    shop.fold()
    found = fit(shop, "new", user="ada", now=now)
    assert found.size is not None
    assert (found.size.variant, found.size.kept) == ("M", 3)
    refusal = {"context": {"consent": {"categoryPreferences": {"personalisation": False}}}}
    shop.send(shop.message("Product Viewed", at=NOON, user="ada", product_id="new") | refusal)
    shop.fold()
    refused = fit(shop, "new", user="ada", now=now)
    assert refused.size is None
    assert refused.risk.customer is None
    assert "may not be looked at" in refused.size_unknown
    keys = [key_of(shop.id, Identifier("user_id", "ada"))]
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, keys)
    with shop.db.read() as conn:
        assert store.lines_of(conn, shop.id, orders.sold(shop.id).subquery(), keys) == []


def test_risks_come_true_as_often_as_they_say_and_intervals_hold_most_truths() -> None:
    """Items and customers of known risk, seen through few pieces each; the shares told are then compared with fate."""
    rng = random.Random(7)
    told: list[tuple[float, float]] = []
    inside = 0
    for _ in range(600):
        truth = min(0.6, rng.betavariate(3, 17))
        sold = rng.choice((6, 20, 60))
        risk = risk_of(Pieces(5_000, 750), Pieces(sold, sum(rng.random() < truth for _ in range(sold))))
        assert risk.probability is not None
        assert risk.low is not None
        assert risk.high is not None
        told.append((risk.probability, truth))
        inside += risk.low <= truth <= risk.high
    assert inside / 600 > 0.8
    told.sort()
    for part in (told[:200], told[200:400], told[400:]):
        said, came = (sum(one[n] for one in part) / 200 for n in (0, 1))
        assert abs(said - came) < 0.025


def test_more_returns_never_make_a_risk_smaller() -> None:
    shop = Pieces(1_000, 100)
    for sold in (1, 10, 200):
        risks = [risk_of(shop, Pieces(sold, back)).probability or 0 for back in range(0, sold + 1, max(1, sold // 10))]
        assert risks == sorted(risks)
        theirs = [
            risk_of(shop, Pieces(50, 5), Pieces(sold, b), expected=sold * 0.1).probability or 0 for b in (0, sold)
        ]
        assert theirs == sorted(theirs)


def test_an_item_that_runs_small_moves_the_advice_and_what_failed_is_not_advised_again() -> None:
    advice = size_for({"M": 4, "L": 1}, SIZES, lean_of(9, 1), tried={})
    assert not isinstance(advice, str)
    assert (advice.variant, advice.share) == ("L", 0.8)
    assert isinstance(size_for({"M": 4}, SIZES, "unknown", tried={"M": Pieces(1, 1)}), str)
    kept = size_for({"M": 4}, SIZES, "runs_small", tried={"S": Pieces(2, 0)})
    assert not isinstance(kept, str)
    assert kept.variant == "S"
    assert isinstance(size_for({"38": 4}, SIZES, "unknown", tried={}), str)
