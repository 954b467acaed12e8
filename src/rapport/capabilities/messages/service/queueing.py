"""To queue a message: kept with its key, put into the outbox, or held at once with the reason."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from rapport.act import outbox
from rapport.capabilities.consent import gate
from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import HELD
from rapport.capabilities.messages.model import EMAIL
from rapport.capabilities.messages.people import recipients
from rapport.capabilities.messages.service.outcomes import About, state
from rapport.capabilities.messages.service.templates import find_template
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.clock import HOUR
from rapport.kernel.errors import Conflict, InvalidInput, NotFound, TooLarge
from rapport.kernel.gate import marketing_by
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.kernel.work import Message

__all__ = ["MessageShown", "MessageWanted", "queue", "shown", "try_again"]

LARGEST_DATA = 50_000
"""Bytes of the values for a template."""


class MessageWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message somebody wants sent."""

    template: Annotated[str, Meta(max_length=60)]
    customer: Annotated[str, Meta(max_length=300)]
    """A customer id or `namespace:value`; of an e-mail address, that address is written to."""
    channel: Literal["email"] = "email"
    purpose: Literal["transactional", "marketing"]
    idempotency_key: Annotated[str, Meta(min_length=1, max_length=200)]
    """Sent twice under one key, it is one message."""
    data: dict[str, Any] = {}
    unless_ordered_since: int | None = None
    """Not to be sent if they have ordered since; microseconds since 1970."""
    latest_at: int | None = None
    """Held, not sent, after this; microseconds since 1970. Without it, as the template says."""


class MessageShown(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message so far. Times in microseconds since 1970."""

    id: str
    status: str
    """`queued`, `sent`, `held` (with the reason) or `failed`."""
    reason: str
    template: str
    channel: str
    purpose: str
    created_at: int
    finished_at: int | None
    delivered_at: int | None
    bounced_at: int | None
    opened_at: int | None
    clicked_at: int | None


def shown(row: MessageRow) -> MessageShown:
    """A message as it is shown."""
    return MessageShown(**{name: getattr(row, name) for name in MessageShown.__struct_fields__})


def queue(
    conn: Connection, workspace: WorkspaceId, key: Key, wanted: MessageWanted, *, now: int, due_at: int = 0,
    held: str = "",
) -> MessageRow:  # fmt: skip
    """Keep a message for the person with this key, and put it into the outbox. In the caller's transaction.

    `due_at`: not before then; `held`: why it is only noted, not sent.

    Under a known idempotency key the message there is comes back. Raises NotFound for an unknown template, Conflict
    where the key stands for another message, InvalidInput where a template of news and offers is to go as if it were
    about an order.
    """
    published = find_template(conn, workspace, wanted.template)
    if published.template.purpose == "marketing" and wanted.purpose != "marketing":
        raise InvalidInput(
            f"the template {wanted.template!r} is marketing, whatever this message calls itself",
            hint='"purpose": "marketing"',
        )
    data = msgspec.json.encode(wanted.data)
    if len(data) > LARGEST_DATA:
        raise TooLarge(f"the data has {len(data):,} bytes; at most {LARGEST_DATA:,}", hint="send what the text needs")
    person = recipients(conn, workspace, [key])[key]
    row = MessageRow(
        workspace=workspace, id=new_id("msg"), idempotency_key=wanted.idempotency_key, strand=key,
        template=wanted.template, channel=wanted.channel, purpose=wanted.purpose, data=data,
        unless_ordered_since=wanted.unless_ordered_since, status=store.QUEUED, reason="",
        domain=person.email.rpartition("@")[2][:200] or "nowhere", created_at=now,
        latest_at=wanted.latest_at or now + published.template.latest_hours * HOUR,
    )  # fmt: skip
    if against := held or _against(conn, row, has_address=bool(person.email), now=now):
        row = row._replace(status=store.HELD, reason=against, finished_at=now)
    if not store.insert(conn, [row]):
        return _known(conn, row)
    if row.status == store.HELD:
        state(conn, workspace, [About(row, HELD, row.reason, "held", now)], now=now)
    else:
        outbox.write(conn, [msgspec.structs.replace(_entry(row), due_at=due_at)], now=now)
    return row


def try_again(conn: Connection, workspace: WorkspaceId, message_id: str, *, now: int, latest_at: int) -> MessageRow:
    """Queue a message again that was held or failed; all is asked anew. Raises NotFound, and Conflict otherwise."""
    row = store.by_ids(conn, workspace, [message_id]).get(message_id)
    if row is None:
        raise NotFound(f"no message {message_id[:60]!r}", hint="ids look like msg_…")
    m = store.messages.c
    waiting = (m.workspace == workspace, m.id == row.id, m.status.in_([store.HELD, store.FAILED]))
    update = store.messages.update().where(*waiting)
    values = {"status": store.QUEUED, "reason": "", "finished_at": None, "latest_at": max(latest_at, row.latest_at)}
    if not conn.execute(update.values(values)).rowcount:
        raise Conflict(f"message {row.id!r} is {row.status}", hint="only what was held or failed is tried again")
    entry = _entry(row)
    again = msgspec.structs.replace(entry, idempotency_key=f"{entry.idempotency_key}:{now}")
    outbox.write(conn, [again], now=now)
    return store.by_ids(conn, workspace, [row.id])[row.id]


def _against(conn: Connection, row: MessageRow, *, has_address: bool, now: int) -> str:
    """What is certain already; all else is asked when it would go."""
    if not has_address:
        return "no e-mail address is known"
    if row.purpose == "marketing":
        permit = gate(conn, row.workspace, [row.strand], marketing_by(row.channel), now)[row.strand]
        return "" if permit.may else f"not sent: {permit.reason}"
    return ""


def _entry(row: MessageRow) -> Message:
    return Message(
        workspace=row.workspace, channel=EMAIL, destination=row.domain, idempotency_key=f"message:{row.id}",
        payload=msgspec.json.encode({"id": row.id}), strand=row.strand,
        purpose="marketing" if row.purpose == "marketing" else "transactional",
    )  # fmt: skip


def _known(conn: Connection, row: MessageRow) -> MessageRow:
    """The message that has this key already. Raises Conflict where it is another."""
    known = store.by_keys(conn, row.workspace, [row.idempotency_key])[row.idempotency_key]
    if (known.template, known.strand, known.purpose) != (row.template, row.strand, row.purpose):
        raise Conflict(
            f"the idempotency key {row.idempotency_key[:60]!r} stands for another message",
            hint=f"that one is {known.id}; use one key for one message",
        )
    return known
