"""What Home warns of: mail servers that refuse what the shop sends, whoever it is for."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import OWN_TROUBLE
from rapport.capabilities.messages.service.servers import own_server
from rapport.kernel.clock import DAY
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]

_COUNTED = 1_000


def _refused(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """One alarm for what was refused within a day, of messages of a week."""
    m = store.messages.c
    some = (
        sa.select(m.reason).where(
            m.workspace == workspace, m.status == store.FAILED, m.created_at >= now - 7 * DAY,
            m.finished_at >= now - DAY, m.reason.startswith(OWN_TROUBLE, autoescape=True),
        )
        .order_by(m.created_at.desc()).limit(_COUNTED)
    )  # fmt: skip
    reasons = list(conn.execute(some).scalars())
    if not reasons:
        return ()
    number = f"at least {_COUNTED:,}" if len(reasons) == _COUNTED else f"{len(reasons):,}"
    return (
        Alarm(
            what=f"{number} messages of the last 24 hours were refused for how they are sent:"
            f" {reasons[0].removeprefix(OWN_TROUBLE).strip(': ')}",
            to_do="Look at the server's user, at SPF, DKIM and DMARC, and at block lists; then try them again.",
            path="/console/messages?status=failed",
        ),
    )  # fmt: skip


def _locked(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """The alarm that the shop's mail server is known and cannot be used, since what opens its password is not there."""
    try:
        own_server(conn, workspace)
    except Misconfigured:
        return (
            Alarm(
                what="No mail is sent: the password of the shop's mail server cannot be opened",
                to_do="Put the key with which it was kept back into RAPPORT_SECRET_KEY, or type the server in again.",
                path="/console/messages/server",
            ),
        )
    return ()


WATCHES = (
    Watch(name="messages.refused", permission="messages:read", read=_refused),
    Watch(name="messages.server", permission="mail:write", read=_locked),
)
