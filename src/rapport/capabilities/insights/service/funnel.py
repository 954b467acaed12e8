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

LATER = (ADDED, CHECKOUT, ORDERED)

_PAD = sa.literal_column("10000000000000000", sa.BigInteger)
_DIGITS = 17
"""Of every time with this added, so that texts of times are in the order of time."""

Rows = list[dict[str, Any]]


def met(question: Question, *wanted: sa.ColumnElement[bool], of_few: bool = False) -> sa.Select[*tuple[Any, ...]]:
    """The touchpoints of the period: `root, at, seq, kind, step, channel, device`.

    `of_few`: what is wanted leaves few customers, who are to be read first.
    """
    t, i = touchpoints.c, identifiers.c
    # `+ 0`: not by time, which would go through everybody's.
    at = t.at + sa.literal_column("0") if of_few else t.at
    query = (
        sa.select(i.root, t.at, t.seq, t.kind, t.step, t.channel, t.device)
        .select_from(touchpoints.join(identifiers, (i.workspace == t.workspace) & (i.key == t.strand)))
        .where(t.workspace == question.workspace, at >= question.since, at < question.until, *wanted)
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
    """Each customer who viewed a product: `key, root, at` of the first view, the last step (`reached`).

    A later step implies the ones before it, and somebody came to a step if they were there, or further, at or after
    their first view: if the last time is not before it. So first and last times by strand say all, and whose a strand
    is, is asked once for each. Channel and device stand behind the first time, as one text: of two views in one
    instant the first by name.
    """
    t, i = touchpoints.c, identifiers.c
    has_beside = question.by in ("channel", "device")
    first = sa.cast(t.at + _PAD, sa.Text) + t[question.by] if has_beside else t.at
    view = sa.case((t.step == VIEWED, first))
    of_strand = (
        sa.select(
            t.strand, sa.func.min(view).label("first"),
            *(sa.func.max(sa.case((t.step >= step, t.at))).label(f"last_{step}") for step in LATER),
        )
        .where(t.workspace == question.workspace, t.at >= question.since, t.at < question.until, t.step > 0)
        .group_by(t.strand)
        .subquery("of_strand")
    )  # fmt: skip
    s = of_strand.c
    query = sa.select(
        i.root, sa.func.min(s.first).label("first"), *(sa.func.max(s[f"last_{n}"]).label(f"last_{n}") for n in LATER)
    ).select_from(of_strand.join(identifiers, (i.workspace == question.workspace) & (i.key == s.strand)))
    r = of_segment(query, question, i.root).group_by(i.root).subquery("of_root").c
    at = sa.cast(sa.func.substr(r.first, 1, _DIGITS), sa.BigInteger) - _PAD if has_beside else r.first
    reached = sa.case(*((r[f"last_{n}"] >= at, n) for n in reversed(LATER)), else_=VIEWED)
    beside = sa.func.substr(r.first, _DIGITS + 1) if has_beside else sa.literal("")
    people = (
        sa.select(r.root, at.label("at"), reached.label("reached"), beside.label("beside"))
        .where(r.first.is_not(None))
        .subquery("people")
    )
    columns = {question.by: people.c.beside} if has_beside else {}
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
