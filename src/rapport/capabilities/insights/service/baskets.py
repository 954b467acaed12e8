"""Reads orders with all groups they are in, to look for patterns among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.patterns import Basket, Pattern, patterns_of
from rapport.capabilities.insights.service.asking import placed
from rapport.capabilities.insights.store import sale_lines, sales
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.ids import Key
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
    latest = _latest(conn, question, most)
    rows = list(conn.execute(latest))
    currency = Counter(row.currency for row in rows).most_common(1)[0][0] if rows else ""
    rows = [row for row in rows if row.currency == currency]
    settled = now_us() - TIME_TO_RETURN
    roots = {Key(row.root) for row in rows}
    names, first = membership.names_by_root(conn, question.workspace, roots), _first(conn, question, latest)
    baskets = [
        Basket(
            customer=bytes(row.root), items=int(row.pieces or 0), value_minor=int(row.worth),
            returned=row.left < row.worth if row.at < settled else None,
            groups=_groups(row, names, is_new=row.at == first.get(row.root)),
        )
        for row in rows
    ]  # fmt: skip
    return Looked(patterns_of(baskets), len(baskets), currency)


def _latest(conn: Connection, question: Question, most: int) -> sa.Select[*tuple[Any, ...]]:
    o = placed(conn, question, by="").c
    own = (sale_lines.c.workspace == question.workspace) & (sale_lines.c.fact == o.lines)
    pieces = sa.select(sa.func.sum(sale_lines.c.pieces)).where(own).scalar_subquery()
    s = sales.c
    return (
        sa.select(
            o.root, o.at, o.currency, o.worth, o.left, s.channel, s.device, pieces.label("pieces"),
            days_asked(o.at, question).label("day"),
        )
        .select_from(o.key.table.outerjoin(sales, (s.workspace == question.workspace) & (s.fact == o.fact)))
        .where(o.cancelled == 0)
        .order_by(o.at.desc(), o.order_id)
        .limit(most)
    )  # fmt: skip


def _first(conn: Connection, question: Question, latest: sa.Select[*tuple[Any, ...]]) -> dict[bytes, int]:
    """When each customer of these orders first ordered, of all time."""
    ever = msgspec.structs.replace(question, since=0, until=max(question.until, now_us()))
    p = placed(conn, ever, by="", ever=True).c
    asked = sa.select(latest.subquery("latest").c.root)
    query = sa.select(p.root, sa.func.min(p.at)).where(p.root.in_(asked)).group_by(p.root)
    return dict(row._tuple() for row in conn.execute(query))


def _groups(row: Any, segments: Mapping[Key, list[str]], *, is_new: bool) -> set[tuple[str, str]]:
    """1970 began on a Thursday."""
    day = (row.day // DAY + 3) % 7
    found = {
        ("weekday", WEEKDAYS[day]), ("weekday", f"{WEEKDAYS[day]} and {WEEKDAYS[(day + 1) % 7]}"),
        ("weekday", f"{WEEKDAYS[day - 1]} and {WEEKDAYS[day]}"),
    }  # fmt: skip
    found |= {("customers", "first order")} if is_new else set()
    found |= {("channel", row.channel)} if row.channel else set()
    found |= {("device", row.device)} if row.device else set()
    return found | {("segment", name) for name in segments.get(Key(row.root), ())}
