"""The job that runs the timers of all slices when they are due."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from rapport.act import timers
from rapport.act.jobs import Job, Turn
from rapport.kernel.work import TimerHandler

__all__ = ["AT_MOST", "FIRING", "firing"]

FIRING = "act.timers"

AT_MOST = 10
"""Timers run in one transaction; few, because whoever appends waits for it."""


def firing(handlers: Mapping[str, TimerHandler]) -> Job:
    """The job for these handlers, by kind of timer.

    While the log is behind, time is where the log is: a timer must not overtake the facts that would have cancelled it.
    Kinds without a handler stay where they are, and cost nothing.
    """

    def due(conn: Connection, turn: Turn) -> bool:
        first = timers.next_due(conn, handlers, buckets=turn.buckets)
        return first is not None and first <= turn.reached

    def run(turn: Turn) -> int:
        with turn.write() as conn:
            return timers.run_due(
                conn, turn.reached, handlers, turn.work, buckets=turn.buckets, limit=turn.at_most
            )  # fmt: skip

    return Job(
        name=FIRING,
        title="Timers go off",
        due=due,
        run=run,
        at_most=AT_MOST,
        exclusive=False,
        pause_seconds=1.0,
        waiting_seconds=0.2,
    )
