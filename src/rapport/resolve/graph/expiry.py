"""What time does to identity: evidence that was last seen too long ago counts no more.

A sweep is a bounded piece of work. The policy counts in days, so something is due at midnight (UTC) at most. New
evidence that is too old already, from an import of old history, is found by the resolver; here is what grew old since.
Until it is swept, evidence counts as it did; when nothing is due any more, the customers are those of the pure rule on
that day.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph import stated, store
from rapport.resolve.graph.model import day_of
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.recompute import Moved, Recomputation
from rapport.storage.workspaces import workspaces

__all__ = ["expire", "expiring"]

_evidence = store.evidence.c


def expiring(conn: Connection, *, now: int) -> list[WorkspaceId]:
    """The workspaces that have evidence to expire. Cost: one look at an index for each workspace."""
    due = sa.exists().where(_evidence.workspace == workspaces.c.id, _evidence.until_day < day_of(now))
    query = sa.select(workspaces.c.id).where(due).order_by(workspaces.c.id)
    return [WorkspaceId(ident) for ident in conn.execute(query).scalars()]


def expire(conn: Connection, workspace: WorkspaceId, *, now: int, limit: int) -> list[Moved]:
    """Let the longest overdue evidence of a workspace count no more, at most `limit` pieces, in this write transaction.

    Returns the identifiers whose customer is another now. States splits and merges of people as facts. In whichever
    portions, the end is the same. Cost: a constant number of statements for each 500 identifiers of the customers
    concerned.
    """
    store.lock(conn, workspace)
    query = sa.select(_evidence.id).where(_evidence.workspace == workspace, _evidence.until_day < day_of(now))
    due = list(conn.execute(query.order_by(_evidence.until_day, _evidence.id).limit(limit)).scalars())
    if not due:
        return []
    policy = identifier_policy(settings_of(conn, workspace))  # under the lock, so that it is the one in force
    recomputation = Recomputation(conn, workspace, policy, at=now)
    recomputation.expire(due)
    moved = recomputation.finish()
    for cause, people in recomputation.people.items():
        stated.state(conn, workspace, people, policy, cause=cause, now=now)
    return moved
