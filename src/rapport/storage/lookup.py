"""Rows by many keys, in few statements: the same call on both engines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Integer
from sqlalchemy.dialects import postgresql

from rapport.kernel.ids import WorkspaceId
from rapport.storage.arrays import binary_array
from rapport.storage.bulk import chunks

__all__ = ["among", "change_among", "select_among"]

CHUNK = 500
"""Values a statement: SQLite plans a long list of parameters anew each time."""


def among(
    conn: Connection, workspace: WorkspaceId, column: ColumnElement[Any], values: Collection[bytes | str]
) -> ColumnElement[bool]:
    """The row is of this workspace and `column` is one of the values.

    On PostgreSQL the workspace travels beside each value: a bare `workspace = 1` tempts the planner, while a young
    table has no statistics, to read the whole workspace and filter.
    """
    own: ColumnElement[int] = column.table.c.workspace
    if conn.dialect.name != "postgresql":
        return sa.and_(own == workspace, column.in_(values))
    kind = sa.Text() if isinstance(column.type, sa.Text) else column.type
    repeated = sa.func.array_fill(sa.cast(int(workspace), Integer), postgresql.array([len(values)]))
    wanted = (
        sa.func.unnest(repeated, sa.cast(binary_array(values), postgresql.ARRAY(kind)))
        .table_valued("workspace", "value")
        .render_derived()
    )
    return sa.tuple_(own, column).in_(sa.select(wanted.c.workspace, wanted.c.value))


def select_among(
    conn: Connection,
    query: sa.Select[*tuple[Any, ...]],
    workspace: WorkspaceId,
    column: ColumnElement[Any],
    values: Iterable[bytes | str],
) -> Iterator[Any]:
    """The rows of `query` in this workspace whose `column` is one of `values`: a statement for each 500 values."""
    for some in chunks(values, CHUNK):
        yield from conn.execute(query.where(among(conn, workspace, column, some)))


def change_among(
    conn: Connection,
    statement: sa.Update | sa.Delete,
    workspace: WorkspaceId,
    column: ColumnElement[Any],
    values: Iterable[bytes | str],
) -> int:
    """Update or delete the rows in this workspace whose `column` is one of `values`. Returns how many there were."""
    changed = 0
    for some in chunks(values, CHUNK):
        changed += conn.execute(statement.where(among(conn, workspace, column, some))).rowcount
    return changed
