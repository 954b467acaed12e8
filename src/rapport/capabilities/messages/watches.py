"""What Home warns of: servers that refuse what the shop sends, whoever it is for, or take it and lose it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import OWN_TROUBLE, TITLES
from rapport.capabilities.messages.service.servers import own_server
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.errors import Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.web.alarms import Alarm, Watch

__all__ = ["WATCHES"]

_COUNTED = 1_000
_NEWEST = 20
"""So many messages, none of which arrived, are no chance where half of those before did."""


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


def _lost(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    """One for each channel whose provider tells what arrives, and tells it of none of the newest it took.

    Of the newest messages of a week, without those of the last hour: what arrives late is not lost.
    """
    m = store.messages.c
    query = (
        sa.select(m.channel, m.delivered_at, m.bounced_at)
        .where(
            m.workspace == workspace, m.status == store.SENT, m.created_at >= now - 7 * DAY, m.created_at < now - HOUR,
            m.finished_at < now - HOUR,
        )
        .order_by(m.created_at.desc(), m.id.desc()).limit(_COUNTED)
    )  # fmt: skip
    told: dict[str, list[bool]] = {}
    for row in conn.execute(query):
        told.setdefault(row.channel, []).append(row.delivered_at is not None or row.bounced_at is not None)
    return [
        Alarm(
            what=f"Of the last {_silent(known)} messages by {TITLES[channel]} nothing is known to have arrived",
            to_do="Look at the provider's own page: it takes messages and does not say what became of them.",
            path="/console/channels",
        )
        for channel, known in sorted(told.items())
        if channel in TITLES and _silent(known) >= _NEWEST
        and sum(known) * 2 >= len(known) - _silent(known) > _NEWEST
    ]  # fmt: skip


def _silent(known: Sequence[bool]) -> int:
    """Of how many of the newest nothing is known."""
    return next((number for number, one in enumerate(known) if one), len(known))


WATCHES = (
    Watch(name="messages.lost", permission="messages:read", read=_lost),
    Watch(name="messages.refused", permission="messages:read", read=_refused),
    Watch(name="messages.server", permission="mail:write", read=_locked),
)
