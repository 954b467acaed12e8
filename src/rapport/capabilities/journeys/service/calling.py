"""Somebody enters a journey because a system, or a person, of the shop says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.journeys import store
from rapport.capabilities.journeys.service.entering import begin
from rapport.capabilities.journeys.service.graphs import find
from rapport.decide.people import roots_of, strands_by_root
from rapport.kernel.errors import Conflict
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["enter"]


def enter(
    conn: Connection, workspace: WorkspaceId, name: str, key: Key, *, subject: str, ident: str, data: Mapping[str, Any],
    now: int,
) -> bool:  # fmt: skip
    """Let somebody begin; False where they are in it, or were and may not come again, or came under this key.

    Raises NotFound for the journey, and Conflict for one that is stopped.
    """
    found = find(conn, workspace, name)
    if found.state != "live":
        raise Conflict(f"the journey {name!r} is {found.state}", hint="have it go on first")
    root = roots_of(conn, workspace, [key])[key]
    theirs = store.of_strands(conn, workspace, strands_by_root(conn, workspace, [root])[root])
    fact = Fact(id=f"api:{ident}", type="track", name="", properties=dict(data))
    made = begin(
        theirs, workspace, name, found.version, found.graph, strand=key, root=root, subject=subject, fact=fact, now=now
    )
    if made is None or any(one.id == made.id for one in theirs):
        return False
    store.add(conn, [made])
    return True
