"""Stages that are told the past: which, how far they are, and what is done once they have been told all of it.

What of the log a stage lacks stands beside what parts lack, in the same table and under the same rules (`backfill.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.work import Retelling
from rapport.remember.backfill import progress
from rapport.remember.store import OPEN, folded
from rapport.storage.bulk import insert_ignore

__all__ = ["RetoldStage", "StageProgress", "finish", "stage_named", "told", "unfinished"]

_ALL = -1
"""The bucket of the row that says: this stage was told everything, and has finished."""


class RetoldStage(NamedTuple):
    """A stage that learns the past, as the table of gaps calls it."""

    name: str
    title: str
    """What people call its slice."""
    retelling: Retelling

    @property
    def version(self) -> int:
        """By which it reads facts."""
        return self.retelling.version


class StageProgress(NamedTuple):
    """How far a stage is with the past."""

    title: str
    left: int
    """At most so many facts lie ahead."""
    told: float
    """The share of the log's facts that lie behind, from 0 to 1."""


def stage_named(name: str) -> str:
    """How the stage of the slice of this name is called beside parts; no part has such a name."""
    return f"stage:{name}"


def told(conn: Connection, stages: Iterable[RetoldStage]) -> list[StageProgress]:
    """The stages that are being told the past, and how far they are."""
    found = {(one.part, one.version): one for one in progress(conn)}
    return [
        StageProgress(stage.title, one.left, round(1 - one.left / one.of, 4))
        for stage in stages
        if (one := found.get((stage.name, stage.version))) is not None
    ]


def unfinished(conn: Connection, stages: Sequence[RetoldStage]) -> RetoldStage | None:
    """A stage that was told everything, of all buckets, and has not finished; None where there is none."""
    wanted = [stage for stage in stages if stage.retelling.finish is not None]
    if not wanted:
        return None
    c = folded.c
    ids = sa.tuple_(c.part, c.version).in_([(stage.name, stage.version) for stage in wanted])
    query = (
        sa.select(
            c.part, sa.func.count(c.bucket.distinct()), sa.func.min(c.bucket),
            sa.func.sum(sa.case((sa.and_(c.upto < c.target, c.target < OPEN), 1), else_=0)),
        )
        .where(ids)
        .group_by(c.part)
    )  # fmt: skip
    ready = {
        part for part, buckets, first, gaps in conn.execute(query) if first > _ALL and buckets == BUCKETS and not gaps
    }
    return next((stage for stage in wanted if stage.name in ready), None)


def finish(conn: Connection, stage: RetoldStage) -> None:
    """Have a stage finish, and note it."""
    if stage.retelling.finish is not None:
        stage.retelling.finish(conn)
    row = {"bucket": _ALL, "part": stage.name, "version": stage.version, "target": 0, "upto": 0}
    insert_ignore(conn, folded, [row], key=("bucket", "part", "version", "target"))
