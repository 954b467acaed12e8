"""What the law makes a shop keep of an erased customer's orders stays, tied to nobody, with its reason, for a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rapport.app.pipeline import Pipeline
from rapport.app.worker import drain, run_job_now
from rapport.capabilities.consent import store
from rapport.capabilities.consent.model import Books
from rapport.capabilities.consent.shipped import shipped
from rapport.capabilities.orders.books import EXPIRING
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.rereading import forget_older_readings
from rapport.capabilities.orders.shown import find_order
from rapport.capabilities.orders.store import orders
from rapport.compose.erasure import Proof, erase
from rapport.compose.person import kept_under
from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import Identifier, key_of
from rapport.storage import log
from tests.jobs import turns
from tests.shop import NOON, Shop

LAW = "tax code, section 1"
MAIL = "zq7ada@example.com"
YEAR = 365 * DAY


def in_force(shop: Shop, *, kept: bool, years: int = 10) -> None:
    europe = shipped().holding_for("DE", "")
    wanted = shipped().with_policy(msgspec.structs.replace(europe, books=Books(law=LAW, years=years, kept=kept)))
    with shop.db.write() as conn:
        store.save_policies(conn, shop.id, wanted, seen=0, by="test", reason="tried", now=NOON)


def sold(shop: Shop) -> None:
    """Ada's orders: with tax, corrected, cancelled, given back in part and without naming one, in francs; and Bo's."""
    who: dict[str, Any] = {"user": "zq7ada"}
    euros = {"currency": "EUR"}
    lives = shop.message("x", at=NOON - 1, **who) | {"type": "identify"}
    lives |= {"traits": {"email": MAIL, "name": "Zq7ada", "address": {"country": "DE"}}}
    del lives["event"]
    line = [{"product_id": "p1", "name": "engraved", "price": 50, "quantity": 2}]
    shop.send(
        lives,
        shop.message("Order Completed", at=NOON, **who, order_id="1001", total=119, tax=19, **euros, products=line),
        shop.message("Order Completed", at=NOON + DAY, **who, order_id="1002", total=40, currency="EUR"),
        shop.message("Order Updated", at=NOON + DAY + 1, **who, order_id="1002", total=30, currency="EUR"),
        shop.message("Order Completed", at=NOON + DAY, **who, order_id="1003", total=15, currency="CHF"),
        shop.message("Order Cancelled", at=NOON + DAY + 2, **who, order_id="1003"),
        shop.message("Order Completed", at=NOON + DAY, **who, order_id=f"for-{MAIL}", total=7, currency="EUR"),
        shop.message("Order Refunded", at=NOON + 2 * DAY, **who, order_id="1001", refund_id="1", total=20, **euros),
        shop.message("Order Refunded", at=NOON + 2 * DAY, **who, refund_id="9", total=3, currency="EUR"),
        shop.message("Order Completed", at=NOON, user="bo", order_id="2001", total=70, currency="EUR"),
    )  # fmt: skip
    shop.wait(NOON + 3 * DAY)
    drain(shop.pipeline)


def erased(shop: Shop, *, now: int = NOON + 3 * DAY, for_good: bool = True) -> Proof:
    with shop.db.write() as conn:
        key = key_of(shop.id, Identifier("user_id", "zq7ada"))
        proof, _ = erase(conn, shop.pipeline.slices, shop.id, key, now=now, told=to_iso(now), for_good=for_good)
    shop.pipeline = Pipeline(shop.db, slices=shop.pipeline.slices)  # a worker loses its leases, and takes them anew
    return proof


def revenue(shop: Shop) -> list[object]:
    return [shop.metric("revenue", by=by).rows for by in ("", "day", "country", "currency")]


def test_revenue_is_the_same_before_and_after_and_nothing_of_her_is_left(any_shop: Shop) -> None:
    in_force(any_shop, kept=True)
    sold(any_shop)
    before = revenue(any_shop)
    proof = erased(any_shop)
    assert [(one.table, one.rows, one.law) for one in proof.kept] == [("refunds", 2, LAW), ("orders", 4, LAW)]
    assert {one.until for one in proof.kept} == {"2037-01-01T00:00:00.000Z"}
    assert {"orders", "refunds"} <= set(proof.touched), "their files are tidied"
    assert revenue(any_shop) == before
    run_job_now(any_shop.pipeline, "orders.sums")
    assert revenue(any_shop) == before, "as kept sums have it, too"
    for table in any_shop.pipeline.slices.tables.values():
        assert not any("zq7" in str(row) or MAIL in str(row) for row in any_shop.rows(table)), table.name
    her_keys = {key_of(any_shop.id, Identifier(*one)) for one in (("user_id", "zq7ada"), ("email", MAIL))}
    assert not her_keys & {row["strand"] for table in (orders, refunds) for row in any_shop.rows(table)}
    kept = {row["order_id"]: (row["revenue_minor"], row["tax_minor"]) for row in any_shop.rows(orders)
            if row["kept_until"]}  # fmt: skip
    assert kept["1001"] == (10_000, 1_900)
    assert kept["1002"] == (3_000, None), "as it was corrected"
    with any_shop.db.read() as conn:
        shown = find_order(conn, any_shop.id, "1001")
        assert (shown.customer_id, shown.lines, shown.kept_for, shown.refunded_minor) == (None, [], LAW, 1_681)
        assert [(one.table, one.rows) for one in kept_under(conn, any_shop.pipeline.slices, any_shop.id)] == [
            ("orders", 4), ("refunds", 2),
        ]  # fmt: skip


def test_nothing_stays_where_the_policy_does_not_say_so(any_shop: Shop) -> None:
    in_force(any_shop, kept=False)
    sold(any_shop)
    assert erased(any_shop).kept == []
    assert [row["order_id"] for row in any_shop.rows(orders)] == ["2001"]
    assert any_shop.rows(refunds) == []
    assert all(policy.books is None or not policy.books.kept for policy in shipped().policies), "a shop has to say so"


def test_it_outlives_a_new_reading_and_a_late_repetition_and_goes_when_its_time_is_up(any_shop: Shop) -> None:
    in_force(any_shop, kept=True, years=1)
    sold(any_shop)
    before = revenue(any_shop)
    erased(any_shop)
    again = any_shop.message("Order Completed", at=NOON, user="zq7ada", order_id="1001", total=119, currency="EUR")
    any_shop.send(again)
    any_shop.wait(NOON + 4 * DAY)
    with any_shop.db.write() as conn:
        forget_older_readings(conn)
    assert revenue(any_shop) == before
    turns(any_shop.db, EXPIRING, now=from_iso("2027-12-31T23:00:00Z"))
    assert revenue(any_shop) == before
    turns(any_shop.db, EXPIRING, now=from_iso("2028-01-01T01:00:00Z"))
    assert [row["order_id"] for row in any_shop.rows(orders)] == ["2001"]
    assert any_shop.rows(refunds) == []
    assert sum(row["orders"] for row in any_shop.metric("revenue").rows) == 1
    with any_shop.db.read() as conn, pytest.raises(NotFound):
        find_order(conn, any_shop.id, "1001")


def test_what_is_kept_is_closed_whatever_a_stranger_says_of_it(any_shop: Shop) -> None:
    in_force(any_shop, kept=True)
    sold(any_shop)
    before = revenue(any_shop)
    erased(any_shop)
    kept = [any_shop.rows(table) for table in (orders, refunds)]
    at, euros = NOON + 4 * DAY, {"browser": "stranger", "order_id": "1001", "currency": "EUR"}
    for event in ("Order Updated", "Order Completed", "Order Cancelled"):
        any_shop.send(any_shop.message(event, at=at, **euros, total=0.01))
    any_shop.send(any_shop.message("Order Refunded", at=at, **euros, refund_id="z1", total=30))
    any_shop.send(any_shop.message("Order Refunded", at=at, **euros | {"browser": "third"}, refund_id="1", total=30))
    any_shop.wait(at + DAY)
    drain(any_shop.pipeline)
    assert revenue(any_shop) == before
    assert [any_shop.rows(table) for table in (orders, refunds)] == kept


def test_what_comes_again_after_an_erasure_not_for_good_counts_once(any_shop: Shop) -> None:
    in_force(any_shop, kept=True)
    sold(any_shop)
    more = any_shop.message("Order Refunded", at=NOON + 2 * DAY, user="zq7ada", total=2, currency="EUR")
    any_shop.send(more)
    any_shop.wait(NOON + 3 * DAY)
    before = revenue(any_shop)
    erased(any_shop, for_good=False)
    assert revenue(any_shop) == before
    sold(any_shop)
    any_shop.send(more)
    any_shop.wait(NOON + 4 * DAY)
    assert revenue(any_shop) == before


def test_a_refund_of_an_order_nobody_reported_stays_in_its_customers_country(any_shop: Shop) -> None:
    in_force(any_shop, kept=True)
    sold(any_shop)
    any_shop.send(any_shop.message(
        "Order Refunded", at=NOON + 2 * DAY, user="zq7ada", order_id="7777", refund_id="1", total=4, currency="EUR"
    ))  # fmt: skip
    any_shop.wait(NOON + 3 * DAY)
    drain(any_shop.pipeline)
    before = revenue(any_shop)
    erased(any_shop)
    assert revenue(any_shop) == before


def test_what_is_out_of_its_time_already_does_not_stay(any_shop: Shop) -> None:
    in_force(any_shop, kept=True, years=1)
    sold(any_shop)
    assert erased(any_shop, now=NOON + 5 * YEAR).kept == []
    assert [row["order_id"] for row in any_shop.rows(orders)] == ["2001"]
    assert not any(b"zq7" in row["body"] for row in any_shop.rows(log.facts))
