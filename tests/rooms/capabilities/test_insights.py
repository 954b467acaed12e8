"""Numbers of who buys, comes again and gives back: by group, by segment, in the shop's own days, nothing left out."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from rapport.capabilities.insights.asked import between, latest
from rapport.capabilities.insights.service.people import quantile
from rapport.capabilities.insights.store import sale_lines, sales
from rapport.compose.upkeep import summaries
from rapport.kernel.clock import DAY, HOUR, from_iso, to_datetime, to_iso
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.measure.days import first_moment
from rapport.measure.model import Answer, Question
from rapport.remember.segments import service as segments
from rapport.remember.segments.fields import Fields
from rapport.remember.segments.following import fill_now
from rapport.remember.segments.portrait import portrait_of
from rapport.storage.workspaces import change_settings
from tests.jobs import turns
from tests.remembered import REMEMBERED
from tests.shop import NOON, Shop

OCTOBER = NOON + 40 * DAY + 2 * HOUR
"""Within the last day of October 2026."""
GROUPS = ("day", "week", "month", "channel", "country", "device", "campaign", "segment", "currency")


def ask(shop: Shop, name: str, *, by: str = "", segment: str = "", since: int = 0, until: int = 2**52) -> Answer:
    with shop.db.read() as conn:
        question = Question(workspace=shop.id, since=since, until=until, by=by)
        return shop.metrics.answer(conn, name, question, segment=segment)


def rows(shop: Shop, name: str, *columns: str, **options: Any) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in columns) for row in ask(shop, name, **options).rows]


def buy(shop: Shop, who: str, order_id: str, *, at: int = NOON, revenue: float = 10, **more: Any) -> None:
    shop.send(shop.message("Order Completed", at=at, user=who, order_id=order_id, revenue=revenue, **more))


def refund(shop: Shop, who: str, order_id: str, amount: float, *, at: int = NOON + HOUR) -> None:
    shop.send(shop.message("Order Refunded", at=at, user=who, order_id=order_id, refund_id=f"r-{order_id}",
                           revenue=amount))  # fmt: skip


def segment(shop: Shop, name: str, where: str) -> None:
    """A segment whose members are written."""
    turns(shop.db, summaries(REMEMBERED), now=NOON + 400 * DAY)
    with shop.db.write() as conn:
        segments.add(conn, shop.id, name=name, where=where, fields=Fields(REMEMBERED), by="test", now=NOON)
        fill_now(conn, shop.id, REMEMBERED, now=NOON + 400 * DAY)


def some_orders(shop: Shop) -> None:
    """Ada buys twice on the web and gives half of the first back, Bo once in the store, a stranger once."""
    buy(shop, "ada", "a1", revenue=20, channel="web", country="DE", products=[
        {"product_id": "p", "name": "Plate", "price": 10, "quantity": 2, "cost": 4}])  # fmt: skip
    buy(shop, "ada", "a2", at=NOON + 40 * DAY, revenue=30, channel="web", margin=9)
    buy(shop, "bo", "b1", at=NOON + DAY, revenue=5, channel="store")
    shop.send(shop.message("Order Completed", at=NOON, browser="x", order_id="x1", revenue=7, currency="USD"))
    refund(shop, "ada", "a1", 10)
    shop.fold()


def test_each_answer_says_its_metric_its_unit_and_its_rows(any_shop: Shop) -> None:
    some_orders(any_shop)
    found = ask(any_shop, "revenue", by="channel")
    assert (found.metric, found.unit, found.by, found.segment) == ("revenue", "minor", "channel", None)
    assert [(row["channel"], row["currency"], row["value"]) for row in found.rows] == [
        ("(none)", "USD", 700), ("store", "EUR", 500), ("web", "EUR", 5000),
    ]  # fmt: skip
    assert rows(any_shop, "revenue", "net_minor", by="channel") == [(700,), (500,), (4000,)]


def test_whatever_orders_are_grouped_by_their_number_and_money_stay_whole(any_shop: Shop) -> None:
    """Groups that overlap aside, every order is in one row, those without a group under (none)."""
    some_orders(any_shop)
    for by in GROUPS:
        assert sum(count for (count,) in rows(any_shop, "orders", "orders", by=by)) == 4, by
        assert sum(minor for (minor,) in rows(any_shop, "revenue", "net_minor", by=by)) == 5200, by
    assert ask(any_shop, "orders", by="device").rows[0]["device"] == "(none)"


def test_revenue_of_days_countries_and_currencies_is_that_of_the_page_of_sales(any_shop: Shop) -> None:
    some_orders(any_shop)
    for by in ("day", "country", "currency"):
        names = ("orders", "revenue_minor", "cancelled_minor", "refunds_minor", "net_minor")
        assert rows(any_shop, "revenue", *names, by=by) == rows(any_shop, "revenue_by", *names, by=by)


def test_a_segment_s_numbers_are_those_of_its_members(any_shop: Shop) -> None:
    some_orders(any_shop)
    segment(any_shop, "Twice", "orders >= 2")
    assert rows(any_shop, "orders", "orders", by="currency", segment="Twice") == [(2,)]
    assert rows(any_shop, "revenue", "net_minor", by="currency", segment="Twice") == [(4000,)]
    assert rows(any_shop, "new_customers", "customers", by="month", segment="Twice", until=OCTOBER) == [(1,), (1,)]
    by_segment = dict(rows(any_shop, "orders", "segment", "orders", by="segment"))
    assert by_segment == {"Twice": 2, "(none)": 2}
    with pytest.raises(NotFound, match="no segment 'Thrice'"):
        ask(any_shop, "orders", segment="Thrice")
    with pytest.raises(InvalidInput, match="not counted by customer"):
        ask(any_shop, "facts", segment="Twice")


def test_what_no_metric_can_answer_is_told_with_what_there_is(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no metric 'revnue'"):
        ask(shop, "revnue")
    with pytest.raises(InvalidInput, match="cannot be grouped by 'weather'"):
        ask(shop, "orders", by="weather")


def test_who_is_in_a_row_of_money_has_such_money(any_shop: Shop) -> None:
    """Ada bought in both currencies, Bo in euros alone: a row of dollars opens one of them, by day as by channel."""
    for who, order_id, currency in (("ada", "1", "USD"), ("ada", "2", "EUR"), ("bo", "3", "EUR")):
        buy(any_shop, who, order_id, currency=currency, channel="web")
    refund(any_shop, "ada", "1", 4)
    any_shop.fold()
    for name, numbers in {"revenue": (2, 1), "average_order": (2, 1), "margin": (2, 1), "return_rate": (0, 1)}.items():
        roots_of = any_shop.metrics.find(name).who
        assert roots_of is not None
        for by, group in (("channel", "web"), ("day", to_iso(NOON)[:10]), ("country", "(none)")):
            with any_shop.db.read() as conn:
                asked = Question(workspace=any_shop.id, since=NOON - DAY, until=NOON + DAY, by=by, zone="UTC")
                found = [
                    len(conn.execute(roots_of(conn, replace(asked, currency=code), group)).all())
                    for code in ("EUR", "USD")
                ]
            assert found == list(numbers), (name, by)


def test_a_segment_s_page_says_what_its_members_left_in_every_currency(any_shop: Shop) -> None:
    some_orders(any_shop)
    segment(any_shop, "Buyers", "orders >= 1")
    with any_shop.db.read() as conn:
        number = segments.id_of(conn, any_shop.id, "Buyers")
        found = portrait_of(conn, any_shop.id, number, currency="EUR")
        assert found.worth == [("EUR", 4500), ("USD", 700)]
        assert portrait_of(conn, any_shop.id, number, currency="JPY").worth[0] == ("JPY", 0)


def test_new_are_those_whose_first_order_of_all_lies_there(any_shop: Shop) -> None:
    some_orders(any_shop)
    names = ("month", "customers", "new_customers")
    assert rows(any_shop, "new_customers", *names, by="month", until=OCTOBER) == [
        ("2026-09", 3, 3), ("2026-10", 1, 0)
    ]  # fmt: skip
    assert rows(any_shop, "returning_customers", "month", "value", by="month", until=OCTOBER) == [
        ("2026-09", 0), ("2026-10", 1)
    ]  # fmt: skip
    later = {"since": NOON + 2 * DAY}
    assert rows(any_shop, "new_customers", "channel", "value", by="channel", **later) == [("web", 0)]


def test_one_customer_with_two_browsers_is_counted_once(any_shop: Shop) -> None:
    shop = any_shop
    shop.send(shop.message("Order Completed", at=NOON, browser="phone", order_id="1", revenue=1))
    shop.send(shop.message("Order Completed", at=NOON + HOUR, browser="desk", order_id="2", revenue=1))
    shop.fold()
    assert rows(shop, "new_customers", "value", by="currency") == [(2,)]
    for browser in ("phone", "desk"):
        shop.send(shop.message("Signed In", at=NOON + 2 * HOUR, user="ada", browser=browser))
    shop.fold()
    assert rows(shop, "new_customers", "value", by="currency") == [(1,)]
    assert rows(shop, "repeat_interval", "repeats", by="currency") == []  # on one day


def test_retention_counts_by_the_shop_s_calendar_on_both_sides(any_shop: Shop) -> None:
    """Last of October and first of November, Berlin: a month after, though it is an hour; and a whole quiet month."""
    shop = any_shop
    with shop.db.write() as conn:
        change_settings(conn, shop.id, lambda held: replace(held, time_zone="Europe/Berlin"))
    buy(shop, "ada", "1", at=from_iso("2025-10-31T22:30:00Z"))
    buy(shop, "ada", "2", at=from_iso("2025-10-31T23:30:00Z"))
    buy(shop, "bo", "3", at=from_iso("2025-10-01T00:00:00Z"))
    buy(shop, "bo", "4", at=from_iso("2026-01-15T00:00:00Z"))
    shop.fold()
    found = rows(shop, "retention", "month", "period", "after", "customers", "active", "rate", "of_previous")
    assert found[:5] == [
        ("2025-10", "2025-10", 0, 2, 2, 1.0, None), ("2025-10", "2025-11", 1, 2, 1, 0.5, 0.5),
        ("2025-10", "2025-12", 2, 2, 0, 0.0, 0.0), ("2025-10", "2026-01", 3, 2, 1, 0.5, None),
        ("2025-10", "2026-02", 4, 2, 0, 0.0, 0.0),
    ]  # fmt: skip
    trend = dict(rows(shop, "orders", "month", "orders", by="month"))
    assert [trend[month] for month in ("2025-10", "2025-11", "2025-12", "2026-01")] == [2, 1, 0, 1]


def test_a_week_begins_on_monday_in_every_zone(shop: Shop) -> None:
    for n in range(14):
        buy(shop, "ada", f"o{n}", at=NOON + n * DAY)
    shop.fold()
    for zone in ("UTC", "Asia/Kathmandu", "Pacific/Apia", "America/Los_Angeles"):
        asked = Question(workspace=shop.id, since=0, until=NOON + 14 * DAY, by="week", zone=zone)
        with shop.db.read() as conn:
            weeks = shop.metrics.answer(conn, "orders", asked).rows
            days = shop.metrics.answer(conn, "orders", replace(asked, by="day")).rows
        assert weeks[1]["orders"] == 7, zone
        assert [row["orders"] for row in days if row["orders"]] == [1] * 14
        for week in weeks:
            begins = date.fromisoformat(week["week"])
            within = (date.fromisoformat(row["day"]) - begins for row in days if row["orders"])
            assert (begins.weekday(), week["orders"]) == (0, sum(0 <= gap.days < 7 for gap in within))


def test_a_month_that_is_not_over_says_so_and_empty_days_are_rows_too(shop: Shop) -> None:
    buy(shop, "ada", "1", at=NOON - 3 * DAY)
    buy(shop, "ada", "2", at=NOON)
    shop.fold()
    found = ask(shop, "orders", by="day", until=NOON + 2 * DAY).rows
    assert [row["orders"] for row in found][:4] == [1, 0, 0, 1]
    assert not found[0]["running"]
    assert ask(shop, "return_rate", by="month").rows[0]["money_rate"] == 0.0


@pytest.mark.parametrize(
    ("name", "main", "empty"),
    [("revenue", "revenue_minor", 0), ("revenue_by", "net_minor", 0), ("average_order", "average_minor", None)],
)
def test_money_has_a_row_for_each_day_that_is_asked_and_each_currency_that_is_there(
    any_shop: Shop, name: str, main: str, empty: int | None
) -> None:
    """From the first day asked to the last, by the shop's own midnight; of nothing there is no average."""
    with any_shop.db.write() as conn:
        change_settings(conn, any_shop.id, lambda was: replace(was, time_zone="Asia/Tokyo"))
    buy(any_shop, "ada", "1", at=NOON + 4 * HOUR, currency="EUR")
    buy(any_shop, "ada", "2", at=NOON + 2 * DAY, currency="JPY", revenue=900)
    any_shop.fold()
    since = first_moment(to_datetime(NOON - DAY).date(), ZoneInfo("Asia/Tokyo"))
    found = rows(any_shop, name, "day", "currency", main, by="day", since=since, until=since + 4 * DAY)
    days = [to_iso(NOON + n * DAY)[:10] for n in range(-1, 3)]
    amounts = {(days[2], "EUR"): 1000, (days[3], "JPY"): 900}
    assert found == [(day, code, amounts.get((day, code), empty)) for day in days for code in ("EUR", "JPY")]
    assert rows(any_shop, name, "day", by="day", since=since - 9 * DAY, until=since) == []


