"""How far customers came on the way to an order."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.asking import NONE, grouped, label_of, of_segment
from rapport.capabilities.insights.store import touchpoints
from rapport.capabilities.insights.touchpoints import ADDED, CHECKOUT, ORDERED, VIEWED
from rapport.measure.model import Question
from rapport.measure.periods import PERIODS, period_of
from rapport.resolve.graph.store import identifiers

__all__ = ["STEPS", "funnel_rows", "funnel_whole", "met", "who_came_to", "who_viewed"]

STEPS = {"viewed": VIEWED, "added": ADDED, "checkout": CHECKOUT, "ordered": ORDERED}

Rows = list[dict[str, Any]]


def met(question: Question, *wanted: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """The touchpoints of the period: `root, at, seq, kind, step, channel, device`."""
    t, i = touchpoints.c, identifiers.c
    query = (
        sa.select(i.root, t.at, t.seq, t.kind, t.step, t.channel, t.device)
        .select_from(touchpoints.join(identifiers, (i.workspace == t.workspace) & (i.key == t.strand)))
        .where(t.workspace == question.workspace, t.at >= question.since, t.at < question.until, *wanted)
    )
    return of_segment(query, question, i.root)


def funnel_rows(conn: Connection, question: Question) -> Rows:
    """Rows of the metric `checkout_funnel`."""
    came = _came(conn, question)
    query = sa.select(came.c.key, *(_at_least(came, step) for step in STEPS.values())).group_by(came.c.key)
    found = [
        {question.by: label_of(question.by, key), **{name: int(n) for name, n in zip(STEPS, numbers, strict=True)}}
        for key, *numbers in conn.execute(query)
    ]
    return sorted(found, key=lambda row: row[question.by])


def funnel_whole(conn: Connection, question: Question) -> dict[str, int]:
    """How many came to each step, all together."""
    came = _came(conn, msgspec.structs.replace(question, by=""))
    numbers = conn.execute(sa.select(*(_at_least(came, step) for step in STEPS.values()))).one()
    return {name: int(number or 0) for name, number in zip(STEPS, numbers, strict=True)}


def _at_least(came: sa.Subquery, step: int) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((came.c.reached >= step, 1), else_=0))


def _came(conn: Connection, question: Question) -> sa.Subquery:
    """Each customer who viewed a product: `key, root, at` of the first view, its channel and device, the last step.

    A later step implies the ones before it, so the last one after the first view says all: whoever ordered after it
    put something into the cart after it, too.
    """
    m = met(question, touchpoints.c.step > 0).subquery("steps").c
    viewed = sa.func.min(sa.case((m.step == VIEWED, m.at))).over(partition_by=m.root)
    w = sa.select(m.root, m.at, m.step, m.channel, m.device, viewed.label("viewed")).subquery("walked").c
    is_first = (w.at == w.viewed) & (w.step == VIEWED)
    people = (
        sa.select(
            w.root, w.viewed.label("at"), sa.func.max(w.step).label("reached"),
            *(sa.func.min(sa.case((is_first, w[name]))).label(name) for name in ("channel", "device")),
        )
        .where(w.at >= w.viewed)
        .group_by(w.root, w.viewed)
        .subquery("people")
    )  # fmt: skip
    columns = {"channel": people.c.channel, "device": people.c.device}
    return grouped(conn, question, people, columns).subquery("came")


def who_came_to(
    conn: Connection, question: Question, group: str, *, step: int = VIEWED, left: bool = False
) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers in a group who came to a step; `left`: who came no further. All where it is empty."""
    asked = msgspec.structs.replace(question, by=question.by if group else "")
    came = _came(conn, asked).c
    far = (came.reached == step) if left else (came.reached >= step)
    query = sa.select(came.root).where(far).distinct()
    if not group:
        return query
    if question.by in PERIODS:
        since, until = period_of(group, question)
        return query.where(came.at >= since, came.at < until)
    return query.where(sa.or_(came.key.is_(None), came.key == "") if group == NONE else came.key == group)


def who_viewed(conn: Connection, question: Question, group: str) -> sa.Select[*tuple[Any, ...]]:
    """The roots of the customers who are in a group of the metric."""
    return who_came_to(conn, question, group)
