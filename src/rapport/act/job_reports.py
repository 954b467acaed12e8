"""How every job does, kept in a small table: written by the workers now and then, read by people, who may ask for one,
or have a long one pause.

A job that each worker does for its own buckets has a row for each of them; an exclusive one has one, without a worker.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.store import jobs, paused_jobs
from rapport.kernel.errors import Conflict, NotFound
from rapport.storage import leases
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.prepared import Prepared

__all__ = [
    "NOBODY", "Enrolled", "JobState", "Report", "ask", "asked", "enrol", "failing", "is_asked", "pause", "paused",
    "resume", "states", "write",
]  # fmt: skip

NOBODY = ""
"""The worker of an exclusive job's row: whoever leads."""

_j, _r = jobs.c, paused_jobs.c
_PAUSED = Prepared(sa.select(_r.name))
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
    ahead: int | None = None
    """Things that lie ahead; None where it does not tell."""
    ends_at: int | None = None
    """When they will be done at the pace so far."""


class Enrolled(NamedTuple):
    """A job as a worker brings it."""

    name: str
    title: str
    worker: str
    may_pause: bool


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
    may_pause: bool = False
    """Whether people may pause it."""
    paused_since: int | None = None
    paused_by: str = ""
    ahead: int | None = None
    """Things that lie ahead, of the worker that has most; None where it does not tell."""
    ends_at: int | None = None
    """When they will be done at the pace so far; None while it is paused and where that is not known."""


def enrol(conn: Connection, named: Iterable[Enrolled]) -> None:
    """Make the rows of these jobs, and drop those of workers and jobs that are gone."""
    rows = [
        {
            **one._asdict(), "last_at": None, "took_us": 0, "done": 0, "failures": 0, "last_error": "", "next_at": 0,
            "asked_at": None, "ahead": None, "ends_at": None,
        }
        for one in sorted(named)
    ]  # fmt: skip
    upsert(conn, jobs, rows, key=("name", "worker"), update=("may_pause",))
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


def pause(conn: Connection, name: str, *, by: str, now: int) -> None:
    """Have a job do nothing more until it is resumed; the turn under way ends. Raises NotFound, and Conflict where it
    must not be paused.
    """
    if _may_pause(conn, name) is False:
        raise Conflict(f"the job {name} cannot be paused", hint="somebody waits for it, or is owed what it does")
    insert_ignore(conn, paused_jobs, [{"name": name, "since": now, "by": by}], key=("name",))


def resume(conn: Connection, name: str) -> None:
    """Let a job go on where it was. Raises NotFound."""
    _may_pause(conn, name)
    conn.execute(paused_jobs.delete().where(_r.name == name))


def _may_pause(conn: Connection, name: str) -> bool:
    known = name.isprintable()
    found = conn.execute(sa.select(_j.may_pause).where(_j.name == name).limit(1)).scalar() if known else None
    if found is None:
        raise NotFound(f"no job {name!r}", hint="`rapport jobs list` names them, once a worker has run")
    return bool(found)


def paused(conn: Connection) -> set[str]:
    """The jobs that are paused."""
    return {row[0] for row in _PAUSED.rows(conn)}


def failing(conn: Connection) -> dict[str, int]:
    """The jobs whose last turn failed, and how often in a row."""
    query = sa.select(_j.name, sa.func.max(_j.failures)).where(_j.failures > 0).group_by(_j.name).order_by(_j.name)
    return dict(row._tuple() for row in conn.execute(query))


def states(conn: Connection) -> list[JobState]:
    """Every job that a worker has enrolled, by title."""
    by_name: dict[str, list[sa.Row[Any]]] = {}
    query = sa.select(jobs, _r.since, _r.by).select_from(jobs.outerjoin(paused_jobs, _r.name == _j.name))
    for row in conn.execute(query.order_by(_j.title, _j.name, _j.worker)):
        by_name.setdefault(row.name, []).append(row)
    return [_state(rows) for rows in by_name.values()]


def _state(rows: list[sa.Row[Any]]) -> JobState:
    latest = max(rows, key=lambda row: row.last_at or 0)
    worst = max(rows, key=lambda row: row.failures)
    ahead = [row.ahead for row in rows if row.ahead is not None]
    ends = [row.ends_at for row in rows if row.ahead]
    return JobState(
        name=latest.name, title=latest.title, last_at=latest.last_at, took_us=latest.took_us,
        done=sum(row.done for row in rows), failures=worst.failures, last_error=worst.last_error,
        next_at=worst.next_at if worst.failures else min(row.next_at for row in rows),
        asked=any(row.asked_at is not None for row in rows), may_pause=latest.may_pause, paused_since=latest.since,
        paused_by=latest.by or "", ahead=max(ahead) if ahead else None,
        ends_at=max(ends) if latest.since is None and ends and None not in ends else None,
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
        ahead=_new("ahead"),
        ends_at=_new("ends_at"),
    )
)
