"""What Home shows of orders and carts: revenue kept by day and by country, and carts left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import Connection

from rapport.capabilities.orders.metrics import CART_ABANDONMENT, REVENUE
from rapport.capabilities.orders.service import carts_by_day, revenue_rows
from rapport.kernel.clock import MINUTE
from rapport.kernel.money import format_minor
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Measured, Question
from rapport.measure.money import main_currency, money_of
from rapport.measure.service import Metrics, zone_of
from rapport.web.cards import OfShop, Tile
from rapport.web.formats import LOCALE

__all__ = ["TILES"]

COUNTRIES = 6

_metrics = Metrics((
    Measured(metric=CART_ABANDONMENT, read=carts_by_day), Measured(metric=REVENUE, read=revenue_rows),
))  # fmt: skip


def _revenue(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    rows = _answer(conn, asked, REVENUE.name, by="day").rows
    zone = zone_of(conn, asked.workspace)
    return {"period": money_of(rows), "bars": _bars(rows, asked, zone), "days": asked.days, "zone_key": zone.key}


def _countries(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    rows = _answer(conn, asked, REVENUE.name, by="country").rows
    main = main_currency(rows, otherwise=asked.currency)
    ranked = sorted((row for row in rows if row["currency"] == main), key=lambda row: -row["net_minor"])
    return {"countries": ranked[:COUNTRIES], "currency": main, "days": asked.days}


def _carts(conn: Connection, asked: OfShop) -> Mapping[str, Any]:
    return {"totals": _answer(conn, asked, CART_ABANDONMENT.name, by="day").totals, "days": asked.days}


TILES: tuple[Tile, ...] = (
    Tile(
        name="orders.revenue", title="Revenue kept", order=100, permission="metrics:read",
        template="orders/revenue.html", read=_revenue,
    ),
    Tile(
        name="orders.carts", title="Carts left", order=300, permission="metrics:read",
        template="orders/carts.html", read=_carts,
    ),
    Tile(
        name="orders.countries", title="Revenue kept by country", order=400, permission="metrics:read",
        template="orders/countries.html", read=_countries,
    ),
)  # fmt: skip


def _answer(conn: Connection, asked: OfShop, name: str, *, by: str) -> Answer:
    zone, until = zone_of(conn, asked.workspace), asked.now + MINUTE
    since = first_moment(latest_days(asked.now, asked.days, zone)[0], zone)
    return _metrics.answer(conn, name, Question(workspace=asked.workspace, since=since, until=until, by=by))


def _bars(rows: list[dict[str, Any]], asked: OfShop, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Revenue kept of each day as bars in a box of 300 by 80."""
    currency = main_currency(rows, otherwise=asked.currency)
    by_day = {row["day"]: row["net_minor"] for row in rows if row["currency"] == currency}
    days = latest_days(asked.now, asked.days, zone)
    values = [max(0, by_day.get(day.isoformat(), 0)) for day in days]
    most, width = max(values) or 1, 300 // asked.days
    return [
        {
            "x": i * width,
            "height": round(value * 76 / most, 1),
            "day": format_date(day, "d MMM y", locale=LOCALE),
            "words": format_minor(value, currency),
        }
        for i, (day, value) in enumerate(zip(days, values, strict=True))
    ]
