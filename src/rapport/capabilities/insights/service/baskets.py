"""Reads orders with all groups they are in, to look for patterns among them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.patterns import Basket, Pattern, patterns_of
from rapport.capabilities.insights.service.asking import placed
from rapport.capabilities.insights.store import sale_lines, sales
from rapport.kernel.clock import DAY, now_us
from rapport.measure.model import Question
from rapport.measure.store import days_asked
from rapport.remember import membership

__all__ = ["MOST_ORDERS", "Looked", "look_for_patterns"]

TIME_TO_RETURN = 30 * DAY
"""A younger order that was kept may still come back, and says nothing of returns."""
MOST_ORDERS = 20_000
"""The latest so many are looked at."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Looked(NamedTuple):
    """What was found, and among how many orders of which currency."""

    patterns: list[Pattern]
    orders: int
    currency: str


def look_for_patterns(conn: Connection, question: Question, *, most: int = MOST_ORDERS) -> Looked:
    """The patterns among the latest orders of the period, those in the currency of most."""
    rows = _orders(conn, question, most)
    currency = Counter(row.currency for row in rows).most_common(1)[0][0] if rows else ""
    rows = [row for row in rows if row.currency == currency]
    settled = now_us() - TIME_TO_RETURN
    names, first = _segments(conn, question), _first(conn, question)
    baskets = [
        Basket(
            customer=bytes(row.root), items=int(row.pieces or 0), value_minor=int(row.worth),
            returned=row.left < row.worth if row.at < settled else None,
            groups=_groups(row, names, is_new=row.at == first.get(row.root)),
        )
        for row in rows
    ]  # fmt: skip
    return Looked(patterns_of(baskets), len(baskets), currency)


def _orders(conn: Connection, question: Question, most: int) -> list[Any]:
    o = placed(conn, question, by="").c
    own = (sale_lines.c.workspace == question.workspace) & (sale_lines.c.fact == o.lines)
    pieces = sa.select(sa.func.sum(sale_lines.c.pieces)).where(own).scalar_subquery()
    s = sales.c
    query = (
        sa.select(
            o.root, o.at, o.currency, o.worth, o.left, s.channel, s.device, pieces.label("pieces"),
            days_asked(o.at, question).label("day"),
        )
        .select_from(o.key.table.outerjoin(sales, (s.workspace == question.workspace) & (s.fact == o.fact)))
        .where(o.cancelled == 0)
        .order_by(o.at.desc(), o.order_id)
        .limit(most)
    )  # fmt: skip
    return list(conn.execute(query))


def _first(conn: Connection, question: Question) -> dict[bytes, int]:
    """When each customer first ordered, of all time."""
    ever = msgspec.structs.replace(question, since=0, until=max(question.until, now_us()))
    p = placed(conn, ever, by="", ever=True).c
    return dict(conn.execute(sa.select(p.root, sa.func.min(p.at)).group_by(p.root)).all())


def _segments(conn: Connection, question: Question) -> dict[bytes, list[str]]:
    """In which segments each customer is now."""
    m, g = membership.members.c, membership.segments
    query = sa.select(m.root, g.c.name).join(g, (g.c.workspace == m.workspace) & (g.c.id == m.segment))
    found: dict[bytes, list[str]] = defaultdict(list)
    for root, name in conn.execute(query.where(m.workspace == question.workspace)):
        found[root].append(name)
    return found


def _groups(row: Any, segments: dict[bytes, list[str]], *, is_new: bool) -> set[tuple[str, str]]:
    """1970 began on a Thursday."""
    day = (row.day // DAY + 3) % 7
    found = {
        ("weekday", WEEKDAYS[day]), ("weekday", f"{WEEKDAYS[day]} and {WEEKDAYS[(day + 1) % 7]}"),
        ("weekday", f"{WEEKDAYS[day - 1]} and {WEEKDAYS[day]}"),
    }  # fmt: skip
    found |= {("customers", "first order")} if is_new else set()
    found |= {("channel", row.channel)} if row.channel else set()
    found |= {("device", row.device)} if row.device else set()
    return found | {("segment", name) for name in segments.get(row.root, ())}
