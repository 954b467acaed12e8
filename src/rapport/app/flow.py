"""The way of the data through the six verbs, in today's numbers of one shop: on the page System."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import outbox
from rapport.kernel.clock import HOUR, MINUTE, SECOND, from_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.measure.arrivals import Arrivals
from rapport.measure.days import first_moment, latest_days
from rapport.measure.model import Answer, Question
from rapport.measure.money import money_of
from rapport.measure.service import Metrics, zone_of
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers

__all__ = ["flow_of"]

_arrivals = Arrivals()


def flow_of(conn: Connection, workspace: WorkspaceId, metrics: Metrics, now: int) -> dict[str, Any]:
    """What each verb did since midnight, and how many facts came in each minute of the last hour."""
    zone = zone_of(conn, workspace)
    midnight = first_moment(latest_days(now, 1, zone)[0], zone)
    minute = now - now % MINUTE
    minutes = _answer(conn, workspace, metrics, "facts", by="minute", since=min(midnight, minute - HOUR), until=now)
    decided = _answer(conn, workspace, metrics, "decisions", by="placement", since=midnight, until=now)
    today = _answer(conn, workspace, metrics, "revenue_by", by="currency", since=midnight, until=now)
    seconds = _arrivals.counts(conn, now=now, step=10 * SECOND, steps=2)
    by_minute = {from_iso(row["minute"]): row["facts"] for row in minutes.rows} if minutes else {}
    return {
        "rate": (seconds[0][1] + seconds[1][1]) / ((now % (10 * SECOND)) / SECOND + 10),
        "facts_today": sum(number for at, number in by_minute.items() if at >= midnight),
        "spark": _spark([by_minute.get(minute - HOUR + i * MINUTE, 0) for i in range(60)]),
        "customers": _count(conn, customers, workspace, customers.c.identifiers > 0),
        "identifiers": _count(conn, identifiers, workspace),
        "seen_today": _count(conn, customers, workspace, customers.c.last_seen_at >= midnight),
        "decided": decided.totals if decided else {},
        "sent_today": _count(conn, outbox, workspace, outbox.c.status == "delivered", outbox.c.finished_at >= midnight),
        "waiting": _count(conn, outbox, workspace, sa.literal_column("status = 'pending'")),
        "today": money_of(today.rows if today else ()),
    }


def _answer(
    conn: Connection, workspace: WorkspaceId, metrics: Metrics, name: str, *, by: str, since: int, until: int
) -> Answer | None:
    """A metric's answer; None where no slice of this installation brings the metric."""
    try:
        return metrics.answer(conn, name, Question(workspace=workspace, since=since, until=until, by=by))
    except NotFound:
        return None


def _spark(values: list[int]) -> str:
    """Points of a line through the facts of each minute of the last hour, in a box of 100 by 30."""
    most = max(values) or 1
    return " ".join(f"{i * 100 / 59:.1f},{28 - value * 26 / most:.1f}" for i, value in enumerate(values))


def _count(conn: Connection, table: sa.Table, workspace: WorkspaceId, *conditions: sa.ColumnElement[Any]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(table.c.workspace == workspace, *conditions)
    return int(conn.execute(query).scalar_one())
