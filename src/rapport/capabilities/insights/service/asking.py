"""Orders and refunds with whose they are and how they came, ready to be grouped: one select for all metrics of them.

Whoever has no group is under `(none)`, so that rows add up to the whole.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.bought import lines_fact
from rapport.capabilities.insights.store import sales
from rapport.capabilities.orders import given_back, sold
from rapport.kernel.clock import DAY, to_iso
from rapport.measure.model import Question
from rapport.measure.periods import PERIODS, period_of
from rapport.measure.store import days_asked
from rapport.remember import membership
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers

__all__ = [
    "NONE",
    "grouped",
    "label_of",
    "month_column",
    "of_segment",
    "placed",
    "placed_in",
    "returned",
    "week_column",
    "who_gave_back",
    "who_ordered",
]

NONE = "(none)"


def placed(conn: Connection, question: Question, *, by: str | None = None, ever: bool = False) -> sa.Subquery:
    """The orders of the period (`ever`: of all time): `key, root, order_id, fact, at, currency, worth, left, cancelled,
    margin, lines`. `fact` is the one that reports it, `lines` the one that says what was bought by now.

    An order of somebody in several segments is there once for each, where it is grouped by segment.
    """
    o = sold(question.workspace).subquery("sold")
    corrected = sales.alias("corrected").c
    margin = sa.select(corrected.margin_minor).where(
        corrected.workspace == question.workspace, corrected.fact == o.c.told, o.c.told != o.c.fact
    )
    extra = [
        o.c.order_id, o.c.fact, o.c.worth, o.c.left, o.c.cancelled,
        sa.func.coalesce(margin.scalar_subquery(), sales.c.margin_minor).label("margin"),
        lines_fact(question.workspace, o.c).label("lines"),
    ]  # fmt: skip
    return _joined(conn, question, o, extra, by=question.by if by is None else by, ever=ever).subquery("placed")


def returned(conn: Connection, question: Question) -> sa.Subquery:
    """The refunds made in the period: `key, root, at, currency, amount`; channel and device are those of the order."""
    r = given_back(question.workspace).subquery("given_back")
    return _joined(conn, question, r, [r.c.amount], by=question.by, ever=False).subquery("returned")


def _joined(
    conn: Connection, question: Question, o: sa.Subquery, extra: list[Any], *, by: str, ever: bool
) -> sa.Select[*tuple[Any, ...]]:
    i, c, s = identifiers.c, customers.c, sales.c
    ws = question.workspace
    rows: sa.FromClause = o.outerjoin(identifiers, (i.workspace == ws) & (i.key == o.c.strand))
    root = sa.func.coalesce(i.root, o.c.strand)
    rows = rows.outerjoin(sales, (s.workspace == ws) & (s.fact == o.c.fact))
    keys: dict[str, Any] = {"channel": s.channel, "device": s.device, "currency": o.c.currency, "": sa.literal("")}
    if by in ("country", "campaign"):
        rows = rows.outerjoin(customers, (c.workspace == ws) & (c.root == root))
        keys |= {"country": _stated(o.c.country, c.country), "campaign": c.campaign}
    if by == "segment":
        rows, keys["segment"] = _with_segments(rows, question, root)
    if by in PERIODS:
        keys[by] = _period(conn, question, o.c.at, by)
    columns = (keys[by].label("key"), root.label("root"), o.c.at, o.c.currency)
    query = sa.select(*columns, *extra).select_from(rows)
    if not ever:
        query = query.where(o.c.at >= question.since, o.c.at < question.until)
    return of_segment(query, question, root)


def of_segment(
    query: sa.Select[*tuple[Any, ...]], question: Question, root: sa.ColumnElement[Any]
) -> sa.Select[*tuple[Any, ...]]:
    """The same for the members of the question's segment alone, where it names one."""
    if question.segment is None:
        return query
    m = membership.members.c
    members = sa.select(m.root).where(m.workspace == question.workspace, m.segment == question.segment)
    return query.where(root.in_(members))


def _with_segments(
    rows: sa.FromClause, question: Question, root: sa.ColumnElement[Any]
) -> tuple[sa.FromClause, sa.ColumnElement[Any]]:
    m, g = membership.members.alias("member"), membership.segments
    rows = rows.outerjoin(m, (m.c.workspace == question.workspace) & (m.c.root == root))
    rows = rows.outerjoin(g, (g.c.workspace == question.workspace) & (g.c.id == m.c.segment))
    return rows, g.c.name


def grouped(
    conn: Connection, question: Question, people: sa.Subquery, columns: dict[str, Any]
) -> sa.Select[*tuple[Any, ...]]:
    """Rows of `people` (with `root` and `at`) as `key` and all their columns, ready to be grouped as is asked.

    `columns` are its own by which it can be; of somebody in several segments there is a row for each.
    """
    c, by, ws = customers.c, question.by, question.workspace
    rows: sa.FromClause = people
    keys: dict[str, Any] = {"": sa.literal(""), **columns}
    if by == "country":
        rows = rows.outerjoin(customers, (c.workspace == ws) & (c.root == people.c.root))
        keys["country"] = c.country
    if by == "segment":
        rows, keys["segment"] = _with_segments(rows, question, people.c.root)
    if by in PERIODS:
        keys[by] = _period(conn, question, people.c.at, by)
    return sa.select(keys[by].label("key"), *people.c).select_from(rows)


def _period(conn: Connection, question: Question, at: sa.ColumnElement[int], by: str) -> sa.ColumnElement[Any]:
    day = days_asked(at, question)
    if by == "month":
        return month_column(conn, day)
    return week_column(day) if by == "week" else day


def week_column(day: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """The Monday of a day's week; both by local start (`measure/days.py`). 1970 began on a Thursday."""
    return day - ((day / sa.literal_column(str(DAY)) + sa.literal_column("3")) % sa.literal_column("7")) * (
        sa.literal_column(str(DAY), sa.BigInteger)
    )


def month_column(conn: Connection, day: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """The month of a day, as 2026-11."""
    if conn.dialect.name == "sqlite":
        return sa.func.strftime("%Y-%m", day / sa.literal_column("1000000"), "unixepoch")
    moment = sa.func.timezone("UTC", sa.func.to_timestamp(day / sa.literal_column("1000000.0")))
    return sa.func.to_char(moment, "YYYY-MM")


def _stated(*countries: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.coalesce(*(sa.func.nullif(country, "") for country in countries), "")


def label_of(by: str, key: Any) -> str:
    """A group as rows tell it."""
    if by in ("day", "week"):
        return to_iso(int(key))[:10]
    return str(key) if key not in (None, "") else NONE


def placed_in(conn: Connection, question: Question, group: str) -> sa.Subquery:
    """The orders of one group, as `placed` has them; in the question's currency, where it names one."""
    if question.by in PERIODS:
        since, until = period_of(group, question)
        p = placed(conn, msgspec.structs.replace(question, since=since, until=until), by="").c
        mine: list[sa.ColumnElement[bool]] = []
    else:
        p = placed(conn, question).c
        mine = [sa.or_(p.key.is_(None), p.key == "") if group == NONE else p.key == group]
    if question.currency:
        mine.append(p.currency == question.currency)
    return sa.select(*p).where(*mine).subquery("in_group")


def who_ordered(conn: Connection, question: Question, group: str) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers whose orders are in a group."""
    return sa.select(placed_in(conn, question, group).c.root).distinct()


def who_gave_back(conn: Connection, question: Question, group: str) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers who got money back of an order in a group."""
    p = placed_in(conn, question, group).c
    return sa.select(p.root).where(p.worth > 0, p.left < p.worth).distinct()
