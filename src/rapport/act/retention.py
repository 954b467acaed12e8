"""How long the outbox keeps what is finished, and a webhook the secret before its last one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store
from rapport.act.jobs import Job, Turn
from rapport.kernel.clock import DAY

__all__ = ["KEPT", "OUTBOX_RETENTION", "SECRET_RETENTION"]

KEPT = 30 * DAY
"""After a message was delivered or given up. Long enough to look a complaint up and to send it once more by hand.

An idempotency key is known as long as its message is kept. No key of ours comes again later: a fact is told while it is
younger than a day (`webhooks.FRESH`), is in the log once and handled once, and a failed one was never told.
"""

_o = store.outbox.c


def _is_old(now: int) -> sa.ColumnElement[bool]:
    return _o.finished_at <= now - KEPT


def _due(conn: Connection, turn: Turn) -> bool:
    return conn.execute(sa.select(_o.id).where(_is_old(turn.now)).limit(1)).first() is not None


def _run(turn: Turn) -> int:
    key: list[sa.Column[Any]] = [_o.workspace, _o.id]
    oldest = sa.select(*key).where(_is_old(turn.now)).order_by(_o.finished_at).limit(turn.at_most)
    # Asked again of each row, for meanwhile somebody may have had it sent once more.
    query = store.outbox.delete().where(sa.tuple_(*key).in_(oldest), _is_old(turn.now))
    with turn.write() as conn:
        return conn.execute(query).rowcount


OUTBOX_RETENTION = Job(
    name="act.outbox",
    title="Finished messages are let go after 30 days",
    due=_due,
    run=_run,
    at_most=500,
    pause_seconds=600.0,
)

_w = store.webhooks.c


def _is_over(now: int) -> sa.ColumnElement[bool]:
    return sa.and_(_w.old_secret != "", _w.old_secret_until <= now)


def _secrets_due(conn: Connection, turn: Turn) -> bool:
    return conn.execute(sa.select(_w.id).where(_is_over(turn.now)).limit(1)).first() is not None


def _forget_secrets(turn: Turn) -> int:
    key: list[sa.Column[Any]] = [_w.workspace, _w.id]
    some = sa.select(*key).where(_is_over(turn.now)).limit(turn.at_most)
    # Asked again of each row, for one that is rotated meanwhile has another grace. When the grace ended stays: it is
    # part of the version that whoever changes the webhook has seen.
    query = store.webhooks.update().where(sa.tuple_(*key).in_(some), _is_over(turn.now)).values(old_secret="")
    with turn.write() as conn:
        return conn.execute(query).rowcount


SECRET_RETENTION = Job(
    name="act.secrets",
    title="A webhook's old secret is forgotten when its grace is over",
    due=_secrets_due,
    run=_forget_secrets,
    at_most=500,
    pause_seconds=600.0,
)
