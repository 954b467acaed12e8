"""What Home warns of in the installation itself: no worker, facts whose handling failed, jobs that fail."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import job_reports
from rapport.app import failed_facts
from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.storage import leases
from rapport.web.alarms import Alarm, Watch
from rapport.web.formats import count

__all__ = ["WATCHES"]

_MISSED = 2 * MINUTE
_JOB_FAILED_OFTEN = 3


def _worker(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    seen_at = conn.execute(sa.select(sa.func.max(leases.workers.c.seen_at))).scalar()
    if seen_at is not None and seen_at > now - _MISSED:
        return ()
    what = "No worker runs: what comes in is kept, and nothing here changes"
    to_do = "Start the server again, or a worker beside it with “rapport worker”."
    return (Alarm(what=what, to_do=to_do, path="/console/system"),)


def _failed(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    number = failed_facts.count(conn, workspace)
    if not number:
        return ()
    what = "One fact could not be handled" if number == 1 else f"{count(number)} facts could not be handled"
    to_do = "They count nowhere so far. After an update handle them again; what remains is a fault to report."
    return (Alarm(what=what, to_do=to_do, path="/console/failed-facts"),)


def _jobs(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    often = {name for name, times in job_reports.failing(conn).items() if times >= _JOB_FAILED_OFTEN}
    if not often:
        return ()
    titles = [state.title for state in job_reports.states(conn) if state.name in often]
    to_do = "The page System says why each failed; they are tried again and again."
    return (Alarm(what=f"Work that fails: {', '.join(titles[:3])}", to_do=to_do, path="/console/system", tone="amber"),)


WATCHES = (
    Watch(name="system.worker", permission="system:read", read=_worker),
    Watch(name="system.failed", permission="system:read", read=_failed),
    Watch(name="system.jobs", permission="system:read", read=_jobs),
)
