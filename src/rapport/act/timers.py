"""Durable timers: what is to happen at a time, kept in a table and run inside the worker's transaction.

A timer belongs to the bucket of the strand its key begins with and runs on the worker that holds that bucket, in the
transaction that also removes it. So it fires exactly once, and never beside a fact of the same strand that is being
handled elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store
from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.identifiers import bucket_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Timer, TimerHandler, Work
from rapport.storage.bulk import insert_rows, upsert
from rapport.storage.lookup import change_among, select_among

__all__ = ["Cancelled", "next_due", "pending", "run_due", "write"]

_logger = logging.getLogger(__name__)


class Cancelled(NamedTuple):
    """A timer that is not to fire."""

    workspace: WorkspaceId
    kind: str
    key: bytes


def write(conn: Connection, changes: Sequence[Timer | Cancelled]) -> None:
    """Schedule and cancel, set-based; of several changes to one timer the last one counts."""
    last = {(change.workspace, change.kind, change.key): change for change in changes}
    scheduled = [change for _, change in sorted(last.items()) if isinstance(change, Timer)]
    _delete(conn, [change for change in last.values() if isinstance(change, Cancelled)])
    rows = [
        {
            "workspace": timer.workspace, "kind": timer.kind, "key": timer.key, "bucket": bucket_of(Key(timer.key)),
            "due_at": timer.due_at, "payload": timer.payload, "failures": 0, "last_error": "",
        }
        for timer in scheduled
    ]  # fmt: skip
    upsert(
        conn, store.timers, rows,
        key=("workspace", "kind", "key"), update=("due_at", "payload", "failures", "last_error"),
    )  # fmt: skip


def next_due(conn: Connection, kinds: Collection[str], *, buckets: Sequence[int] | None = None) -> int | None:
    """When the earliest timer of these kinds and buckets (of all buckets where None) is due; None if there is none.

    One index step a kind. Kinds without a handler are not to be asked for: they stay where they are, and whoever looks
    at them finds something due for ever.
    """
    if not kinds:
        return None
    asked = _next(tuple(sorted(kinds)), None if buckets is None else tuple(buckets))
    found: int | None = conn.execute(asked).scalar()
    return found


@lru_cache(maxsize=64)
def _next(kinds: tuple[str, ...], buckets: tuple[int, ...] | None) -> sa.Select[Any]:
    """Made once: a worker that has nothing to do asks it again and again."""
    return sa.select(sa.func.min(_earliest(kinds, buckets, limit=1).c.due_at))


def pending(conn: Connection, workspace: WorkspaceId, kind: str, keys: Collection[bytes]) -> set[bytes]:
    """Those of the keys that have a timer of this kind."""
    t = store.timers.c
    query = sa.select(t.key).where(t.kind == kind)
    return {row.key for row in select_among(conn, query, workspace, t.key, keys)}


def run_due(
    conn: Connection,
    now: int,
    handlers: Mapping[str, TimerHandler],
    work: Work,
    *,
    buckets: Sequence[int] | None = None,
    limit: int = 100,
) -> int:
    """Run what is due in these buckets (in all where None), at most `limit`, and return how many there were.

    What the handlers want done is collected in `work`; the caller flushes it in the same transaction. A worker that
    lags behind the log passes the time it has come to as `now`, or timers would overtake the facts that cancel them.
    A timer whose handler fails is tried again later, ever more rarely, alone; its neighbours are not held up. Kinds
    without a handler stay where they are (their slice may come back).
    """
    due = _claim(conn, now, handlers, buckets, limit) if handlers else []
    _delete(conn, [Cancelled(timer.workspace, timer.kind, timer.key) for timer in due])
    by_kind: dict[str, list[Timer]] = {}
    for timer in due:
        by_kind.setdefault(timer.kind, []).append(timer)
    for kind, group in by_kind.items():
        if not _run(conn, now, handlers[kind], work, group, alone=len(group) == 1):
            for timer in group:
                _run(conn, now, handlers[kind], work, [timer], alone=True)
    return len(due)


def _claim(
    conn: Connection, now: int, kinds: Collection[str], buckets: Sequence[int] | None, limit: int
) -> list[Timer]:
    """Lock what is due, the earliest first."""
    t, earliest = store.timers.c, _earliest(kinds, buckets, limit=limit)
    order = ("due_at", "workspace", "kind", "key")
    e = earliest.c
    chosen = sa.select(e.workspace, e.kind, e.key).where(e.due_at <= now)
    some = chosen.order_by(*(e[name] for name in order)).limit(limit).subquery()
    query = (
        sa.select(t.workspace, t.kind, t.key, t.due_at, t.payload, t.failures)
        .join(some, (t.workspace == some.c.workspace) & (t.kind == some.c.kind) & (t.key == some.c.key))
        .order_by(*(t[name] for name in order))
        .with_for_update(of=store.timers, skip_locked=True)
    )
    return [Timer._make(row) for row in conn.execute(query)]


def _earliest(kinds: Collection[str], buckets: Sequence[int] | None, *, limit: int) -> sa.Subquery:
    """The earliest timers of each kind: a few steps of the index for each, however many timers other kinds have."""
    t = store.timers.c
    query = sa.select(t.workspace, t.kind, t.key, t.due_at).order_by(t.due_at, t.workspace, t.key).limit(limit)
    if buckets is not None:
        query = query.where(t.bucket.in_(buckets))
    each = (sa.select(query.where(t.kind == kind).subquery()) for kind in sorted(kinds))
    return sa.union_all(*each).subquery()


def _run(conn: Connection, now: int, handler: TimerHandler, work: Work, group: Sequence[Timer], *, alone: bool) -> bool:
    """Whether nothing is left to do for the group: False asks the caller to try each of it alone."""
    mark = work.mark()
    try:
        with conn.begin_nested():
            handler(conn, work, group, now)
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            raise
        failed = error
    else:
        return True
    work.rollback(mark)
    if alone:
        _try_later(conn, group[0], now, failed)
    return alone


def _try_later(conn: Connection, timer: Timer, now: int, error: Exception) -> None:
    """Put the timer back: in a minute, then two, four … up to a day."""
    _logger.error("timer of kind %s failed for the %dth time: %s", timer.kind, timer.failures + 1, type(error).__name__)
    row = {
        "workspace": timer.workspace, "kind": timer.kind, "key": timer.key, "bucket": bucket_of(Key(timer.key)),
        "due_at": now + min(DAY, MINUTE << min(timer.failures, 12)), "payload": timer.payload,
        "failures": timer.failures + 1, "last_error": repr(error)[:500],
    }  # fmt: skip
    insert_rows(conn, store.timers, [row])


def _delete(conn: Connection, gone: Sequence[Cancelled]) -> None:
    t = store.timers.c
    groups: dict[tuple[WorkspaceId, str], list[bytes]] = {}
    for timer in gone:
        groups.setdefault((timer.workspace, timer.kind), []).append(timer.key)
    for (workspace, kind), keys in groups.items():
        change_among(conn, sa.delete(store.timers).where(t.kind == kind), workspace, t.key, keys)
