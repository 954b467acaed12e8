"""What Home shows of decisions: what was sold after they had shown it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import format_minor
from rapport.measure import sales, store
from rapport.measure.compared import Period, change_of, weeks_of
from rapport.measure.metrics import BOUGHT_WITHIN_DAYS, DECISION_SALES, DECISIONS
from rapport.measure.model import Answer, Measured, Metric, Question
from rapport.measure.money import main_currency
from rapport.measure.service import Metrics, zone_of
from rapport.web.cards import OfShop, Tile

__all__ = ["TILES"]

_metrics = Metrics((
    Measured(metric=DECISIONS, read=store.decisions_by), Measured(metric=DECISION_SALES, read=sales.sales_by),
))  # fmt: skip


def _sold(conn: Connection, asked: OfShop) -> Mapping[str, Any] | None:
    """The last seven days beside the seven before; nothing where nothing was ever decided."""
    weeks = weeks_of(asked.now, zone_of(conn, asked.workspace))
    shown = _answer(conn, asked.workspace, DECISIONS, weeks.week, by="placement").totals
    rows, before = (
        _answer(conn, asked.workspace, DECISION_SALES, period, by="currency").rows
        for period in (weeks.week, weeks.before)
    )
    if not shown["decided"] and not rows and not before:
        return None
    currency = main_currency([*rows, *before], own=asked.currency)
    sums = {row["currency"]: row["revenue_minor"] for row in rows}
    then = sum(row["revenue_minor"] for row in before if row["currency"] == currency)
    others = sorted((minor, code) for code, minor in sums.items() if code != currency)
    return {
        "revenue": format_minor(sums.get(currency, 0), currency), "change": change_of(sums.get(currency, 0), then),
        "revenue_before": format_minor(then, currency), "orders": sum(row["orders"] for row in rows),
        "others": " + ".join(format_minor(minor, code) for minor, code in reversed(others)), "shown": shown,
        "within": BOUGHT_WITHIN_DAYS,
    }  # fmt: skip


def _answer(conn: Connection, workspace: WorkspaceId, metric: Metric, period: Period, *, by: str) -> Answer:
    question = Question(workspace=workspace, since=period.since, until=period.until, by=by)
    return _metrics.answer(conn, metric.name, question)


TILES: tuple[Tile, ...] = (
    Tile(
        name="measure.sales", title="Sold by recommendations", order=250, permission="metrics:read",
        template="measure/sold.html", read=_sold,
    ),
)  # fmt: skip
