"""The jobs of journeys: steps when they are due, and those that begin by the clock."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.service.clocked import begin_part, next_begin
from rapport.capabilities.journeys.service.going import Tools
from rapport.capabilities.journeys.service.library import Graphs
from rapport.capabilities.journeys.service.stepping import step
from rapport.compose.slice import Joined
from rapport.decide.service import Decider
from rapport.remember.segments.fields import Fields

__all__ = ["AT_MOST", "jobs"]

AT_MOST = 500


def jobs(joined: Joined) -> tuple[Job, ...]:
    """The jobs of an installation with these traits and placements."""
    fields = Fields(joined.remembered)

    def tools() -> Tools:
        return Tools(Graphs(), fields, None)

    def due(conn: Connection, turn: Turn) -> bool:
        first = store.next_due(conn, turn.buckets)
        return first is not None and first <= turn.reached

    def run(turn: Turn) -> int:
        kept = turn.kept(tools)
        decider = Decider(turn.db, joined.deciding, append=_nothing, find_customer=lambda *_: None, gate=joined.gate)
        with turn.write() as conn:
            claimed = store.claim(conn, turn.buckets, now=turn.reached, limit=turn.at_most)
            step(conn, turn.work, claimed, kept._replace(decider=decider), now=turn.reached)
        return len(claimed)

    return (
        Job(
            name="journeys.steps", title="Customers go on in their journeys", due=due, run=run, at_most=AT_MOST,
            exclusive=False, pause_seconds=0.25, waiting_seconds=0.01,
        ),
        Job(
            name="journeys.starts", title="Journeys begin by the clock", due=_is_time, run=_begin, at_most=AT_MOST,
            pause_seconds=5.0, waiting_seconds=0.05,
        ),
    )  # fmt: skip


def _is_time(conn: Connection, turn: Turn) -> bool:
    first = next_begin(conn)
    return first is not None and first <= turn.reached


def _begin(turn: Turn) -> int:
    with turn.write() as conn:
        return begin_part(conn, turn.kept(Graphs), now=turn.reached, limit=turn.at_most)


async def _nothing(rows: object) -> None:
    """The engine states the facts of decisions itself, in its own transaction."""
