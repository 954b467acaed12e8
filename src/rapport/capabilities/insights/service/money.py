"""Orders and their money by any group: how many, revenue, the average, what came back, the margin on what stayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.metrics import GROUPS, GROUPS_SAID
from rapport.capabilities.insights.service.asking import label_of, placed, returned
from rapport.capabilities.orders import REVENUE as SALES
from rapport.measure.model import Question

__all__ = ["REVENUE", "average_rows", "left_columns", "margin_rows", "order_rows", "return_rows", "revenue_rows"]

Rows = list[dict[str, Any]]

REVENUE = msgspec.structs.replace(
    SALES, name="revenue", title="Revenue", definition=SALES.definition + GROUPS_SAID, by=GROUPS, main="revenue_minor",
    for_segments=True, instead="",
)  # fmt: skip
"""Revenue as the slice of orders defines it, for more groups and for segments."""


def order_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `orders`."""
    p = placed(conn, question).c
    query = sa.select(p.key, sa.func.count(), sa.func.sum(p.cancelled)).group_by(p.key)
    found = [
        {question.by: label_of(question.by, key), "orders": orders, "cancelled_orders": int(cancelled)}
        for key, orders, cancelled in conn.execute(query)
    ]
    return _ordered(found, question)


def revenue_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `revenue`."""
    p = placed(conn, question).c
    lost = sa.case((p.cancelled == 1, p.left), else_=0)
    query = sa.select(p.key, p.currency, sa.func.count(), sa.func.sum(p.worth), sa.func.sum(lost))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for key, currency, orders, worth, lost_minor in conn.execute(query.group_by(p.key, p.currency)):
        row = _row(found, question, key, currency)
        row |= {"orders": orders, "revenue_minor": int(worth), "cancelled_minor": int(lost_minor)}
    r = returned(conn, question).c
    back = sa.select(r.key, r.currency, sa.func.sum(r.amount)).group_by(r.key, r.currency)
    for key, currency, amount in conn.execute(back):
        _row(found, question, key, currency)["refunds_minor"] = int(amount or 0)
    for row in found.values():
        row["net_minor"] = row["revenue_minor"] - row["cancelled_minor"] - row["refunds_minor"]
    return _ordered(list(found.values()), question)


def _row(found: dict[tuple[str, str], dict[str, Any]], question: Question, key: Any, currency: str) -> dict[str, Any]:
    group = label_of(question.by, key)
    nothing = dict.fromkeys(("orders", "revenue_minor", "cancelled_minor", "refunds_minor", "net_minor"), 0)
    return found.setdefault((group, currency), {question.by: group, "currency": currency, **nothing})


def average_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `average_order`."""
    p = placed(conn, question).c
    query = sa.select(p.key, p.currency, sa.func.count(), sa.func.sum(p.worth)).group_by(p.key, p.currency)
    found = [
        {
            question.by: label_of(question.by, key), "currency": currency, "orders": orders,
            "revenue_minor": int(worth), "average_minor": (2 * int(worth) + orders) // (2 * orders),
        }
        for key, currency, orders, worth in conn.execute(query)
    ]  # fmt: skip
    return _ordered(found, question)


def return_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `return_rate`."""
    p = placed(conn, question).c
    worth = sa.case((p.worth > 0, p.worth), else_=0)
    back = worth - p.left
    query = sa.select(
        p.key, p.currency, sa.func.count(), sa.func.sum(sa.case((back > 0, 1), else_=0)), sa.func.sum(worth),
        sa.func.sum(back),
    ).group_by(p.key, p.currency)  # fmt: skip
    names = ("orders", "returned_orders", "revenue_minor", "returned_minor")
    found = [
        {
            question.by: label_of(question.by, key),
            "currency": currency,
            **dict(zip(names, map(int, numbers), strict=True)),
        }
        for key, currency, *numbers in conn.execute(query)
    ]
    return _ordered(found, question)


def left_columns(p: Any) -> tuple[sa.ColumnElement[Any], ...]:
    """Of an order of `placed`: revenue kept, margin after returns, and what was kept at a known and an unknown cost."""
    kept = sa.case((p.cancelled == 1, 0), else_=p.left)
    is_known = p.margin.is_not(None)
    # A hair more than half, so that both engines round up.
    share = sa.func.round(sa.cast(p.margin, sa.Float) * kept / p.worth + sa.literal_column("0.000001"))
    margin = sa.case((~is_known, 0), (kept == p.worth, p.margin), (p.worth <= 0, p.margin), else_=share)
    return kept, margin, sa.case((is_known, kept), else_=0), sa.case((is_known, 0), else_=kept)


def margin_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `margin`."""
    p = placed(conn, question).c
    sums = (sa.func.sum(one) for one in left_columns(p))
    query = sa.select(p.key, p.currency, sa.func.count(), *sums).group_by(p.key, p.currency)
    names = ("orders", "kept_minor", "margin_minor", "known_minor", "unknown_minor")
    found = [
        {
            question.by: label_of(question.by, key),
            "currency": currency,
            **dict(zip(names, map(int, numbers), strict=True)),
        }
        for key, currency, *numbers in conn.execute(query)
    ]
    return _ordered(found, question)


def _numbered(names: Sequence[str], numbers: Sequence[Any]) -> dict[str, int]:
    return dict(zip(names, map(int, numbers), strict=True))


def _ordered(rows: Rows, question: Question) -> Rows:
    return sorted(rows, key=lambda row: (row[question.by], row.get("currency", "")))
