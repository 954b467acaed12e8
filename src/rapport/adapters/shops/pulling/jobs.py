"""The job that says whose lists are to be read now."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.adapters.shops.pulling import store
from rapport.adapters.shops.pulling.store import Due
from rapport.kernel.work import Message

__all__ = ["PULL", "PULLING"]

PULL = "shop_pull"
"""The channel that reads them."""


def _due(conn: Connection, turn: Turn) -> bool:
    return store.is_any_due(conn, turn.now)


def _run(turn: Turn) -> int:
    """Put a message for each whose time has come into the outbox, which fetches outside of any transaction."""
    with turn.write() as conn:
        some = store.due(conn, turn.now, most=turn.at_most)
        for one in some:
            turn.work.send(_message(one))
        if some:
            store.postpone(conn, some, now=turn.now)
    return len(some)


def _message(one: Due) -> Message:
    asked = {"source": one.source, "shop": one.shop, "at": one.next_at}
    return Message(
        workspace=one.workspace, channel=PULL, destination=f"{one.shop} {one.source}",
        idempotency_key=f"{PULL} {one.shop} {one.source} {one.next_at}", payload=msgspec.json.encode(asked),
        strand=None, purpose="operations",
    )  # fmt: skip


PULLING = Job(
    name="shops.pull", title="What shops' webhooks lost is fetched", due=_due, run=_run, at_most=100, pause_seconds=5.0
)