def test_days_to_the_next_order_are_the_calendar_s(any_shop: Shop) -> None:
    for n, at in enumerate((0, 10, 10, 40, 100)):
        buy(any_shop, "ada", f"o{n}", at=NOON + at * DAY + n)
    buy(any_shop, "bo", "b", at=NOON)
    any_shop.fold()
    names = ("repeats", "median_days", "p90_days", "value")
    assert rows(any_shop, "repeat_interval", *names, by="currency") == [(3, 30, 60, 30)]


@given(st.dictionaries(st.integers(0, 400), st.integers(1, 9), min_size=1), st.floats(0.01, 1))
def test_a_quantile_leaves_its_share_at_or_below(counted: dict[int, int], share: float) -> None:
    found, whole = quantile(counted, share), sum(counted.values())
    assert found is not None
    assert sum(n for value, n in counted.items() if value <= found) >= share * whole - 1e-6
    assert sum(n for value, n in counted.items() if value < found) < share * whole + 1e-6


def test_margin_goes_down_with_what_comes_back_and_names_what_is_not_known(any_shop: Shop) -> None:
    some_orders(any_shop)
    names = ("channel", "kept_minor", "margin_minor", "known_minor", "unknown_minor")
    assert rows(any_shop, "margin", *names, by="channel") == [
        ("(none)", 700, 0, 0, 700), ("store", 500, 0, 0, 500), ("web", 4000, 600 + 900, 4000, 0),
    ]  # fmt: skip
    returned = ("orders", "returned_orders", "return_rate", "returned_minor", "money_rate")
    assert rows(any_shop, "return_rate", *returned, by="channel", until=NOON + HOUR)[-1] == (1, 1, 1.0, 1000, 0.5)


