"""Messages to customers: templates in their language, the questions asked before each, and what became of it.

The front door: `queue_transactional` sends somebody a message because of what they did, `keys_of` says which messages
lie in entries of the outbox; `queue_all` sends many at once, `recipients` says whom, `template_purposes` by which
template. All are imported when they are called: the worker's other parts need no templates.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rapport.act.channels import Outgoing
    from rapport.capabilities.messages.model import Recipient
    from rapport.capabilities.messages.store import MessageRow
    from rapport.kernel.errors import RapportError
    from rapport.kernel.ids import Key, WorkspaceId

CHANNELS = ("email", "sms", "whatsapp", "push")
"""What carries messages to customers."""

Reaching: TypeAlias = "Callable[[Recipient], str]"

__all__ = [
    "CHANNELS",
    "complaints",
    "goes_instead",
    "keys_of",
    "message_states",
    "queue_all",
    "queue_transactional",
    "reaching",
    "recipients",
    "template_purposes",
]


def queue_transactional(
    conn: Any, workspace: WorkspaceId, strand: Key, *, template: str, key: str, data: Mapping[str, Any], now: int,
    latest_at: int | None = None,
) -> str:  # fmt: skip
    """Queue a message about something this person did, once for each `key`; answers its id.

    Raises NotFound without that template, InvalidInput where it is for news and offers.
    """
    from rapport.capabilities.messages.service.queueing import MessageWanted, queue

    wanted = MessageWanted(
        template=template, customer="", purpose="transactional", idempotency_key=key, data=dict(data),
        latest_at=latest_at,
    )  # fmt: skip
    return queue(conn, workspace, strand, wanted, now=now).id


def keys_of(conn: Any, outgoing: Sequence[Outgoing]) -> dict[str, str]:
    """By entry of the outbox: the key under which its message was queued; entries of others are missing."""
    from rapport.capabilities.messages import store
    from rapport.capabilities.messages.service.gates import message_id_of

    named = {one.id: (one.workspace, message_id_of(one)) for one in outgoing}
    found: dict[tuple[WorkspaceId, str], str] = {}
    for workspace in {where for where, _ in named.values()}:
        ids = [message for where, message in named.values() if where == workspace and message]
        found |= {(workspace, row.id): row.idempotency_key for row in store.by_ids(conn, workspace, ids).values()}
    return {entry: found[named[entry]] for entry in named if named[entry] in found}


def queue_all(
    conn: Any, workspace: WorkspaceId, wanted: Sequence[tuple[Key, Mapping[str, Any]]], *, now: int
) -> list[MessageRow | RapportError]:
    """Queue many messages at once; each is the key of a person and the fields of `queueing.MessageWanted`.

    What is against one of them comes back in its place.
    """
    from rapport.capabilities.messages.service.queueing import Asked, MessageWanted
    from rapport.capabilities.messages.service.queueing import queue_all as queue

    return queue(conn, workspace, [Asked(key, MessageWanted(**fields)) for key, fields in wanted], now=now)


def complaints(workspace: WorkspaceId) -> Any:
    """A query for each address whose owner called a message spam: its key as `strand`, and `at`."""
    import sqlalchemy as sa

    from rapport.capabilities.messages.store import suppressions

    s = suppressions.c
    return sa.select(s.key.label("strand"), s.at).where(s.workspace == workspace, s.reason == "complained")


def goes_instead(conn: Any, workspace: WorkspaceId, rows: Sequence[MessageRow]) -> set[str]:
    """The ids of those of these messages that could not go and go by another channel instead."""
    from rapport.capabilities.messages.service.queueing import goes_instead as going

    return going(conn, workspace, rows)


def reaching(conn: Any, workspace: WorkspaceId, channel: str, fallback: Sequence[str] | None) -> Reaching:
    """Says of a person by which channel a message would reach them; empty where none does."""
    from rapport.capabilities.messages.service.ways import Ways

    return Ways.load(conn, workspace).reaching(channel, fallback)


def recipients(conn: Any, workspace: WorkspaceId, keys: Collection[Key]) -> dict[Key, Recipient]:
    """The person behind each key: address, name, language, clock, last order."""
    from rapport.capabilities.messages.people import recipients as found

    return found(conn, workspace, keys)


def template_purposes(conn: Any, workspace: WorkspaceId) -> dict[str, str]:
    """What each template in force is for, by name."""
    from rapport.capabilities.messages.service.templates import all_templates

    return {one.name: one.template.purpose for one in all_templates(conn, workspace)}


def message_states(conn: Any, workspace: WorkspaceId, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Status and reason of messages, by id."""
    from rapport.capabilities.messages.store import by_ids

    return {one: (row.status, row.reason) for one, row in by_ids(conn, workspace, ids).items()}
