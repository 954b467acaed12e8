"""The console's pages of sales by day and country, and of carts to win back."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.capabilities.orders.metrics import CART_ABANDONMENT, REVENUE
from rapport.capabilities.orders.winning_back import left_carts, left_values
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.measure.compared import WEEK, Period, change_of
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Question
from rapport.measure.money import main_currency
from rapport.measure.service import Metrics, zone_of
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.formats import date_words_of, weekday
from rapport.web.forms import integer

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]

SPANS = (7, 28, 90)
CARTS_A_PAGE = 50
MOST_PAGES = 200


@get("/sales", permission="metrics:read", sync_to_thread=True)
def sales_page(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics) -> Response[str]:
    """Orders and money of each day, of one currency at a time, and by country."""
    days = integer(dict(request.query_params), "days", least=1, most=90, otherwise=28)
    days = days if days in SPANS else 28
    wanted = clean(request.query_params.get("currency"), longest=3)
    with db.read() as conn:
        workspace, now = principal.workspace, now_us()
        zone = zone_of(conn, workspace)
        found = latest_days(now, days + WEEK, zone)
        by_day = _answer(conn, metrics, workspace, Period(first_moment(found[0], zone), now), by="day")
        by_country = _answer(conn, metrics, workspace, Period(first_moment(found[WEEK], zone), now), by="country")
        own = next(shop.settings.currency for shop in all_workspaces(conn) if shop.id == workspace)
    currencies = sorted({row["currency"] for row in by_day.rows if row["currency"]})
    currency = wanted if wanted in currencies else main_currency(by_day.rows, own=own)
    countries = [row for row in by_country.rows if row["currency"] == currency]
    lines = _lines(by_day.rows, currency, found)
    return render(
        request, "orders/sales.html", days=days, spans=SPANS, currency=currency, currencies=currencies,
        zone_key=zone.key, lines=lines, sums=_summed(lines), definition=REVENUE.definition,
        countries=sorted(countries, key=lambda row: -row["revenue_minor"])[:50],
    )  # fmt: skip


@get("/carts", permission="customers:read", sync_to_thread=True)
def carts_page(request: AnyRequest, db: Database, principal: Principal, metrics: Metrics) -> Response[str]:
    """Carts that were left and never ordered, the newest first, with who can be reached."""
    asked = dict(request.query_params)
    days = integer(asked, "days", least=1, most=90, otherwise=WEEK)
    days = days if days in SPANS else WEEK
    page = integer(asked, "page", least=1, most=MOST_PAGES, otherwise=1)
    reachable = asked.get("who") != "all"
    now = now_us()
    with db.read() as conn:
        rows = left_carts(
            conn, principal.workspace, since=now - days * DAY, reachable=reachable, limit=CARTS_A_PAGE + 1,
            offset=(page - 1) * CARTS_A_PAGE,
        )  # fmt: skip
        values = left_values(conn, principal.workspace, since=now - days * DAY)
        zone = zone_of(conn, principal.workspace)
        since = first_moment(latest_days(now, days, zone)[0], zone)
        question = Question(workspace=principal.workspace, since=since, until=now, by="day")
        totals = metrics.answer(conn, CART_ABANDONMENT.name, question).totals
    return render(
        request, "orders/left_carts.html", rows=rows[:CARTS_A_PAGE], page=page,
        more=len(rows) > CARTS_A_PAGE and page < MOST_PAGES,
        days=days, spans=SPANS, reachable=reachable, values=values, totals=totals,
        definition=CART_ABANDONMENT.definition,
    )  # fmt: skip


PAGES = ConsolePages(
    room="orders",
    templates=Path(__file__).parent / "templates",
    handlers=(sales_page, carts_page),
    nav=(
        NavItem(
            label="Carts", path="/console/carts", icon="cart", group="Shop", order=400, permission="customers:read",
        ),
        NavItem(
            label="Sales", path="/console/sales", icon="bag", group="Learn", order=400, permission="metrics:read",
        ),
    ),
)  # fmt: skip


def _answer(conn: Connection, metrics: Metrics, workspace: WorkspaceId, period: Period, *, by: str) -> Answer:
    question = Question(workspace=workspace, since=period.since, until=period.until, by=by)
    return metrics.answer(conn, REVENUE.name, question)


_SUMMED = ("orders", "revenue_minor", "refunds_minor", "cancelled_minor", "net_minor")


def _lines(rows: list[dict[str, Any]], currency: str, days: list[date]) -> list[dict[str, Any]]:
    """A line a day, the newest first, with what its revenue was against the same day of the week before."""
    by_day = {row["day"]: row for row in rows if row["currency"] == currency}
    nothing = dict.fromkeys(_SUMMED, 0)
    found = []
    for day in reversed(days[WEEK:]):
        row = by_day.get(day.isoformat(), nothing)
        before = by_day.get((day - timedelta(days=WEEK)).isoformat(), nothing)
        running = day == days[-1]
        found.append({
            "day": f"{weekday(day, short=True)}, {date_words_of(day)}", "running": running,
            # A day that is not over would always seem to lose.
            "change": None if running else change_of(row["revenue_minor"], before["revenue_minor"]),
            **{name: row[name] for name in _SUMMED},
        })  # fmt: skip
    return found


def _summed(lines: list[dict[str, Any]]) -> dict[str, int]:
    return {name: sum(line[name] for line in lines) for name in _SUMMED}