def test_lifetime_value_is_what_was_kept_of_all_orders(any_shop: Shop) -> None:
    some_orders(any_shop)
    names = ("month", "currency", "customers", "orders", "kept_minor", "per_customer_minor")
    assert rows(any_shop, "lifetime_value", *names, until=NOON + 2 * DAY) == [
        ("2026-09", "EUR", 2, 3, 4500, 2250), ("2026-09", "USD", 1, 1, 700, 700),
    ]  # fmt: skip
    assert rows(any_shop, "average_order", "average_minor", by="currency") == [(1833,), (700,)]


def test_a_report_told_again_takes_its_own_place_and_goes_with_the_person(any_shop: Shop) -> None:
    shop = any_shop
    some_orders(shop)
    before = (shop.rows(sales), shop.rows(sale_lines))
    shop._cursor = 0
    shop.fold()
    assert (shop.rows(sales), shop.rows(sale_lines)) == before
    held = {one.table.name: one for slice_ in shop.pipeline.slices.slices for one in slice_.holds}
    keys = [row["strand"] for row in shop.rows(sales) if row["channel"] == "web"]
    with shop.db.write() as conn:
        assert [line["product_id"] for line in held["sale_lines"].export(conn, shop.id, keys)] == ["p"]  # type: ignore[misc]
        for name in ("sale_lines", "sales"):
            held[name].erase(conn, shop.id, set(keys))  # type: ignore[misc, operator]
    assert (len(shop.rows(sales)), shop.rows(sale_lines)) == (2, [])


