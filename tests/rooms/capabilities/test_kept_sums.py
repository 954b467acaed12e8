"""Revenue by day comes from kept sums that are exact at every moment, whoever writes while they are made."""

from __future__ import annotations

import msgspec

from rapport.act.jobs import Moment, Turn
from rapport.capabilities.orders import kept_sums
from rapport.capabilities.orders.kept_sums import SUMMING, revenue_days, revenue_marks
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.slice import ORDERS
from rapport.capabilities.orders.store import orders
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.ids import Key
from rapport.measure.model import Question
from rapport.storage.workspaces import change_settings
from tests.jobs import turns
from tests.shop import NOON, Shop


def by_day(shop: Shop) -> dict[str, tuple[int, int, int]]:
    rows = shop.metric("revenue_by", by="day").rows
    return {row["day"]: (row["orders"], row["revenue_minor"], row["refunds_minor"]) for row in rows}


def buy(shop: Shop, order_id: str, at: int) -> None:
    shop.send(shop.message("Order Completed", at=at, user="ada", order_id=order_id, revenue=10))
    shop.fold()


def test_a_look_reads_kept_sums_and_asks_for_nothing_but_what_has_changed_since(any_shop: Shop) -> None:
    shop = any_shop
    for n in range(3):
        buy(shop, f"o{n}", NOON + n * DAY)
    turns(shop.db, SUMMING, now=NOON)
    assert (len(shop.rows(revenue_days)), shop.rows(revenue_marks)) == (3, [])
    before = by_day(shop)
    with shop.db.write() as conn:  # The kept sum is what is read: this order goes behind its back.
        conn.execute(orders.delete().where(orders.c.order_id == "o1"))
    assert by_day(shop) == before
    buy(shop, "o3", NOON + 2 * DAY + HOUR)
    assert list(by_day(shop).values()) == [(1, 1000, 0), (1, 1000, 0), (2, 2000, 0)]


def test_parts_of_days_at_the_ends_of_a_period_are_exact(any_shop: Shop) -> None:
    shop = any_shop
    for n in range(4):
        buy(shop, f"o{n}", NOON + n * DAY // 2)
    turns(shop.db, SUMMING, now=NOON)
    for since in range(NOON - DAY, NOON + 2 * DAY, 6 * HOUR):
        asked = Question(workspace=shop.id, since=since, until=since + DAY, by="day", zone="UTC")
        with shop.db.read() as conn:
            found = sum(row.orders for row in kept_sums.revenue_by(conn, asked))
        assert found == sum(since <= NOON + n * DAY // 2 < since + DAY for n in range(4))


def test_whatever_is_told_later_of_an_order_is_told_of_the_days_of_its_refunds(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(
        shop.message("Order Refunded", at=NOON + DAY, user="ada", order_id="o", refund_id="r1", revenue=7),
        shop.message("Order Refunded", at=NOON + 2 * DAY, user="ada", order_id="o", refund_id="r2", revenue=7),
    )
    shop.fold()
    turns(shop.db, SUMMING, now=NOON)
    assert [refunds for _, _, refunds in by_day(shop).values()] == [700, 700]
    buy(shop, "o", NOON)
    assert [refunds for _, _, refunds in by_day(shop).values()] == [0, 700, 300]
    turns(shop.db, SUMMING, now=NOON)
    buy(shop, "o", NOON - DAY)  # An earlier report: the order moves to another day.
    assert next(iter(by_day(shop).values()))[:2] == (1, 1000)
    assert sum(number for number, _, _ in by_day(shop).values()) == 1


def test_in_another_time_zone_everything_is_summed_anew(any_shop: Shop) -> None:
    shop = any_shop
    buy(shop, "o", NOON)
    turns(shop.db, SUMMING, now=NOON)
    with shop.db.write() as conn:
        change_settings(conn, shop.id, lambda was: msgspec.structs.replace(was, time_zone="Pacific/Kiritimati"))
    moved = by_day(shop)
    turns(shop.db, SUMMING, now=NOON)
    assert (by_day(shop), shop.rows(revenue_marks)) == (moved, [])
    assert [row["day"] for row in shop.rows(revenue_days)] == [NOON + DAY // 2]


def test_a_day_that_is_being_filled_is_not_summed_without_end(any_shop: Shop) -> None:
    """A turn that took all marks there were asks for no other one at once; one that left some does."""
    shop = any_shop
    turns(shop.db, SUMMING, now=NOON)
    for days, asks in ((1, False), (kept_sums.DAYS_A_TURN + 1, True)):
        for n in range(days):
            shop.send(shop.message("Order Completed", at=NOON + n * DAY, user="ada", order_id=f"{days}-{n}", revenue=1))
        shop.fold()
        turn = Turn(shop.db, SUMMING, Moment(owner="tests", buckets=()), now=NOON, kept={})
        assert (SUMMING.run(turn), turn.waiting) == (1, asks)


def test_who_writes_while_a_day_is_summed_is_not_forgotten(any_shop: Shop) -> None:
    """The writer commits between the job's reading and its deleting; its mark is not among those that go."""
    shop = any_shop
    buy(shop, "o1", NOON)
    turns(shop.db, SUMMING, now=NOON, at_most=1)
    buy(shop, "o2", NOON)
    with shop.db.read() as conn:
        due = kept_sums._next(conn)
        assert due is not None
        sums = kept_sums._sums(conn, due)
    buy(shop, "o3", NOON)
    with shop.db.write() as conn:
        kept_sums._keep(conn, due, sums)
    assert list(by_day(shop).values()) == [(3, 3000, 0)]
    assert len(shop.rows(revenue_marks)) == 1
    with shop.db.write() as conn:  # Another worker that had read the same marks comes too late.
        kept_sums._keep(conn, due, [])
    assert list(by_day(shop).values()) == [(3, 3000, 0)]


def test_what_a_person_bought_is_out_of_the_sums_once_she_is_erased(any_shop: Shop) -> None:
    shop = any_shop
    buy(shop, "o1", NOON)
    shop.send(
        shop.message("Order Refunded", at=NOON + DAY, user="ada", order_id="o1", revenue=3),
        shop.message("Order Completed", at=NOON, user="bo", order_id="o2", revenue=5),
    )
    shop.fold()
    turns(shop.db, SUMMING, now=NOON)
    [strand] = {row["strand"] for row in shop.rows(orders) if row["order_id"] == "o1"}
    with shop.db.write() as conn:
        for holding in reversed(ORDERS.holds):
            if holding.table in (orders, refunds) and callable(holding.erase):
                holding.erase(conn, shop.id, [Key(strand)])
    assert list(by_day(shop).values()) == [(1, 500, 0)]
