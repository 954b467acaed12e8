"""Facts that were taken back and are of somebody who is held: they are kept for as long as the hold stands."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.collect.sources import identifier_policy
from rapport.compose.erasure import widened
from rapport.compose.holds import held_keys
from rapport.kernel.ids import WorkspaceId
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.graph.resolver import said_of
from rapport.storage.log import StoredRow, to_fact
from rapport.storage.withdrawn import withdrawn_facts

__all__ = ["held_of_withdrawn"]


def held_of_withdrawn(conn: Connection, workspace: WorkspaceId, *, now: int) -> set[int]:
    """The numbers of those that name somebody who is held, also by an identifier that no other fact names.

    Cost: one look where nobody is held, else all facts of the shop that were taken back.
    """
    held = held_keys(conn, workspace, now=now)
    if not held:
        return set()
    policy = identifier_policy(settings_of(conn, workspace))
    theirs = widened(conn, workspace, set(held), None)
    columns = [withdrawn_facts.c[name] for name in StoredRow._fields]
    rows = conn.execute(sa.select(*columns).where(withdrawn_facts.c.workspace == workspace))
    return {
        row.seq for row in map(StoredRow._make, rows)
        if row.strand in theirs or not theirs.isdisjoint(said_of(workspace, to_fact(row), policy).found)
    }  # fmt: skip
