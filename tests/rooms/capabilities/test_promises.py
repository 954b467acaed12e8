"""What was promised is watched: kept, at risk, broken or agreed on anew, whatever order the facts come in."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from rapport.capabilities.messages import store as messages
from rapport.capabilities.promises import store
from rapport.capabilities.promises.holding import HOLDS
from rapport.capabilities.promises.lateness import Lived, Model, learn
from rapport.capabilities.promises.paid_back import paid_back
from rapport.capabilities.promises.service.promising import (
    PromiseShown,
    PromiseWanted,
    WindowWanted,
    find_promise,
    promise,
    shipments_shown,
)
from rapport.capabilities.promises.service.queueing import AT_ONCE
from rapport.capabilities.promises.settings import PROMISE_SETTINGS, PromiseSettings
from rapport.capabilities.promises.shipments import Line, Scan, all_arrived, shipments_of_scans
from rapport.capabilities.promises.windows import read_window, zone_of
from rapport.capabilities.promises.working_days import Calendar
from rapport.kernel.clock import DAY, HOUR, SECOND, now_us, to_datetime, to_iso
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import BUCKETS, Identifier, key_of
from rapport.resolve.graph.customer_ids import ensure_secret
from rapport.storage import log, settings
from tests.beside import change_beside
from tests.databases import sqlite_database
from tests.shop import Shop

NOW = now_us()
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ADDRESS = {"country": "DE", "city": "Hamburg"}
LINES = [{"product_id": "gin", "quantity": 2}, {"product_id": "tonic", "quantity": 1}]


def ordered(shop: Shop, order: str, *, at: int = NOW - DAY, promised: Any = None, **more: Any) -> dict[str, Any]:
    stated = {"promised_at": promised} if promised is not None else {}
    return shop.message(
        "Order Completed", at=at, user="ada", order_id=order, products=LINES, revenue=40, currency="EUR",
        shipping_address=ADDRESS, **stated, **more,
    )  # fmt: skip


def scanned(shop: Shop, status: str, *, at: int, shipment: str = "S1", **more: Any) -> dict[str, Any]:
    return shop.message("Shipment Updated", at=at, shipment_id=shipment, status=status, **more)


def day(ahead: int, *, zone: ZoneInfo = BERLIN) -> str:
    return to_datetime(NOW + ahead * DAY).astimezone(zone).date().isoformat()


def of(shop: Shop, order: str) -> PromiseShown:
    with shop.db.write() as conn:
        ensure_secret(conn)
        return find_promise(conn, shop.id, order)


def decide(shop: Shop, **wanted: Any) -> None:
    with shop.db.write() as conn:
        seen = settings.load(conn, shop.id, PROMISE_SETTINGS).version
        settings.save(conn, shop.id, PROMISE_SETTINGS, PromiseSettings(**wanted), version=seen, by="a test", now=1)


def calm(shop: Shop) -> Shop:
    """A warehouse that hands over until midnight, and goods that are there at once: silence is no risk by itself."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    decide(shop, transit_days=0, **{f"cut_off_{name}": "23:59" for name in days})
    return shop


def stated(shop: Shop) -> list[str]:
    names = ("Promise Made", "Promise At Risk", "Promise Broken", "Promise Kept", "Promise Renegotiated")
    return [fact.name for name in names for fact in shop.facts(name)]


def test_a_date_is_a_whole_day_at_the_destination_and_kept_until_its_end_there(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(ordered(shop, "A-1", promised=f"{day(1)}T00:00:00Z"))
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.window.to, found.time_zone, found.promised_by) == (
        "made", day(1), "Europe/Berlin", "shop"
    )  # fmt: skip
    last = datetime.fromisoformat(f"{day(1)}T23:59:59").replace(tzinfo=BERLIN)
    shop.send(shop.message("Order Delivered", at=int(last.timestamp()) * SECOND, user="ada", order_id="A-1"))
    shop.fold()
    assert of(shop, "A-1").status == "kept"
    assert stated(shop) == ["Promise Made", "Promise Kept"]


def test_one_second_after_its_last_day_there_a_promise_is_broken_and_stays_so_when_it_comes(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(ordered(shop, "A-1", at=NOW - 5 * DAY, promised=day(-1)))
    shop.fold()
    assert of(shop, "A-1").status == "broken"
    shop.send(scanned(shop, "delivered", at=NOW, order_id="A-1"))
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.arrived_at) == ("broken", to_iso(NOW))
    assert stated(shop) == ["Promise Made", "Promise Broken"]
    (late,) = shop.facts("Late Order Arrived")
    assert (late.properties["days_late"], late.properties["arrived_at"]) == (1, to_iso(NOW))


