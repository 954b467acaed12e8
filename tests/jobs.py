"""One turn of a job for a test, on a worker that holds every bucket."""

from __future__ import annotations

from typing import Any

from rapport.act.jobs import Job, Moment, Turn
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.kernel.identifiers import BUCKETS
from rapport.storage.engine import Database
from rapport.storage.leases import Leases

__all__ = ["turns"]


def turns(
    db: Database, job: Job, *, now: int, at_most: int = 1_000, vocabulary: Vocabulary = SPECIFICATION
) -> list[int]:
    """Do turns at this time until nothing is due, at most so many things in each; returns how many each did."""
    Leases(db, "tests").maintain()
    moment = Moment(owner="tests", buckets=tuple(range(BUCKETS)), vocabulary=vocabulary)
    memory: dict[object, Any] = {}
    done: list[int] = []
    while len(done) < 1_000:
        turn = Turn(db, job, moment, now=now, kept=memory)
        turn.at_most = at_most
        with db.read() as conn:
            if not job.due(conn, turn):
                return done
        did = job.run(turn)
        assert isinstance(did, int), f"{job.name} did {did!r}, whatever its type says"
        done.append(did)
    raise AssertionError(f"{job.name} never ends")
