"""How every job does, kept in a small table: written by the workers now and then, read by people, who may ask for one.

A job that each worker does for its own buckets has a row for each of them; an exclusive one has one, without a worker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import jobs
from rapport.kernel.errors import NotFound
from rapport.storage import leases
from rapport.storage.bulk import insert_ignore
from rapport.storage.prepared import Prepared

__all__ = ["NOBODY", "JobState", "Report", "ask", "asked", "enrol", "failing", "is_asked", "states", "write"]

NOBODY = ""
"""The worker of an exclusive job's row: whoever leads."""

_j = jobs.c
_ASKED = Prepared(
    sa.select(_j.name, _j.asked_at).where(
        _j.asked_at.is_not(None), _j.worker.in_(sa.bindparam("workers", expanding=True))
    )
)


class Report(NamedTuple):
    """What a worker has to tell of a job since it told last."""

    name: str
    worker: str
    last_at: int | None
    """When its last turn was; None where it had none since it told last."""
    took_us: int | None
    done: int
    """Things done since it told last."""
    failures: int
    """Failures in a row."""
    last_error: str
    """The error's name, without what it says: that may quote a customer."""
    next_at: int
    """When it is looked at again."""
    answers: int
    """Requests up to this time are honoured."""


class JobState(msgspec.Struct, frozen=True, kw_only=True):
    """How a job does, over all workers that do it."""

    name: str
    title: str
    last_at: int | None
    took_us: int
    done: int
    failures: int
    last_error: str
    next_at: int
    asked: bool


def enrol(conn: Connection, named: Iterable[tuple[str, str, str]]) -> None:
    """Make the rows of these jobs, given as (name, title, worker), and drop those of workers and jobs that are gone."""
    rows = [
        {
            "name": name, "worker": worker, "title": title, "last_at": None, "took_us": 0, "done": 0, "failures": 0,
            "last_error": "", "next_at": 0, "asked_at": None,
        }
        for name, title, worker in sorted(named)
    ]  # fmt: skip
    insert_ignore(conn, jobs, rows, key=("name", "worker"))
    unknown = _j.name.not_in([row["name"] for row in rows])
    gone = (_j.worker != NOBODY) & _j.worker.not_in(sa.select(leases.workers.c.id))
    conn.execute(jobs.delete().where(gone | (unknown & (_j.worker == NOBODY))))


def write(conn: Connection, reports: Iterable[Report]) -> None:
    """Take down what was done; what was asked for before is then answered."""
    rows = [{f"new_{name}": value for name, value in report._asdict().items()} for report in sorted(reports)]
    if rows:
        conn.execute(_WRITE, rows)


def ask(conn: Connection, name: str, *, now: int) -> None:
    """Have every worker that does this job do a turn of it at once. Raises NotFound."""
    known = name.isprintable()  # PostgreSQL refuses to look for a text with a NUL byte
    if not known or not conn.execute(jobs.update().where(_j.name == name).values(asked_at=now)).rowcount:
        raise NotFound(f"no job {name!r}", hint="`rapport jobs list` names them, once a worker has run")


def asked(conn: Connection, workers: Collection[str]) -> dict[str, int]:
    """Jobs of which these workers are to do a turn at once, and when that was asked for."""
    return dict(_ASKED.rows(conn, workers=list(workers)) if workers else ())


def is_asked(conn: Connection, name: str, *, workers: Collection[str]) -> bool:
    """Whether one of these workers still has to honour a request for this job."""
    return name in asked(conn, workers)


def failing(conn: Connection) -> dict[str, int]:
    """The jobs whose last turn failed, and how often in a row."""
    query = sa.select(_j.name, sa.func.max(_j.failures)).where(_j.failures > 0).group_by(_j.name).order_by(_j.name)
    return dict(row._tuple() for row in conn.execute(query))


def states(conn: Connection) -> list[JobState]:
    """Every job that a worker has enrolled, by title."""
    by_name: dict[str, list[sa.Row[Any]]] = {}
    for row in conn.execute(sa.select(jobs).order_by(_j.title, _j.name, _j.worker)):
        by_name.setdefault(row.name, []).append(row)
    return [_state(rows) for rows in by_name.values()]


def _state(rows: list[sa.Row[Any]]) -> JobState:
    latest = max(rows, key=lambda row: row.last_at or 0)
    worst = max(rows, key=lambda row: row.failures)
    return JobState(
        name=latest.name, title=latest.title, last_at=latest.last_at, took_us=latest.took_us,
        done=sum(row.done for row in rows), failures=worst.failures, last_error=worst.last_error,
        next_at=worst.next_at if worst.failures else min(row.next_at for row in rows),
        asked=any(row.asked_at is not None for row in rows),
    )  # fmt: skip


def _new(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"new_{name}", type_=_j.asked_at.type if name == "answers" else _j[name].type)


_WRITE = (
    jobs.update()
    .where(_j.name == _new("name"), _j.worker == _new("worker"))
    .values(
        last_at=sa.func.coalesce(_new("last_at"), _j.last_at),
        took_us=sa.func.coalesce(_new("took_us"), _j.took_us),
        done=_j.done + _new("done"),
        failures=_new("failures"),
        last_error=_new("last_error"),
        next_at=_new("next_at"),
        asked_at=sa.case((_j.asked_at > _new("answers"), _j.asked_at), else_=sa.null()),
    )
)
