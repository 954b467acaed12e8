"""Saved queries: SELECTs of the lake under a name, for all who may ask it."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, Table, Text

from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.text import clean
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText, metadata

__all__ = ["SavedQuery", "find_query", "lake_queries", "list_queries", "remove_query", "save_query"]

MOST = 200
"""Of one shop."""
LONGEST_NAME = 80

lake_queries = Table(
    "lake_queries",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("name", CText, primary_key=True),
    Column("sql", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

_q = lake_queries.c


class SavedQuery(NamedTuple):
    """A query as somebody keeps it."""

    name: str
    sql: str
    purpose: str
    """What it is asked for; empty is the shop's own work."""
    version: int
    changed_at: int
    changed_by: str


_COLUMNS = tuple(_q[name] for name in SavedQuery._fields)


def list_queries(conn: Connection, workspace: WorkspaceId) -> list[SavedQuery]:
    """All of a shop, by name."""
    query = sa.select(*_COLUMNS).where(_q.workspace == workspace).order_by(_q.name).limit(MOST)
    return [SavedQuery._make(row) for row in conn.execute(query)]


def find_query(conn: Connection, workspace: WorkspaceId, name: str) -> SavedQuery:
    """One. Raises NotFound."""
    found = conn.execute(sa.select(*_COLUMNS).where(_q.workspace == workspace, _q.name == name)).first()
    if found is None:
        raise NotFound(f"there is no query {name[:60]!r}", hint="somebody may have removed it")
    return SavedQuery._make(found)


def save_query(
    conn: Connection, workspace: WorkspaceId, *, name: str, sql: str, purpose: str, by: str, now: int, seen: int = 0
) -> SavedQuery:
    """Keep a query. With the version `seen`, the one of this name is changed.

    Raises InvalidInput, and Conflict where the name is taken or somebody else has changed it meanwhile.
    """
    name = clean(name, longest=LONGEST_NAME).strip()
    if not name or not sql.strip():
        raise InvalidInput("a saved query needs a name and a text", hint="such as “Orders by day”")
    kept = SavedQuery(name, sql, purpose, seen + 1, now, by)
    if seen:
        own = (_q.workspace == workspace, _q.name == name, _q.version == seen)
        if not conn.execute(lake_queries.update().where(*own).values(kept._asdict())).rowcount:
            raise Conflict(f"somebody else has changed or removed {name!r}", hint="look at it again, then save")
        return kept
    number = conn.execute(sa.select(sa.func.count()).where(_q.workspace == workspace)).scalar_one()
    if number >= MOST:
        raise InvalidInput(f"a shop keeps at most {MOST} queries", hint="remove one that nobody needs")
    if not insert_ignore(conn, lake_queries, [{"workspace": workspace, **kept._asdict()}], key=("workspace", "name")):
        raise Conflict(f"there is a query called {name!r}", hint="give it another name, or change that one")
    return kept


def remove_query(conn: Connection, workspace: WorkspaceId, name: str, *, seen: int) -> None:
    """Take one away. Raises NotFound, and Conflict where it is not the version that was seen."""
    found = find_query(conn, workspace, name)
    own = (_q.workspace == workspace, _q.name == name, _q.version == seen)
    if not conn.execute(lake_queries.delete().where(*own)).rowcount:
        raise Conflict(f"{found.changed_by} has changed {name!r}", hint="look at it again before you remove it")
