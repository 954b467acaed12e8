"""What placements sold in the last weeks, beside the weeks before: for the page of decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import format_minor
from rapport.measure.compared import Period, change_of, same_hour
from rapport.measure.days import first_moment, latest_days
from rapport.measure.metrics import DECISION_SALES, DECISIONS
from rapport.measure.model import Metric, Question
from rapport.measure.money import main_currency
from rapport.measure.service import Metrics, zone_of
from rapport.storage.workspaces import workspace_of
from rapport.web.formats import date_words_of

__all__ = ["DayBar", "PlacementSales", "Report", "report_of"]

_WIDTH, _HEIGHT = 300, 80


class PlacementSales(NamedTuple):
    """What came of the decisions of one placement; its money is of one currency, the rest in `others`."""

    placement: str
    shown: int
    clicked: int
    click_rate: float | None
    orders: int
    revenue: str
    others: str
    change: float | None
    """Of the revenue, against the period before."""


class DayBar(NamedTuple):
    """A day in the chart of a box of 300 by 80."""

    x: float
    width: float
    height: float
    words: str


class Report(NamedTuple):
    """All placements together, each by itself, and the days."""

    revenue: str
    revenue_before: str
    change: float | None
    orders: int
    placements: list[PlacementSales]
    bars: list[DayBar]
    zone_key: str


def report_of(conn: Connection, workspace: WorkspaceId, metrics: Metrics, *, now: int, days: int) -> Report:
    """The last so many days, today among them, beside as many before, the last of those up to the same hour."""
    zone = zone_of(conn, workspace)
    dates = latest_days(now, 2 * days, zone)
    since = first_moment(dates[days], zone)
    period = Period(since, now)
    before = Period(first_moment(dates[0], zone), min(since, same_hour(now, zone, days_ago=days)))

    def ask(metric: Metric, when: Period, by: str) -> list[dict[str, Any]]:
        question = Question(workspace=workspace, since=when.since, until=when.until, by=by, zone=zone.key)
        return metrics.answer(conn, metric.name, question).rows

    by_day, by_currency, then = (
        ask(DECISION_SALES, period, "day"), ask(DECISION_SALES, period, "currency"),
        ask(DECISION_SALES, before, "currency"),
    )  # fmt: skip
    currency = main_currency([*by_currency, *then], own=workspace_of(conn, workspace).settings.currency)
    total, earlier = _of(by_currency, currency), _of(then, currency)
    sold, sold_before = ask(DECISION_SALES, period, "placement"), ask(DECISION_SALES, before, "placement")
    return Report(
        revenue=format_minor(total, currency), revenue_before=format_minor(earlier, currency),
        change=change_of(total, earlier), orders=sum(row["orders"] for row in by_currency),
        placements=[
            _placement(row, sold, sold_before, currency) for row in ask(DECISIONS, period, "placement")
        ],
        bars=_bars(by_day, currency, [day.isoformat() for day in dates[days:]], [*map(date_words_of, dates[days:])]),
        zone_key=zone.key,
    )  # fmt: skip


def _placement(
    row: Mapping[str, Any], sold: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]], currency: str
) -> PlacementSales:
    mine = [one for one in sold if one["placement"] == row["placement"]]
    then = _of([one for one in before if one["placement"] == row["placement"]], currency)
    others = sorted((one["revenue_minor"], one["currency"]) for one in mine if one["currency"] != currency)
    return PlacementSales(
        placement=row["placement"], shown=row["decided"], clicked=row["clicked"], click_rate=row["click_rate"],
        orders=sum(one["orders"] for one in mine), revenue=format_minor(_of(mine, currency), currency),
        others=" + ".join(format_minor(minor, code) for minor, code in reversed(others)),
        change=change_of(_of(mine, currency), then),
    )  # fmt: skip


def _of(rows: Sequence[Mapping[str, Any]], currency: str) -> int:
    return sum(row["revenue_minor"] for row in rows if row["currency"] == currency)


def _bars(rows: Sequence[Mapping[str, Any]], currency: str, days: list[str], words: list[str]) -> list[DayBar]:
    by_day = {row["day"]: row["revenue_minor"] for row in rows if row["currency"] == currency}
    values = [max(0, by_day.get(day, 0)) for day in days]
    most, step = max(values) or 1, _WIDTH / len(days)
    return [
        DayBar(round(i * step + 1, 2), round(step - 2, 2), round(value * _HEIGHT / most, 1),
               f"{said}: {format_minor(value, currency)}")
        for i, (value, said) in enumerate(zip(values, words, strict=True))
    ]  # fmt: skip
