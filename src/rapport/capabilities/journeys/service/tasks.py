"""What journeys give the people of the shop to do: who is it about, since when, who did it."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.facts import TASK_DONE
from rapport.collect.own import own_fact
from rapport.decide.people import identifiers_by_key, naming
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import roots_of
from rapport.storage import log

__all__ = ["MOST_COUNTED", "TaskShown", "listed", "open_tasks", "set_done", "shown"]

MOST_COUNTED = 100
"""How far the side bar counts."""

_t = store.tasks.c


class TaskShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do about a customer."""

    id: str
    title: str
    note: str
    journey: str
    customer_id: CustomerId
    created_at: str
    done_at: str | None
    done_by: str
    """Who said that it is done; empty while nobody has."""


def open_tasks(conn: Connection, workspace: WorkspaceId) -> int:
    """How many are open, counted no further than 100."""
    some = sa.select(_t.id).where(_t.workspace == workspace, _t.done_at.is_(None)).limit(MOST_COUNTED).subquery()
    return int(conn.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())


def listed(conn: Connection, workspace: WorkspaceId, *, done: bool, limit: int, offset: int = 0) -> list[Any]:
    """Rows of tasks: what is open, the oldest first; or what was done, the latest first."""
    query = sa.select(store.tasks).where(_t.workspace == workspace)
    if done:
        query = query.where(_t.done_at.is_not(None)).order_by(_t.done_at.desc(), _t.created_at.desc(), _t.id)
    else:
        query = query.where(_t.done_at.is_(None)).order_by(_t.created_at, _t.id)
    return list(conn.execute(query.limit(limit).offset(offset)))


def shown(conn: Connection, workspace: WorkspaceId, rows: list[Any]) -> list[TaskShown]:
    """Tasks as they are told, each with the customer it is about now."""
    strands = {Key(row.strand) for row in rows}
    roots = roots_of(conn, workspace, strands)
    ids = load_customer_ids(conn) if rows else None
    return [
        TaskShown(
            id=row.id, title=row.title, note=row.note, journey=row.journey,
            customer_id=ids.customer_id(roots.get(Key(row.strand), Key(row.strand))) if ids else CustomerId(""),
            created_at=to_iso(row.created_at), done_at=to_iso(row.done_at) if row.done_at is not None else None,
            done_by=row.done_by,
        )
        for row in rows
    ]  # fmt: skip


def set_done(conn: Connection, workspace: WorkspaceId, ident: str, *, done: bool, by: str, now: int) -> TaskShown:
    """Say that a task is done, or that it is not after all; said twice, the first counts. Raises NotFound.

    That it was done is a fact about the customer.
    """
    query = sa.select(store.tasks).where(_t.workspace == workspace, _t.id == ident)
    row = conn.execute(query.with_for_update()).first() if ident.isprintable() else None
    if row is None:
        raise NotFound(f"no task {ident[:100]!r}", hint="GET /api/v1/tasks lists them")
    if (row.done_at is not None) is not done:
        values = {"done_at": now if done else None, "done_by": by if done else ""}
        conn.execute(store.tasks.update().where(_t.workspace == workspace, _t.id == ident).values(values))
        named = identifiers_by_key(conn, workspace, [Key(row.strand)])
        if done and named:
            said = own_fact(
                workspace, name=TASK_DONE, id=f"task-done-{ident}-{now}", occurred_at=now, received_at=now,
                properties={"title": row.title, "task_id": ident, "by": by}, **naming(named[Key(row.strand)]),
            )  # fmt: skip
            log.append(conn, [said])
        row = conn.execute(query).one()
    return shown(conn, workspace, [row])[0]
