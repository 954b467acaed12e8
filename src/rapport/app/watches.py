"""What Home warns of in the installation itself: no worker, no backups, facts whose handling failed, jobs that
fail, keys that end.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.act import job_reports
from rapport.app import failed_facts
from rapport.app.backup_schedule import overdue
from rapport.app.conditions import conditions
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.web import api_keys
from rapport.web.alarms import Alarm, Watch
from rapport.web.formats import count, duration

__all__ = ["WATCHES"]

_JOB_FAILED_OFTEN = 3
_SOON = 7 * DAY


def _installation(db: Database) -> Sequence[Alarm]:
    with db.look() as conn:
        found = conditions(db, conn)
    return [
        Alarm(
            what=one.what, to_do=one.to_do, path=_PATHS.get(one.name, "/console/system"), name=one.name,
            tone="amber" if one.name in _WAITING else "red",
        )
        for one in found
    ]  # fmt: skip


_PATHS = {"webhooks_failing": "/console/webhooks"}
_WAITING = {"webhooks_failing", "disk_nearly_full"}


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


def _keys(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    soon = [
        key for key in api_keys.of_workspace(conn, workspace)
        if key.expires_at is not None and now < key.expires_at < now + _SOON
    ]  # fmt: skip
    return [
        Alarm(
            what=f"The API key “{key.name}” ends in {duration(key.expires_at - now)}",
            to_do="Give it more time there, or its program another key before.", path=f"/console/keys/{key.id}",
            tone="amber",
        )
        for key in soon[:5]
        if key.expires_at is not None
    ]  # fmt: skip


WATCHES = (
    Watch(name="system.keys", permission="keys:write", read=_keys),
    Watch(name="system.installation", permission="system:read", whole=_installation),
    Watch(name="system.backups", permission="system:read", whole=overdue),
    Watch(name="system.failed", permission="system:read", read=_failed),
    Watch(name="system.jobs", permission="system:read", read=_jobs),
)
