"""A message that waits is held by hand: whoever notices a mistake stops it before it is handed over."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.act.outbox import HELD_BACK
from rapport.act.store import outbox, unclaimed
from rapport.capabilities.messages import store
from rapport.capabilities.messages.facts import HELD
from rapport.capabilities.messages.reasons import BY_HAND
from rapport.capabilities.messages.service.stating import About, state
from rapport.capabilities.messages.store import MessageRow
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import WorkspaceId

__all__ = ["hold"]


def hold(conn: Connection, workspace: WorkspaceId, message_id: str, *, now: int) -> MessageRow:
    """Hold a message that waits; it can be tried again. Raises NotFound, and Conflict where it is under way or over."""
    row = store.by_ids(conn, workspace, [message_id]).get(message_id)
    if row is None:
        raise NotFound(f"no message {message_id[:60]!r}", hint="ids look like msg_…")
    o, m, key = outbox.c, store.messages.c, f"message:{row.id}"
    waits = (
        o.workspace == workspace, o.idempotency_key >= key, o.idempotency_key < f"{key};", o.status == "pending",
        unclaimed(now),
    )  # fmt: skip
    values = {"status": HELD_BACK, "finished_at": now, "leased_until": 0, "last_error": BY_HAND}
    if not conn.execute(outbox.update().where(*waits).values(values)).rowcount:
        if row.status != store.QUEUED:
            raise Conflict(f"message {row.id!r} is {row.status}", hint="only what waits is held")
        raise Conflict(f"message {row.id!r} is being handed over", hint="only what waits is held")
    held = {"status": store.HELD, "reason": BY_HAND, "finished_at": now}
    conn.execute(store.messages.update().where(m.workspace == workspace, m.id == row.id).values(held))
    state(conn, workspace, [About(row, HELD, BY_HAND, f"held-{now}", now)], now=now)
    return store.by_ids(conn, workspace, [row.id])[row.id]
