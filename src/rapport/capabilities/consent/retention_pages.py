"""The console's page of how long customers are kept, and what Home says of those who are kept for too long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from litestar import Request, Response, get
from sqlalchemy import Connection

from rapport.capabilities.consent.collecting import uncollected_since
from rapport.capabilities.consent.retention import overdue
from rapport.capabilities.consent.service import policies_of
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS
from rapport.compose.installed import Installed
from rapport.compose.person import kept_under
from rapport.compose.requests import RETENTION, privacy_requests
from rapport.kernel.clock import DAY, now_us
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.principal import Principal
from rapport.storage import settings
from rapport.storage.engine import Database
from rapport.web.alarms import Alarm, Watch
from rapport.web.console import ConsolePages, render

__all__ = ["RETENTION_PAGES", "WATCHES"]

AnyRequest = Request[Any, Any, Any]

_LOOKED_AT = 200
_SHOWN_DAYS = 30

_r = privacy_requests.c


@get("/privacy/kept", permission="consent:read", sync_to_thread=True)
def kept_page(request: AnyRequest, db: Database, principal: Principal, slices: Installed) -> Response[str]:
    """How long each purpose keeps somebody, who is kept for longer, and who was erased for it."""
    now = now_us()
    with db.read() as conn:
        policies = policies_of(conn, principal.workspace).policies
        wanted = settings.load(conn, principal.workspace, PRIVACY_SETTINGS).value.retention
        late = overdue(conn, principal.workspace, now=now)
        visits = uncollected_since(conn, principal.workspace, since=now - _SHOWN_DAYS * DAY)
        days = _erased_by_day(conn, principal.workspace, since=now - _SHOWN_DAYS * DAY)
        books = kept_under(conn, slices, principal.workspace)
    first = sorted(policies.policies, key=lambda one: (one.name != policies.default, one.title))
    return render(
        request,
        "consent/kept.html",
        policies=first,
        default=policies.default,
        wanted=wanted,
        late=late,
        days=days,
        visits=visits,
        books=books,
    )


def _erased_by_day(conn: Connection, workspace: WorkspaceId, *, since: int) -> list[tuple[int, int]]:
    """The start of each day (UTC) with how many were erased in it, the newest first."""
    day = _r.asked_at / DAY if conn.dialect.name == "sqlite" else sa.func.div(_r.asked_at, DAY)
    query = sa.select(sa.cast(day, sa.BigInteger), sa.func.count()).where(
        _r.workspace == workspace, _r.kind == RETENTION, _r.asked_at >= since
    )
    found = conn.execute(query.group_by(sa.text("1")).order_by(sa.text("1 DESC")))
    return [(int(number) * DAY, count) for number, count in found]


def _kept_too_long(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """Said where the shop wants nobody kept for too long and somebody is, by a week: the job does not get on."""
    if not settings.load(conn, workspace, PRIVACY_SETTINGS).value.retention:
        return ()
    late = overdue(conn, workspace, now=now - 7 * DAY, most=_LOOKED_AT)
    if not late.people:
        return ()
    return (
        Alarm(
            what=f"{late.people:,} customers are kept for longer than your privacy policies say.",
            to_do="Look at the job that erases them on System.", path="/console/privacy/kept",
        ),
    )  # fmt: skip


WATCHES = (Watch(name="consent.retention", permission="consent:read", read=_kept_too_long),)

RETENTION_PAGES = ConsolePages(room="consent", handlers=(kept_page,))
