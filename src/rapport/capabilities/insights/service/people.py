"""Customers by their orders: new and returning, who comes again and when, and what they were worth so far."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.asking import label_of, month_column, placed, placed_in, week_column
from rapport.kernel.clock import DAY, now_us, to_datetime, zone_named
from rapport.measure.model import Question
from rapport.measure.periods import PERIODS, after, named
from rapport.measure.store import days_asked

__all__ = [
    "first_orders",
    "interval_rows",
    "new_rows",
    "of_all_time",
    "period_column",
    "quantile",
    "retention_rows",
    "returning_rows",
    "value_rows",
    "who_new",
    "who_returned",
]

Rows = list[dict[str, Any]]
MOST_CELLS = 60
"""Months or weeks after the first order that are told."""


def new_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `new_customers`."""
    return _buyers(conn, question, "new_customers")


def returning_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `returning_customers`."""
    return _buyers(conn, question, "returning_customers")


def _buyers(conn: Connection, question: Question, wanted: str) -> Rows:
    """Customers who ordered by group; new where no order of theirs is earlier than the group, or than the period."""
    p, first = placed(conn, question).c, first_orders(conn, question)
    each = (
        sa.select(p.key, p.root, sa.func.min(p.at).label("at"), sa.func.max(first.c.at).label("first_at"))
        .select_from(p.key.table.join(first, first.c.root == p.root))
        .group_by(p.key, p.root)
        .subquery("each")
    )
    # Within a day, week or month the first order of all is the first there; in another group it is one of the period.
    by_time = question.by in PERIODS
    is_new = each.c.at == each.c.first_at if by_time else each.c.first_at >= question.since
    counted = sa.case((is_new if wanted == "new_customers" else ~is_new, 1), else_=0)
    query = sa.select(each.c.key, sa.func.count(), sa.func.sum(counted)).group_by(each.c.key)
    found = [
        {question.by: label_of(question.by, key), "customers": customers, wanted: int(number)}
        for key, customers, number in conn.execute(query)
    ]
    return sorted(found, key=lambda row: row[question.by])


def who_new(conn: Connection, question: Question, group: str) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers of a group who are new in it."""
    return _who(conn, question, group, new=True)


def who_returned(conn: Connection, question: Question, group: str) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers of a group who had ordered before."""
    return _who(conn, question, group, new=False)


def _who(conn: Connection, question: Question, group: str, *, new: bool) -> sa.Select[*tuple[Any, ...]]:
    p, first = placed_in(conn, question, group).c, first_orders(conn, question)
    at, first_at = sa.func.min(p.at), sa.func.max(first.c.at)
    is_new = at == first_at if question.by in PERIODS else first_at >= question.since
    rows = p.root.table.join(first, first.c.root == p.root)
    return sa.select(p.root).select_from(rows).group_by(p.root).having(is_new if new else ~is_new)


def first_orders(conn: Connection, question: Question) -> sa.Subquery:
    """When each customer first ordered: `root, at`."""
    every = placed(conn, question, by="", ever=True).c
    return sa.select(every.root, sa.func.min(every.at).label("at")).group_by(every.root).subquery("first")


def retention_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `retention`: one for each cohort and period after it."""
    cells, sizes = _cells(conn, question)
    today = named(to_datetime(now_us()).astimezone(zone_named(question.zone)).date(), question.by)
    rows = []
    for cohort in sorted(sizes):
        name, before = cohort, 0
        for number in range(MOST_CELLS):
            if name > today:
                break
            active = cells[cohort].get(name, 0)
            rows.append({
                question.by: cohort, "period": name, "after": number, "customers": sizes[cohort], "active": active,
                "previous": before,
            })  # fmt: skip
            name, before = after(name, question.by), active
    return rows


