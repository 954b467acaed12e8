"""Entries of the audit trail are sealed soon after they are written."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.errors import Conflict
from rapport.storage.audit.sealing import seal, unsealed
from rapport.storage.audit.verifying import verify
from rapport.storage.workspaces import all_workspaces

__all__ = ["SEALING", "VERIFYING"]


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


class _Looked:
    """When a worker last looked, and at which shops it has yet to look."""

    def __init__(self) -> None:
        self.at = 0


def _is_a_day_ago(conn: Connection, turn: Turn) -> bool:
    return turn.now - turn.kept(_Looked).at >= DAY


def _verify(turn: Turn) -> int:
    """Read every trail once a day; a fault fails the job, which is an alarm until a day is without one."""
    faults = list[str]()
    with turn.db.read() as conn:
        shops = all_workspaces(conn)
    for shop in shops:
        with turn.db.read() as conn:  # for each its own: a long one keeps PostgreSQL from tidying
            faults += [f"{shop.slug}: {one}" for one in verify(conn, shop.id).faults]
    if faults:
        raise Conflict(
            f"the audit trail is not what it was: {'; '.join(faults[:3])}", hint="`rapport audit verify` lists all"
        )
    turn.kept(_Looked).at = turn.now
    return len(shops)


VERIFYING = Job(
    name="audit.verifying",
    title="The audit trail is held against its tree",
    due=_is_a_day_ago,
    run=_verify,
    at_most=1,
    pause_seconds=600.0,
    after_failure_seconds=DAY / SECOND,
)
