"""How long facts stay counted by the minute."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.kernel.clock import DAY
from rapport.measure.metrics import MINUTES_KEPT_DAYS
from rapport.measure.store import fact_minutes
from rapport.storage.workspaces import workspaces

__all__ = ["MINUTES_RETENTION"]

_f = fact_minutes.c


def _shops(turn: Turn) -> sa.Select[tuple[int]]:
    """The shops that have minutes to let go: one step in the primary key of each."""
    old = sa.exists().where(_f.workspace == workspaces.c.id, _f.minute < turn.now - MINUTES_KEPT_DAYS * DAY)
    return sa.select(workspaces.c.id).where(old).order_by(workspaces.c.id)


def _due(conn: Connection, turn: Turn) -> bool:
    return conn.execute(_shops(turn).limit(1)).first() is not None


def _run(turn: Turn) -> int:
    key = [_f.workspace, _f.minute, _f.source, _f.shard]
    with turn.write() as conn:
        shops = list(conn.execute(_shops(turn).limit(2)).scalars())
        if not shops:
            return 0
        if len(shops) > 1:
            turn.again()
        old = (_f.workspace == shops[0], _f.minute < turn.now - MINUTES_KEPT_DAYS * DAY)
        oldest = sa.select(*key).where(*old).order_by(*key).limit(turn.at_most)
        return conn.execute(fact_minutes.delete().where(*old, sa.tuple_(*key).in_(oldest))).rowcount


MINUTES_RETENTION = Job(
    name="measure.minutes",
    title=f"Facts by the minute are let go after {MINUTES_KEPT_DAYS} days",
    due=_due,
    run=_run,
    at_most=2_000,
    pause_seconds=3600.0,
)
