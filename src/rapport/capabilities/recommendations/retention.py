"""How long recommendations remember what nobody did any more: pairs of products, and what somebody looked at last.

Counts only ever add up, so a pair that nothing refreshes neither grows nor fades; it is let go whole. No index tells
which rows are old: keeping one would cost every view more than the sweep costs a day. So a sweep looks through a table
in the order of its key, a portion at a time, and writes only where a portion holds something old.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.act.jobs import Job, Turn
from rapport.capabilities.recommendations import moments
from rapport.capabilities.recommendations.store import covisits, recent_products
from rapport.capabilities.recommendations.surroundings import WEEK
from rapport.kernel.clock import DAY, HOUR

__all__ = ["KEPT", "MOMENTS_RETENTION", "PAIRS_RETENTION", "RECENTS_RETENTION"]

KEPT = 365 * DAY
"""Since something was last counted. A year, so that what goes together in a season is known when it comes again."""

SWEPT_EVERY = DAY
"""What is kept for a year need not go to the hour."""


class _Sweep:
    """How far a table has been looked through, in the memory of the worker that does it."""

    def __init__(self) -> None:
        self.after: Sequence[Any] | None = None
        """The key of the last row of the last portion; None at the beginning."""
        self.finished_at = 0


def _sweeping(table: Table, is_old: sa.ColumnElement[bool], *, name: str, title: str, kept: int = KEPT) -> Job:
    """The job that deletes the old rows of a table; `is_old` may ask the time as the parameter `oldest`, in days."""
    key = sa.tuple_(*table.primary_key)

    def due(conn: Connection, turn: Turn) -> bool:
        sweep = turn.kept(_Sweep)
        return sweep.after is not None or turn.now - sweep.finished_at >= SWEPT_EVERY

    def run(turn: Turn) -> int:
        sweep = turn.kept(_Sweep)
        portion = sa.true() if sweep.after is None else key > sweep.after
        ordered = sa.select(*table.primary_key).where(portion).order_by(*table.primary_key)
        old = is_old.params(oldest=(turn.now - kept) // DAY)
        with turn.db.read() as conn:
            last = conn.execute(ordered.offset(turn.at_most - 1).limit(1)).first()
            portion = portion & (sa.true() if last is None else key <= tuple(last))
            is_any = conn.execute(sa.select(sa.literal(1)).where(portion, old).limit(1)).first() is not None
        done = _delete(turn, table.delete().where(portion, old)) if is_any else 0
        sweep.after = None if last is None else tuple(last)
        if sweep.after is None:
            sweep.finished_at = turn.now
        else:
            turn.again()
        return done

    return Job(
        name=name, title=title, due=due, run=run, at_most=2_000, pause_seconds=HOUR // 1_000_000, waiting_seconds=1.0
    )


def _delete(turn: Turn, query: sa.Delete) -> int:
    with turn.write() as conn:
        return conn.execute(query).rowcount


_OLDEST = sa.bindparam("oldest", type_=sa.BigInteger)

PAIRS_RETENTION = _sweeping(
    covisits,
    covisits.c.last_at < _OLDEST * DAY,
    name="recommendations.pairs",
    title="Pairs of products are let go that nobody met for a year",
)

RECENTS_RETENTION = _sweeping(
    recent_products,
    recent_products.c.last_day < _OLDEST,
    name="recommendations.recents",
    title="What somebody looked at last is let go after a year",
)

MOMENTS_RETENTION = _sweeping(
    moments.product_moments,
    moments.product_moments.c.week * 7 < _OLDEST,
    name="recommendations.moments",
    title="What was popular at a moment is let go after eight weeks",
    kept=moments.KEPT + WEEK,
)
