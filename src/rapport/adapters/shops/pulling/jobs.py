"""The job that says whose lists are to be read now."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.act.store import outbox
from rapport.adapters.shops.pulling import store
from rapport.adapters.shops.pulling.store import Due
from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message

__all__ = ["PULL", "PULLING", "hurry"]

PULL = "shop_pull"
"""The channel that reads them."""
AGAIN = MINUTE
"""So often it is looked whether a message still waits."""
_PENDING: sa.ColumnElement[str] = sa.literal_column("'pending'")
"""Literal, so that both engines can use the partial index."""


def _due(conn: Connection, turn: Turn) -> bool:
    return store.is_any_due(conn, turn.now)


def _run(turn: Turn) -> int:
    """Put a message for each whose time has come into the outbox, which fetches outside of any transaction.

    None while one waits there: it is tried again when the shop can be asked, and what is due is looked at again soon.
    """
    with turn.write() as conn:
        some = store.due(conn, turn.now, most=turn.at_most)
        if not some:
            return 0
        waiting = _waiting(conn, some)
        asked = [one for one in some if (one.workspace, _destination(one.source, one.shop)) not in waiting]
        for one in asked:
            turn.work.send(_message(one))
        store.postpone(conn, asked, now=turn.now)
        store.put_off(conn, [one for one in some if one not in asked], until=turn.now + AGAIN)
    return len(some)


def hurry(conn: Connection, workspace: WorkspaceId, source: str, shop: str, *, now: int) -> None:
    """Let what waits to be tried again be tried now: somebody has asked for it, or changed what it failed by."""
    o = outbox.c
    mine = (o.workspace == workspace, o.channel == PULL, o.destination == _destination(source, shop))
    conn.execute(sa.update(outbox).where(*mine, o.status == _PENDING, o.due_at > now).values(due_at=now))


def _waiting(conn: Connection, some: Sequence[Due]) -> set[tuple[WorkspaceId, str]]:
    """Those of which a message waits in the outbox, by workspace and destination."""
    o = outbox.c
    named = [(one.workspace, _destination(one.source, one.shop)) for one in some]
    query = sa.select(o.workspace, o.destination).where(o.status == _PENDING, o.channel == PULL)
    found = conn.execute(query.where(sa.tuple_(o.workspace, o.destination).in_(named)))
    return {(WorkspaceId(row[0]), row[1]) for row in found}


def _destination(source: str, shop: str) -> str:
    return f"{shop} {source}"


def _message(one: Due) -> Message:
    asked = {"source": one.source, "shop": one.shop, "at": one.next_at}
    return Message(
        workspace=one.workspace, channel=PULL, destination=_destination(one.source, one.shop),
        idempotency_key=f"{PULL} {one.shop} {one.source} {one.next_at}", payload=msgspec.json.encode(asked),
        strand=None, purpose="operations",
    )  # fmt: skip


PULLING = Job(
    name="shops.pull", title="What shops' webhooks lost is fetched", due=_due, run=_run, at_most=100, pause_seconds=5.0
)
