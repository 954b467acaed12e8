"""Mails that somebody asked for about their privacy: to confirm a yes, and a fresh link to what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.capabilities.consent import confirmation_path, preferences_path
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.queueing import MessageWanted, queue
from rapport.kernel.clock import DAY, HOUR
from rapport.kernel.identifiers import key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import BatchStage, Seen, Work
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.store import roots_of
from rapport.resolve.reading.references import normalised

__all__ = ["confirming", "send_link"]

_ASKED = "Consent To Be Confirmed"


def confirming() -> BatchStage[Seen]:
    """Sends the mail by which a yes is confirmed, for each once; for one worker process."""
    return BatchStage((_ASKED,), read=lambda seen: seen, write=_ask)


def _ask(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    for seen in notes:
        if now - seen.fact.occurred_at > DAY:
            continue
        path = confirmation_path(
            conn, seen.workspace, seen.strand, str(seen.fact.properties.get("purpose", "")), now=now
        )
        if path and recipients(conn, seen.workspace, [seen.strand])[seen.strand].email:
            _queue(
                conn, seen.workspace, seen.strand, "confirm", f"confirm:{seen.fact.id}", path, now=now, until=now + DAY
            )


def send_link(conn: Connection, workspace: WorkspaceId, address: str, *, now: int) -> None:
    """Send a fresh link to this e-mail address, once in an hour, if anybody is known by it. Nothing says whether."""
    found = normalised("email", address, region=settings_of(conn, workspace).region)
    if found is None:
        return
    key = key_of(workspace, found)
    if key not in roots_of(conn, workspace, [key]):
        return
    path = preferences_path(conn, workspace, key, now=now)
    _queue(conn, workspace, key, "your_data", f"link:{key.hex()}:{now // HOUR}", path, now=now, until=now + HOUR)


def _queue(
    conn: Connection, workspace: WorkspaceId, key: Key, template: str, once: str, path: str, *, now: int, until: int
) -> None:
    wanted = MessageWanted(
        template=template, customer="", channel="email", purpose="transactional", idempotency_key=once[:200],
        data={"path": path}, latest_at=until, fallback=(),
    )  # fmt: skip
    queue(conn, workspace, key, wanted, now=now)
