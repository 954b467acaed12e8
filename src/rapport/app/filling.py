"""The job by which new parts and stages learn the facts that they missed; it shares the worker's memory of strands."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.jobs import Job, Share, Turn
from rapport.app.pipeline import Pipeline
from rapport.remember import backfill, retelling

__all__ = ["FILLING", "filling"]

FILLING = "remember.filling"


def filling(pipeline: Pipeline, *, at_most: int = 1_000) -> Job:
    """The job of the worker that has this pipeline: each fills the buckets it holds, `at_most` facts at a time."""

    def due(conn: Connection, turn: Turn) -> bool:
        return pipeline.gap(turn.buckets) is not None or pipeline.unfinished() is not None

    def run(turn: Turn) -> int:
        gap = pipeline.gap(turn.buckets)
        if gap is None:
            return _finish(pipeline, turn)
        try:
            filled = pipeline.fill(gap, limit=turn.at_most)
            with turn.write() as conn:
                pipeline.filled(conn, gap, filled.upto, now=turn.now)
        except BaseException:
            pipeline.abandon()
            raise
        pipeline.committed()
        turn.again()
        return filled.facts

    return Job(
        name=FILLING,
        title="New traits and tables learn the past",
        due=due,
        run=run,
        at_most=at_most,
        exclusive=False,
        pause_seconds=2.0,
        waiting_seconds=0.0,
        share=Share(behind=1 / 9, busy=1 / 5, quiet=2 / 3),
        may_pause=True,
        ahead=lambda conn, turn: backfill.left_of(conn, pipeline.learners, turn.buckets),
    )


def _finish(pipeline: Pipeline, turn: Turn) -> int:
    stage = pipeline.unfinished()
    if stage is None:
        return 0
    with turn.write() as conn:
        retelling.finish(conn, stage)
    return 1