def test_who_is_in_a_group_are_as_many_as_its_number_says(any_shop: Shop) -> None:
    some_orders(any_shop)
    by_name = {one.metric.name: one.who for one in any_shop.pipeline.slices.metrics}
    with any_shop.db.read() as conn:
        for by in ("day", "week", "month", "channel", "country", "currency", "campaign"):
            asked = Question(workspace=any_shop.id, since=0, until=2**52, by=by, zone="UTC")
            for name in ("new_customers", "returning_customers"):
                who = by_name[name]
                assert who is not None
                for row in any_shop.metrics.answer(conn, name, asked).rows:
                    assert len(conn.execute(who(conn, asked, row[by])).all()) == row["value"], (name, by, row)
        asked = Question(workspace=any_shop.id, since=0, until=2**52, by="channel", zone="UTC")
        gave_back = by_name["return_rate"]
        assert gave_back is not None
        found = {row["channel"]: len(conn.execute(gave_back(conn, asked, row["channel"])).all())
                 for row in any_shop.metrics.answer(conn, "return_rate", asked).rows}  # fmt: skip
        assert found == {row["channel"]: row["returned_orders"]
                         for row in any_shop.metrics.answer(conn, "return_rate", asked).rows}  # fmt: skip


def test_a_month_that_the_asked_time_cuts_off_says_so_and_pages_begin_with_whole_ones(any_shop: Shop) -> None:
    buy(any_shop, "ada", "1", at=from_iso("2026-09-05T12:00:00Z"))
    buy(any_shop, "bo", "2", at=from_iso("2026-09-20T12:00:00Z"))
    buy(any_shop, "carl", "3", at=from_iso("2026-10-05T12:00:00Z"))
    any_shop.fold()
    whole: dict[str, Any] = {"since": from_iso("2026-09-01T00:00:00Z"), "until": from_iso("2026-11-01T00:00:00Z")}
    within: dict[str, Any] = {"since": from_iso("2026-09-10T00:00:00Z"), "until": from_iso("2026-10-20T00:00:00Z")}
    for name in ("orders", "retention"):
        assert not any("partial" in row for row in ask(any_shop, name, by="month", **whole).rows)
        cut = ask(any_shop, name, by="month", **within).rows
        assert {row["month"] for row in cut if row.get("partial")} == {"2026-09", "2026-10"}
    assert not any("partial" in row for row in ask(any_shop, "orders", by="day", **within).rows)
    with any_shop.db.write() as conn:
        change_settings(conn, any_shop.id, lambda held: replace(held, time_zone="Europe/Berlin"))
    with any_shop.db.read() as conn:
        for by, first in (("month", "01"), ("week", "Monday")):
            for asked in (latest(conn, any_shop.id, days=366, by=by, segment=""),
                          between(conn, any_shop.id, None, None, by=by, segment="")):  # fmt: skip
                begins = to_datetime(asked.since).astimezone(ZoneInfo("Europe/Berlin"))
                assert first in (begins.strftime("%d"), begins.strftime("%A"))
                assert begins.strftime("%H:%M") == "00:00"
