"""What became of messages: the latest to a destination, one of them, and one sent once more by hand."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store
from rapport.act.outbox import EXPIRY
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId

__all__ = ["Delivery", "find", "latest", "send_again"]


class Delivery(NamedTuple):
    """What became of a message so far."""

    id: str
    destination: str
    status: str
    attempts: int
    created_at: int
    due_at: int
    finished_at: int | None
    last_error: str
    payload: bytes

    @property
    def event(self) -> str:
        """What the message tells of, where its channel's messages say so: the type of a webhook's."""
        try:
            return _decode_type(self.payload).type[:200]
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""


class _Typed(msgspec.Struct):
    type: str = ""


_decode_type = msgspec.json.Decoder(_Typed).decode


def latest(
    conn: Connection, workspace: WorkspaceId, *, channel: str, destination: str, limit: int = 50
) -> list[Delivery]:
    """The latest messages to a destination, newest first."""
    o = store.outbox.c
    query = (
        sa.select(*(o[name] for name in Delivery._fields))
        .where(o.workspace == workspace, o.channel == channel, o.destination == destination)
        .order_by(o.created_at.desc(), o.id.desc())
        .limit(limit)
    )
    return [Delivery._make(row) for row in conn.execute(query)]


def find(conn: Connection, workspace: WorkspaceId, message_id: str, *, channel: str, destination: str) -> Delivery:
    """One message. Raises NotFound."""
    o = store.outbox.c
    of_id = (o.workspace == workspace, o.id == message_id, o.channel == channel, o.destination == destination)
    query = sa.select(*(o[name] for name in Delivery._fields)).where(*of_id)
    row = conn.execute(query).first() if message_id.isprintable() else None
    if row is None:
        raise NotFound(f"no message {message_id[:60]!r} to {destination!r}")
    return Delivery._make(row)


def send_again(
    conn: Connection, workspace: WorkspaceId, message_id: str, *, channel: str, destination: str, now: int
) -> None:
    """Send a finished message once more, under its old id. Raises NotFound, and Conflict where it is still pending."""
    o = store.outbox.c
    of_id = (o.workspace == workspace, o.id == message_id, o.channel == channel, o.destination == destination)
    status = conn.execute(sa.select(o.status).where(*of_id)).scalar() if message_id.isprintable() else None
    if status is None:
        raise NotFound(f"no message {message_id!r} to {destination!r}")
    if status == "pending":
        raise Conflict(f"message {message_id!r} is still to be delivered", hint="it is tried again by itself")
    values = {
        "status": "pending", "due_at": now, "expires_at": now + EXPIRY, "attempts": 0, "leased_until": 0,
        "finished_at": None,
    }  # fmt: skip
    conn.execute(store.outbox.update().where(*of_id).values(values))
