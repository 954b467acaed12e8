"""Messages to customers: templates in their language, the questions asked before each, and what became of it.

The front door: `queue_transactional` sends somebody a message because of what they did, `keys_of` says which messages
lie in entries of the outbox. Both are imported when they are called: the worker's other parts need no templates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.act.channels import Outgoing
    from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["keys_of", "queue_transactional"]


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