def test_facts_in_any_order_twice_and_in_any_batches_leave_the_same(tmp_path: Path) -> None:
    told = None
    for number, order in enumerate(itertools.permutations(range(4))):
        if number % 3:
            continue
        shop = calm(Shop(sqlite_database(tmp_path / str(number))))
        facts = [
            ordered(shop, "A-1", promised=day(2)),
            scanned(shop, "in_transit", at=NOW - 5 * HOUR, order_id="A-1", carrier="DHL"),
            scanned(shop, "out for delivery", at=NOW - 2 * HOUR, place="Hamburg"),
            scanned(shop, "delivered", at=NOW - HOUR),
        ]  # fmt: skip
        shop.send(*(facts[n] for n in (*order, order[0])))
        shop.fold(batch=number % 3 + 1)
        with shop.db.read() as conn:
            rows = [row._replace(changed_at=0, window_id="") for row in store.rows_of(conn, shop.id, ["A-1"]).values()]
        assert [row.status for row in rows] == ["kept"]
        assert told in (None, rows)
        told = rows
        shop.close()


def test_a_late_scan_never_turns_a_delivered_parcel_back_and_an_unknown_word_moves_nothing() -> None:
    def scan(at: int, state: str, said: str = "") -> Scan:
        return Scan("S1", at, f"f{at}", state, said or state)

    [found] = shipments_of_scans(
        [scan(5, "delivered"), scan(9, "in_transit"), scan(2, "in_transit"), scan(10, "unknown", "ZX-7")]
    )
    assert (found.state, found.delivered_at, found.handed_at, found.unknown) == ("delivered", 5, 2, 1)
    [other] = shipments_of_scans([scan(2, "in_transit"), scan(3, "announced"), scan(4, "unknown", "??")])
    assert (other.state, other.said) == ("in_transit", "??")


