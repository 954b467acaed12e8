"""Entries of the audit trail are sealed soon after they are written."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.storage.audit.sealing import seal, unsealed

__all__ = ["SEALING"]


def _due(conn: Connection, turn: Turn) -> bool:
    return bool(unsealed(conn))


def _run(turn: Turn) -> int:
    done = 0
    with turn.write() as conn:
        for shop in unsealed(conn):
            if done < turn.at_most:
                done += seal(conn, shop, at_most=turn.at_most - done)
    return done


SEALING = Job(
    name="audit.sealing",
    title="Entries of the audit trail get their place in its tree",
    due=_due,
    run=_run,
    at_most=1_000,
    pause_seconds=5.0,
)
