"""What Home shows of orders and carts: what was sold, to whom, where, and carts to win back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.orders.buyers import buyers_of, lapsed_of
from rapport.capabilities.orders.metrics import REVENUE
from rapport.capabilities.orders.selling import Sold, bars_of, beside, sold_in, words_of
from rapport.capabilities.orders.service import revenue_rows
from rapport.capabilities.orders.settings import ORDER_SETTINGS
from rapport.capabilities.orders.winning_back import left_values
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import format_minor
from rapport.measure.compared import WEEK, Period, weeks_of
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Measured, Question
from rapport.measure.money import main_currency
from rapport.measure.service import Metrics, zone_of
from rapport.storage import settings
from rapport.web.cards import OfShop, Tile
from rapport.web.formats import time_words, weekday

__all__ = ["LEFT_DAYS", "TILES"]

COUNTRIES = 6
LEFT_DAYS = 7

_metrics = Metrics((Measured(metric=REVENUE, read=revenue_rows),))


def _revenue(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    """Orders and revenue before refunds of today and of seven days, beside the same days a week ago."""
    zone = zone_of(conn, asked.workspace)
    weeks = weeks_of(asked.now, zone)
    days, same_day = weeks.days, weeks.days[WEEK - 1]
    rows = _rows(conn, asked.workspace, Period(weeks.before.since, weeks.week.until), by="day")
    # Of the day a week ago only what there was by this hour; the other days whole.
    by_now = _rows(conn, asked.workspace, weeks.same_day, by="currency")
    currency = main_currency(rows, own=asked.currency)
    then, whole = sold_in(by_now, currency), sold_in(rows, currency, days=days[: WEEK - 1])
    return {
        "today": beside(sold_in(rows, currency, days=days[-1:]), then, currency),
        "week": beside(
            sold_in(rows, currency, days=days[WEEK:]), Sold(whole.orders + then.orders, whole.minor + then.minor),
            currency,
        ),
        "others": words_of(rows, days=days[WEEK:], without=currency), "bars": bars_of(rows, currency, days),
        "weekday": weekday(same_day), "hour": time_words(asked.now, zone), "zone_key": zone.key,
    }  # fmt: skip


def _buyers(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    """Customers of the last seven days and of the seven before: new, returning, and those who have lapsed."""
    weeks = weeks_of(asked.now, zone_of(conn, asked.workspace))
    after = settings.load(conn, asked.workspace, ORDER_SETTINGS).value.customer_lapsed_after_days
    week, before = (buyers_of(conn, asked.workspace, period) for period in (weeks.week, weeks.before))
    lapsed, lapsed_before = (
        lapsed_of(conn, asked.workspace, Period(since - after * DAY, until - after * DAY))
        for since, until in (weeks.week, weeks.before)
    )
    return {
        "new": (week.new, before.new), "returning": (week.returning, before.returning),
        "lapsed": (lapsed, lapsed_before), "after": after,
    }  # fmt: skip


def _carts(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    found = left_values(conn, asked.workspace, since=asked.now - LEFT_DAYS * DAY)
    ranked = sorted(found, key=lambda value: (value.currency != asked.currency, -value.minor))
    return {
        "worth": [format_minor(value.minor, value.currency) for value in ranked[:3]],
        "reachable_worth": " + ".join(
            format_minor(value.reachable_minor, value.currency) for value in ranked[:3] if value.reachable_minor
        ),
        "carts": sum(value.carts for value in found), "reachable": sum(value.reachable for value in found),
        "days": LEFT_DAYS,
    }  # fmt: skip


def _countries(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    zone = zone_of(conn, asked.workspace)
    since = first_moment(latest_days(asked.now, asked.days, zone)[0], zone)
    rows = _rows(conn, asked.workspace, Period(since, asked.now), by="country")
    main = main_currency(rows, own=asked.currency)
    ranked = sorted((row for row in rows if row["currency"] == main), key=lambda row: -row["revenue_minor"])
    return {"countries": ranked[:COUNTRIES], "currency": main, "days": asked.days, "zone_key": zone.key}


TILES: tuple[Tile, ...] = (
    Tile(
        name="orders.revenue", title="Revenue before refunds", order=100, permission="metrics:read",
        template="orders/revenue.html", read=_revenue,
    ),
    Tile(
        name="orders.buyers", title="Customers who ordered", order=150, permission="metrics:read",
        template="orders/buyers.html", read=_buyers,
    ),
    Tile(
        name="orders.carts", title="Carts to win back", order=200, permission="metrics:read",
        template="orders/carts.html", read=_carts,
    ),
    Tile(
        name="orders.countries", title="Revenue by country", order=400, permission="metrics:read",
        template="orders/countries.html", read=_countries,
    ),
)  # fmt: skip


def _rows(conn: Connection, workspace: WorkspaceId, period: Period, *, by: str) -> list[dict[str, Any]]:
    if period.since >= period.until:
        return []
    question = Question(workspace=workspace, since=period.since, until=period.until, by=by)
    return _metrics.answer(conn, REVENUE.name, question).rows