def test_an_order_is_there_only_when_every_line_is(any_shop: Shop) -> None:
    """2 of 4 shipped is not complete (magento/magento2#40167); a second parcel's number replaces none."""
    shop = calm(any_shop)
    gin, tonic = [LINES[0]], [LINES[1]]
    shop.send(
        ordered(shop, "A-1", promised=day(2)),
        scanned(shop, "delivered", at=NOW - HOUR, order_id="A-1", products=gin),
        scanned(shop, "in_transit", at=NOW - HOUR, shipment="S2", order_id="A-1", products=tonic),
    )  # fmt: skip
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, [one.state for one in found.shipments]) == ("made", ["delivered", "in_transit"])
    shop.send(scanned(shop, "delivered", at=NOW - HOUR // 2, shipment="S2"))
    shop.fold()
    assert of(shop, "A-1").status == "kept"
    with shop.db.read() as conn:
        assert [one.shipment_id for one in shipments_shown(conn, shop.id, "A-1")] == ["S1", "S2"]


def test_what_was_paid_back_is_to_come_no_more(any_shop: Shop) -> None:
    """A piece, or the whole order by its pieces; in whatever order that is heard."""
    shop = calm(any_shop)

    def refunded(order: str, name: str, **more: Any) -> dict[str, Any]:
        return shop.message(
            "Order Refunded", at=NOW - 3 * DAY, user="ada", order_id=order, refund_id=name, currency="EUR", **more
        )

    part: dict[str, Any] = {"amount": 5, "products": [LINES[1]]}
    came: dict[str, Any] = {"at": NOW - 2 * DAY, "products": [LINES[0]]}
    for order in ("A-1", "A-2", "A-4"):
        shop.send(ordered(shop, order, at=NOW - 4 * DAY, promised=day(-1)))
    shop.send(refunded("A-1", "r1", **part), scanned(shop, "delivered", order_id="A-1", **came))
    shop.send(refunded("A-2", "r2", amount=40, products=LINES))
    shop.send(scanned(shop, "delivered", order_id="A-4", shipment="S4", **came))
    shop.fold()
    assert of(shop, "A-4").status == "broken"
    shop.send(refunded("A-4", "r4", **part), refunded("A-4", "r4", **part))
    shop.fold()
    assert [of(shop, order).status for order in ("A-1", "A-2", "A-4")] == [
        "kept", "cancelled", "kept"
    ]  # fmt: skip
    assert notices(shop) == ["A-4"]
    assert shop.rows(paid_back)[0]["order_id"] == "A-1"


@pytest.mark.parametrize(
    ("ordered_as", "sent_as"),
    [
        ({"product_id": "gin", "variant_id": "v1"}, {"product_id": "gin"}),
        ({"product_id": "gin", "variant_id": "v1"}, {"product_id": "gin", "sku": "G-1"}),
        ({"product_id": "gin", "variant_id": "v1", "sku": "G-1"}, {"sku": "G-1"}),
        ({"product_id": "gin"}, {"product_id": "gin", "variant_id": "v1"}),
    ],
)
def test_goods_arrive_whatever_the_warehouse_calls_them(
    any_shop: Shop, ordered_as: dict[str, str], sent_as: dict[str, str]
) -> None:
    shop = calm(any_shop)
    order = ordered(shop, "A-1", promised=day(2))
    order["properties"]["products"] = [ordered_as | {"quantity": 1}]
    shop.send(order, scanned(shop, "delivered", at=NOW - HOUR, order_id="A-1", products=[sent_as]))
    shop.fold()
    assert of(shop, "A-1").status == "kept"


def test_another_variant_or_sku_is_not_what_was_ordered() -> None:
    wanted = (Line("a", "red", 1, "", "S-1"), Line("a", "blue", 1, "", "S-2"))
    [one] = shipments_of_scans([Scan("S1", 1, "f", "delivered", "", lines=(Line("a", "red", 2, "", "S-1"),))])
    assert all_arrived(wanted, [one]) is None
    [both] = shipments_of_scans([Scan("S1", 1, "f", "delivered", "", lines=(Line("a", "", 2),))])
    assert all_arrived(wanted, [both]) == 1


@given(st.permutations(range(3)), st.integers(1, 3))
def test_what_has_arrived_is_a_sum_over_shipments(order: list[int], pieces: int) -> None:
    wanted = (Line("a", "", 3),)
    scans = [Scan(f"S{n}", n, f"f{n}", "delivered", "", lines=(Line("a", "", pieces),)) for n in order]
    arrived = all_arrived(wanted, shipments_of_scans(scans))
    assert arrived == {1: 2, 2: 1, 3: 0}[pieces]


def test_without_a_history_the_warehouses_last_hand_over_says_when_silence_is_a_risk(any_shop: Shop) -> None:
    shop = any_shop
    decide(shop, transit_days=2, **dict.fromkeys(("cut_off_sat", "cut_off_sun"), "17:00"))
    shop.send(ordered(shop, "A-1", promised=day(9)))
    shop.fold()
    assert of(shop, "A-1").status == "made"
    shop.wait(NOW + 8 * DAY)
    found = of(shop, "A-1")
    assert (found.status, found.in_danger_because, found.confidence) == ("at_risk", "not_handed_over", None)
    assert found.likely_window is not None
    assert str(found.likely_window.to) > day(9)
    shop.wait(NOW + 12 * DAY)
    assert of(shop, "A-1").status == "broken"
    assert stated(shop) == ["Promise Made", "Promise At Risk", "Promise Broken"]


def test_the_carriers_own_date_beyond_the_promise_is_a_risk_and_a_better_one_takes_it_back(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(
        ordered(shop, "A-1", promised=day(3)),
        scanned(shop, "in_transit", at=NOW - HOUR, order_id="A-1", estimated_delivery=day(6)),
    )  # fmt: skip
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.in_danger_because, found.likely_window and found.likely_window.to) == (
        "at_risk", "carrier_later", day(6)
    )  # fmt: skip
    shop.send(scanned(shop, "in_transit", at=NOW - HOUR // 2, estimated_delivery=day(3)))
    shop.fold()
    assert of(shop, "A-1").status == "made"


def test_goods_that_lie_nowhere_put_the_orders_that_wait_for_them_at_risk(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(ordered(shop, "A-1", promised=day(4)))
    shop.fold()
    level: dict[str, Any] = {
        "location_id": "dc",
        "product_id": "tonic",
        "incoming": 9,
        "incoming_at": to_iso(NOW + 6 * DAY),
    }
    shop.send(shop.message("Stock Level Changed", at=NOW, on_hand=0, **level))
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.in_danger_because) == ("at_risk", "no_stock")
    assert found.likely_window is not None
    assert str(found.likely_window.to) >= day(5)
    shop.send(shop.message("Stock Level Changed", at=NOW + 1000, on_hand=4, location_id="dc", product_id="tonic"))
    shop.fold()
    assert of(shop, "A-1").status == "made"


def test_who_ordered_the_last_piece_waits_for_nothing(any_shop: Shop) -> None:
    """Shopify and WooCommerce lower what is available when the order comes: the piece lies there, for this order."""
    shop = calm(any_shop)
    level: dict[str, Any] = {"location_id": "dc", "product_id": "gin"}
    shop.send(shop.message("Stock Level Changed", at=NOW - 2 * DAY, available=2, **level))
    shop.send(ordered(shop, "A-1", at=NOW - HOUR, promised=day(4)))
    shop.fold()
    shop.send(shop.message("Stock Level Changed", at=NOW, available=0, **level))
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.in_danger_because) == ("made", "")
    shop.send(shop.message("Stock Level Changed", at=NOW + 1000, on_hand=0, **level))
    shop.fold()
    assert of(shop, "A-1").in_danger_because == "no_stock"


def test_however_many_orders_wait_for_goods_that_are_gone_each_is_looked_at(shop: Shop) -> None:
    calm(shop)
    number = AT_ONCE + 20
    shop.send(*(ordered(shop, f"A-{n}", promised=day(4)) for n in range(number)))
    shop.fold()
    shop.send(shop.message("Stock Level Changed", at=NOW, on_hand=0, location_id="dc", product_id="tonic"))
    shop.fold()
    shop.fire(now_us())
    with shop.db.read() as conn:
        rows = store.rows_of(conn, shop.id, [f"A-{n}" for n in range(number)]).values()
    assert [row.cause for row in rows] == ["no_stock"] * number


def test_orders_of_last_month_without_their_parcels_are_history_and_nobody_is_written_to(any_shop: Shop) -> None:
    """What ended up to a week before we heard of it is not: of that the customer is told."""
    shop = any_shop
    for order, ended in (("A-1", 15), ("A-2", 8), ("A-3", 3)):
        shop.send(ordered(shop, order, at=NOW - (ended + 5) * DAY, promised=day(-ended)))
    shop.fold()
    assert [of(shop, order).status for order in ("A-1", "A-2", "A-3")] == ["broken"] * 3
    assert notices(shop) == ["A-3"]
    shop.wait(NOW + 3 * DAY)
    assert set(notices(shop)) == {"A-3"}


def notices(shop: Shop) -> list[str]:
    """The orders about whose delay somebody was written to, or was to be."""
    with shop.db.read() as conn:
        strands = [key_of(shop.id, Identifier("user_id", "ada"))]
        listed = messages.listed(conn, shop.id, strands=strands)
        rows = messages.by_ids(conn, shop.id, [one.id for one in listed])
    return [msgspec.json.decode(row.data)["order"]["id"] for row in rows.values() if row.template == "delay"]


def test_what_is_told_again_writes_to_nobody(any_shop: Shop) -> None:
    shop = any_shop
    decide(shop, tell_customers=False)
    shop.send(ordered(shop, "A-1", at=NOW - 5 * DAY, promised=day(-1)))
    shop.fold()
    decide(shop)
    retell(shop)
    assert (of(shop, "A-1").status, notices(shop)) == ("broken", [])
    shop.send(scanned(shop, "in_transit", at=NOW, order_id="A-1"))
    shop.fold()
    assert notices(shop) == ["A-1"]


def retell(shop: Shop) -> None:
    """Tell every stage all of the log again, as a worker does."""
    with shop.db.write() as conn:
        last = max(row.seq for row in log.read_after(conn, after=0, upto=2**60, buckets=None, limit=1000))
        shop.pipeline.install(conn, dict.fromkeys(range(BUCKETS), last))
    while (gap := shop.pipeline.gap(range(BUCKETS))) is not None:
        filled = shop.pipeline.fill(gap, limit=1000)
        with shop.db.write() as conn:
            shop.pipeline.filled(conn, gap, filled.upto, now=NOW)


def test_whoever_agreed_on_the_day_the_goods_come_is_left_in_peace(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(ordered(shop, "A-1", promised=day(3)))
    shop.fold()
    shop.send(
        shop.message(
            "Stock Level Changed", at=NOW, on_hand=0, location_id="dc", product_id="tonic", incoming=9,
            incoming_at=to_iso(NOW + 5 * DAY),
        )
    )  # fmt: skip
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.in_danger_because) == ("at_risk", "no_stock")
    assert found.likely_window is not None
    assert make(shop, "A-1", str(found.likely_window.to)).status == "renegotiated"


def test_after_an_agreement_the_replacement_counts_and_not_the_parcel_that_was_lost(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(
        ordered(shop, "A-1", at=NOW - 3 * DAY, promised=day(3)),
        scanned(shop, "in_transit", at=NOW - 2 * DAY, order_id="A-1"),
        scanned(shop, "lost", at=NOW - HOUR, order_id="A-1"),
    )
    shop.fold()
    assert of(shop, "A-1").in_danger_because == "lost"
    assert make(shop, "A-1", day(6)).status == "renegotiated"
    shop.send(scanned(shop, "delivered", at=now_us() + SECOND, order_id="A-1", shipment="S2"))
    shop.fold()
    assert of(shop, "A-1").status == "kept"


@pytest.mark.parametrize("field", ["revenue", "amount", "value", "total"])
def test_a_part_that_is_paid_back_ends_no_promise_whatever_the_amount_is_called(shop: Shop, field: str) -> None:
    calm(shop)
    shop.send(ordered(shop, "A-1", promised=day(3)))
    shop.fold()
    paid: dict[str, Any] = {field: 5}
    shop.send(shop.message("Order Refunded", at=NOW, user="ada", order_id="A-1", **paid))
    shop.fold()
    assert of(shop, "A-1").status == "made"


def test_an_order_whose_whole_worth_is_paid_back_promises_nothing_any_more(any_shop: Shop) -> None:
    """By amounts alone, in one or in parts, heard before the order or after it; what came before is kept."""
    shop = calm(any_shop)
    amounts = [("A-1", 40), ("A-2", 30), ("A-2", 10), ("A-3", 39.99), ("A-4", 40)]
    told = [
        shop.message(
            "Order Refunded", at=NOW - HOUR, user="ada", order_id=order, refund_id=f"r{amount}-{order}", amount=amount,
            currency="EUR",
        )
        for order, amount in amounts
    ]  # fmt: skip
    shop.send(told[1])
    shop.fold()
    shop.send(*(ordered(shop, f"A-{number}", promised=day(3)) for number in range(1, 5)))
    shop.send(scanned(shop, "delivered", at=NOW - 2 * HOUR, order_id="A-4"))
    shop.fold()
    assert of(shop, "A-2").status == "made"
    shop.send(*told)
    shop.fold()
    assert [of(shop, f"A-{number}").status for number in range(1, 5)] == ["cancelled", "cancelled", "made", "kept"]


def test_a_cancelled_order_promises_nothing_any_more(shop: Shop) -> None:
    calm(shop)
    shop.send(ordered(shop, "A-1", promised=day(3)))
    shop.fold()
    shop.send(shop.message("Order Cancelled", at=NOW, user="ada", order_id="A-1"))
    shop.fold()
    shop.wait(NOW + 9 * DAY)
    assert of(shop, "A-1").status == "cancelled"
    assert stated(shop) == ["Promise Made"]


def test_what_an_import_tells_of_long_ago_is_kept_and_nobody_is_told(shop: Shop) -> None:
    then = NOW - 300 * DAY
    shop.send(
        ordered(shop, "A-1", at=then, promised=to_iso(then + 5 * DAY)),
        shop.message("Order Delivered", at=then + 9 * DAY, user="ada", order_id="A-1"),
    )  # fmt: skip
    shop.fold()
    assert of(shop, "A-1").status == "broken"
    assert stated(shop) == []
    assert shop.fire(NOW + DAY) == 0


def test_the_shops_systems_repeating_their_promise_take_no_agreement_back(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(ordered(shop, "A-1", promised=day(3)))
    shop.fold()
    make(shop, "A-1", day(5), reason="the truck broke down")
    shop.send(
        shop.message("Order Shipped", at=NOW + HOUR, user="ada", order_id="A-1", promised_at=day(3)),
    )
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.window.to, found.reason) == ("renegotiated", day(5), "the truck broke down")
    assert [one.window.to for one in found.history] == [day(3), day(5)]
    assert stated(shop) == ["Promise Made", "Promise Renegotiated"]


def make(shop: Shop, order: str, to: str, *, first: str | None = None, reason: str = "") -> PromiseShown:
    wanted = PromiseWanted(window=WindowWanted(from_=first, to=to), reason=reason)
    with shop.db.write() as conn:
        ensure_secret(conn)
        return promise(conn, shop.id, order, wanted, by="staff", now=now_us())


def test_what_cannot_be_promised_is_refused_in_words(shop: Shop) -> None:
    calm(shop)
    shop.send(ordered(shop, "A-1", promised=day(3)), ordered(shop, "A-2"))
    shop.fold()
    with pytest.raises(NotFound, match="no order 'B'"):
        make(shop, "B", day(3))
    with pytest.raises(NotFound, match="nothing was promised about order 'A-2'"):
        of(shop, "A-2")
    with pytest.raises(InvalidInput, match="no window"):
        make(shop, "A-1", "soon")
    with pytest.raises(InvalidInput, match="no window"):
        make(shop, "A-1", day(3), first=day(4))
    with pytest.raises(InvalidInput, match="is over"):
        make(shop, "A-1", day(-2))
    assert make(shop, "A-2", day(2)).status == "made"
    shop.send(scanned(shop, "delivered", at=NOW, order_id="A-1"))
    shop.fold()
    with pytest.raises(Conflict, match="is kept"):
        make(shop, "A-1", day(9))


def test_two_who_promise_at_once_leave_one_after_the_other(any_shop: Shop) -> None:
    shop = calm(any_shop)
    shop.send(ordered(shop, "A-1", promised=day(3)))
    shop.fold()
    with shop.db.write() as conn:
        ensure_secret(conn)

    def to(end: str) -> Any:
        wanted = PromiseWanted(window=WindowWanted(to=end))
        return lambda conn: promise(conn, shop.id, "A-1", wanted, by="staff", now=now_us())

    assert change_beside(shop.db, to(day(5)), to(day(6))) is None
    found = of(shop, "A-1")
    assert (found.window.to, len(found.history)) == (day(6), 3)
    assert stated(shop) == ["Promise Made", *["Promise Renegotiated"] * 2]


def test_erasing_somebody_takes_their_promises_and_shipments_along(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(ordered(shop, "A-1", promised=day(3)), scanned(shop, "in_transit", at=NOW - HOUR, order_id="A-1"))
    shop.fold()
    holds = [one for one in HOLDS if one.holds_people]
    with shop.db.write() as conn:
        strands = list(conn.execute(sa.select(store.orders.c.strand)).scalars())
        assert sum(len(list(one.export(conn, shop.id, strands))) for one in holds if one.export) >= 5
        for one in reversed(holds):
            assert callable(one.erase)
            one.erase(conn, shop.id, strands)
    for one in holds:
        assert shop.rows(one.table) == []


BERLIN_WEEK = dict.fromkeys(("mon", "tue", "wed", "thu"), "17:00") | {"fri": "12:00", "sun": "18:00"}


@pytest.mark.parametrize(
    ("placed", "leaves"),
    [
        ("2026-11-25T16:59:00", "2026-11-25"),  # a Wednesday
        ("2026-11-25T17:01:00", "2026-11-26"),
        ("2026-11-27T12:30:00", "2026-11-29"),  # a Friday after its own cut-off: Sunday
        ("2026-11-29T17:59:00", "2026-11-29"),
        ("2026-12-24T18:00:00", "2026-12-27"),  # Christmas
    ],
)
def test_each_weekday_has_its_own_cut_off_in_the_warehouses_clock(placed: str, leaves: str) -> None:
    """myparcelnl/woocommerce#496: 17:00 is 17:00 in Berlin, whatever the server's clock."""
    calendar = Calendar(zone=BERLIN, cut_offs=BERLIN_WEEK, holidays=("2026-12-25",))
    at = int(datetime.fromisoformat(placed).replace(tzinfo=BERLIN).timestamp()) * SECOND
    assert str(calendar.leaves_on(at)) == leaves


def test_working_days_are_counted_in_the_destinations_calendar() -> None:
    """Wednesday 20:00 in New York + 2 working days is Friday there, not Saturday (janavipandole/Cara#7939)."""
    calendar = Calendar(zone=NEW_YORK, cut_offs=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "21:00"))
    at = int(datetime(2026, 11, 25, 20, tzinfo=NEW_YORK).timestamp()) * SECOND
    window = calendar.window(at, NEW_YORK)
    assert window is not None
    assert window.told(NEW_YORK)["to"] == "2026-11-27"
    assert calendar.hand_over_by(window.to_at, NEW_YORK) == int(
        datetime(2026, 11, 25, 21, tzinfo=NEW_YORK).timestamp()
    ) * SECOND  # fmt: skip


def test_a_shop_that_wants_it_promises_by_its_calendar(shop: Shop) -> None:
    decide(shop, make_promises=True, **{f"cut_off_{name}": "23:59" for name in ("sat", "sun")})
    shop.send(ordered(shop, "A-1", at=NOW))
    shop.fold()
    found = of(shop, "A-1")
    assert (found.status, found.promised_by) == ("made", "rapport")
    assert str(found.window.to) >= day(2)


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (None, "2026-12-04", (None, "2026-12-04")),
        ("2026-12-03", "2026-12-04", ("2026-12-03", "2026-12-04")),
        (None, "2026-12-04T00:00:00+00:00", (None, "2026-12-04")),
        ("2026-12-04T14:15:00+01:00", "2026-12-04T18:15:00+01:00",
         ("2026-12-04T13:15:00.000Z", "2026-12-04T17:15:00.000Z")),
        (None, "2026-12-04T00:00:00+01:00", (None, "2026-12-03T23:00:00.000Z")),
    ],
)  # fmt: skip
def test_windows_are_read_as_they_were_meant(first: str | None, last: str, told: tuple[str | None, str]) -> None:
    window = read_window(first, last, BERLIN)
    assert window is not None
    assert tuple(window.told(BERLIN).values()) == told


@pytest.mark.parametrize("odd", [None, "", "soon", True, [], {}, "2026-13-40", "9" * 400, "2026-02-30"])
def test_what_is_no_window_says_nothing(odd: Any) -> None:
    assert read_window(None, odd, BERLIN) is None


def test_the_day_a_clock_is_changed_is_a_day_like_any_other() -> None:
    spring, autumn = (read_window(one, one, BERLIN) for one in ("2026-03-29", "2026-10-25"))
    assert spring is not None
    assert autumn is not None
    assert (spring.to_at + 1 - spring.from_at, autumn.to_at + 1 - autumn.from_at) == (23 * HOUR, 25 * HOUR)
    assert zone_of("US", "Europe/Berlin", "America/Chicago") == "America/Chicago"


def lived(mean: float, *, segment: str = "DE|", count: int = 400, seed: int = 7) -> list[Lived]:
    rng = Random(seed)
    return [Lived("handed", segment, rng.expovariate(1 / mean), True) for _ in range(count)]


def test_a_shop_that_has_seen_little_does_not_say_how_likely_it_is() -> None:
    assert Model().late("handed", "DE|", waited=0, allowed=DAY) is None
    assert learn(lived(48, count=29)).late("handed", "DE|", waited=0, allowed=DAY) is None


@given(st.floats(6, 200), st.integers(0, 200), st.integers(1, 300))
def test_the_risk_is_a_probability_that_waiting_never_makes_smaller(mean: float, waited: int, allowed: int) -> None:
    model = learn(lived(mean, count=60))
    risks = [model.late("handed", "DE|", waited=n * HOUR // 4, allowed=allowed * HOUR) for n in range(0, 80, 8)]
    assert all(risk is not None and 0 <= risk <= 1 for risk in risks)
    more = model.late("handed", "DE|", waited=waited * HOUR, allowed=(allowed + 24) * HOUR)
    less = model.late("handed", "DE|", waited=waited * HOUR, allowed=allowed * HOUR)
    assert more is not None
    assert less is not None
    assert more <= less + 1e-9


def test_orders_still_on_their_way_count_as_far_as_they_have_come() -> None:
    quick = lived(24)
    waiting = [Lived("handed", "DE|", 200.0, False)] * 400
    alone, both = learn(quick), learn([*quick, *waiting])
    risks = [model.late("handed", "DE|", waited=0, allowed=72 * HOUR) for model in (alone, both)]
    assert risks[0] is not None
    assert risks[1] is not None
    assert risks[0] < 0.15 < 0.4 < risks[1]


def test_a_region_with_a_history_of_its_own_is_judged_by_it() -> None:
    model = learn([*lived(24), *lived(120, segment="DE|Rügen")])
    far, near = (model.late("handed", name, waited=0, allowed=72 * HOUR) for name in ("DE|Rügen", "DE|Berlin"))
    assert far is not None
    assert near is not None
    assert far > near + 0.1
