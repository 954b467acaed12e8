"""A shop's days are those of its time zone, as the zone's own calendar has them, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rapport.kernel.clock import DAY, HOUR, from_iso, to_datetime, to_iso
from rapport.measure.days import day_column, day_of, first_moment, spans_of
from rapport.storage.engine import Database
from rapport.storage.workspaces import change_settings
from tests.databases import ENGINES, database_at
from tests.shop import Shop

ZONES = (
    "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns",
    "Africa/Casablanca", "Pacific/Kiritimati", "UTC",
)  # fmt: skip
MOMENTS = st.integers(DAY, from_iso("2045-01-01") - 1)


@pytest.fixture(scope="module", params=ENGINES)
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with database_at(request.param, tmp_path_factory.mktemp("days")) as url:
        found = Database.open(url)
        yield found
        found.close()


@settings(max_examples=40, deadline=None)
@given(zone=st.sampled_from(ZONES), first=MOMENTS, steps=st.lists(st.integers(0, 200 * DAY), max_size=30))
@example(zone="Europe/Berlin", first=from_iso("2026-03-28T22:59:59Z"), steps=[HOUR] * 30)
@example(zone="Europe/Berlin", first=from_iso("2026-10-24T21:59:59Z"), steps=[HOUR] * 30)
@example(zone="Pacific/Apia", first=from_iso("2011-12-30T09:59:59Z"), steps=[1_000_000, DAY])
@example(zone="America/St_Johns", first=from_iso("2010-11-07T02:00:00Z"), steps=[HOUR // 4] * 12)
def test_the_day_of_every_moment_is_the_calendars(db: Database, zone: str, first: int, steps: list[int]) -> None:
    moments = [first]
    for step in steps:
        moments.append(moments[-1] + step)
    there = ZoneInfo(zone)
    rows = sa.union_all(*(sa.select(sa.literal(at, sa.BigInteger).label("at")) for at in moments)).subquery()
    days = day_column(rows.c.at, spans_of(there, moments[0], moments[-1] + 1))
    with db.read() as conn:
        found = {at: to_iso(day)[:10] for at, day in conn.execute(sa.select(rows.c.at, days))}
    assert found == {at: to_datetime(at).astimezone(there).date().isoformat() for at in moments}
    assert found == {at: to_iso(day_of(at, there))[:10] for at in moments}


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000Z"),
        ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00.000Z"),
        ("Asia/Kolkata", "2026-03-30", "2026-03-29T18:30:00.000Z"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000Z"),
    ],
)
def test_a_day_begins_at_its_midnight_or_when_the_clocks_went_on_over_it(zone: str, day: str, begins: str) -> None:
    assert to_iso(first_moment(date.fromisoformat(day), ZoneInfo(zone))) == begins


def test_orders_and_carts_are_counted_on_the_shops_day(any_shop: Shop) -> None:
    shop, late = any_shop, from_iso("2026-11-20T23:30:00Z")
    with shop.db.write() as conn:
        change_settings(conn, shop.id, lambda was: type(was)(currency="EUR", time_zone="Europe/Berlin"))
    shop.send(
        shop.message("Order Completed", at=late, user="ada", order_id="o", revenue=10),
        shop.message("Order Refunded", at=late + HOUR, user="ada", order_id="o", revenue=4),
        shop.message("Product Added", at=late, user="bo", product_id="p"),
    )
    shop.wait(late + DAY)
    revenue = shop.metric("revenue_by", by="day")
    assert [(row["day"], row["orders"], row["refunds_minor"]) for row in revenue.rows] == [("2026-11-21", 1, 400)]
    assert revenue.zone == "Europe/Berlin"
    assert [row["day"] for row in shop.metric("cart_abandonment").rows] == ["2026-11-21"]