def _cells(conn: Connection, question: Question) -> tuple[Mapping[str, Mapping[str, int]], Mapping[str, int]]:
    """By cohort: how many ordered in which period; and how many there are."""
    ever = of_all_time(question)
    every, first = placed(conn, ever, by="", ever=True), first_orders(conn, ever)
    period = period_column(conn, ever, every.c.at)
    cohort = period_column(conn, ever, first.c.at)
    query = (
        sa.select(cohort, period, sa.func.count(every.c.root.distinct()))
        .select_from(every.join(first, first.c.root == every.c.root))
        .where(first.c.at >= question.since, first.c.at < question.until)
        .group_by(sa.literal_column("1"), sa.literal_column("2"))
    )
    cells: dict[str, dict[str, int]] = defaultdict(dict)
    for began, name, active in conn.execute(query):
        cells[label_of(question.by, began)][label_of(question.by, name)] = active
    return cells, {name: found[name] for name, found in cells.items()}


def of_all_time(question: Question) -> Question:
    """The same question of all that was until now."""
    return msgspec.structs.replace(question, since=0, until=max(question.until, now_us()))


def period_column(conn: Connection, question: Question, at: sa.ColumnElement[int]) -> sa.ColumnElement[Any]:
    """The day, week or month of a moment, as is asked."""
    day = days_asked(at, question)
    if question.by == "month":
        return month_column(conn, day)
    return week_column(day) if question.by == "week" else day


def interval_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `repeat_interval`, from how often each number of days occurred."""
    p, ever = placed(conn, question).c, of_all_time(question)
    every = placed(conn, ever, by="", ever=True).c
    days = sa.select(every.root, days_asked(every.at, ever).label("day")).distinct().subquery("days")
    before = sa.func.lag(days.c.day).over(partition_by=days.c.root, order_by=days.c.day)
    gaps = sa.select(days.c.root, days.c.day, before.label("before")).subquery("gaps")
    mine = sa.select(p.key, p.root, days_asked(p.at, question).label("day")).distinct().subquery("mine")
    gap = (gaps.c.day - gaps.c.before) / sa.literal_column(str(DAY))
    query = (
        sa.select(mine.c.key, gap, sa.func.count())
        .select_from(mine.join(gaps, (gaps.c.root == mine.c.root) & (gaps.c.day == mine.c.day)))
        .where(gaps.c.before.is_not(None))
        .group_by(sa.literal_column("1"), sa.literal_column("2"))
    )
    found: dict[str, Counter[int]] = defaultdict(Counter)
    for key, number, times in conn.execute(query):
        found[label_of(question.by, key)][int(number)] += times
    return [
        {
            question.by: group, "repeats": sum(counted.values()), "median_days": quantile(counted, 0.5),
            "p90_days": quantile(counted, 0.9),
        }
        for group, counted in sorted(found.items())
    ]  # fmt: skip


def quantile(counted: Mapping[int, int], share: float) -> int | None:
    """The smallest value that this share of all does not exceed; None of nothing.

    >>> quantile({7: 1, 30: 2, 90: 1}, 0.5), quantile({7: 1, 30: 2, 90: 1}, 0.9), quantile({}, 0.5)
    (30, 90, None)
    """
    left = share * sum(counted.values())
    for value in sorted(counted):
        left -= counted[value]
        if left <= 1e-9:
            return value
    return None


def value_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `lifetime_value`: of who first ordered in the period, all orders until now."""
    ever = of_all_time(question)
    by_time = question.by in ("week", "month")
    every = placed(conn, ever, by="" if by_time else question.by, ever=True)
    first = first_orders(conn, ever)
    key = period_column(conn, ever, first.c.at) if by_time else every.c.key
    kept = sa.case((every.c.cancelled == 1, 0), else_=every.c.left)
    query = (
        sa.select(key, every.c.currency, sa.func.count(every.c.root.distinct()), sa.func.count(), sa.func.sum(kept))
        .select_from(every.join(first, first.c.root == every.c.root))
        .where(first.c.at >= question.since, first.c.at < question.until)
        .group_by(sa.literal_column("1"), every.c.currency)
    )
    found = [
        {
            question.by: label_of(question.by, group), "currency": currency, "customers": customers, "orders": orders,
            "kept_minor": int(minor), "per_customer_minor": (2 * int(minor) + customers) // (2 * customers),
        }
        for group, currency, customers, orders, minor in conn.execute(query)
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row[question.by], row["currency"]))
