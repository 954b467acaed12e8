"""How often customers had to ask, and how many promises were kept."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.asking import grouped, label_of, placed
from rapport.capabilities.insights.service.funnel import met
from rapport.capabilities.insights.store import touchpoints
from rapport.capabilities.insights.touchpoints import BROKEN, CONTACT, KEPT
from rapport.measure.model import Question

__all__ = ["contact_rows", "promise_rows"]

Rows = list[dict[str, Any]]


def contact_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `contact_rate`."""
    found: dict[str, dict[str, Any]] = {}
    of_kind = met(question, touchpoints.c.kind == CONTACT).subquery("contacts")
    made = grouped(conn, question, of_kind, {}).subquery("made").c
    asked = sa.select(made.key, sa.func.count(), sa.func.count(made.root.distinct())).group_by(made.key)
    for key, contacts, people in conn.execute(asked):
        _row(found, question, key).update(contacts=contacts, people=people)
    p = placed(conn, question).c
    for key, orders in conn.execute(sa.select(p.key, sa.func.count()).group_by(p.key)):
        _row(found, question, key)["orders"] = orders
    return sorted(found.values(), key=lambda row: row[question.by])


def _row(found: dict[str, dict[str, Any]], question: Question, key: Any) -> dict[str, Any]:
    group = label_of(question.by, key)
    return found.setdefault(group, {question.by: group, "contacts": 0, "people": 0, "orders": 0})


def promise_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `promise_kept`."""
    of_kind = met(question, touchpoints.c.kind.in_((KEPT, BROKEN))).subquery("settled")
    made = grouped(conn, question, of_kind, {}).subquery("made").c
    kept = sa.func.sum(sa.case((made.kind == KEPT, 1), else_=0))
    query = sa.select(made.key, kept, sa.func.count()).group_by(made.key)
    found = [
        {question.by: label_of(question.by, key), "kept": int(good), "broken": every - int(good)}
        for key, good, every in conn.execute(query)
    ]
    return sorted(found, key=lambda row: row[question.by])
