"""Rows by many keys, in few statements: the same call on both engines.

Building a statement costs the process several times what the database needs to answer it, so the text of each is made
once: what is asked the next time differs in its values alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Integer
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeEngine

from rapport.kernel.ids import WorkspaceId
from rapport.storage.arrays import BinaryArray, binary_array
from rapport.storage.bulk import chunks

__all__ = ["among", "change_among", "select_among"]

CHUNK = 500
"""Values a statement: SQLite plans a long list of parameters anew each time."""

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, CHUNK)
"""On SQLite the values of a statement are filled up to one of these, so that it knows few statements and keeps them."""

MOST_TEXTS = 2_000
"""Texts that are kept: the program has some hundreds."""

_WORKSPACE, _VALUES, _NUMBER = "among_workspace", "among_values", "among_number"
_LIST = f"(__[POSTCOMPILE_{_VALUES}])"

Asked = sa.Select[*tuple[Any, ...]] | sa.Update | sa.Delete


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
    return _beside(own, column, sa.literal(int(workspace)), sa.literal(len(values)), binary_array(values))


def select_among(
    conn: Connection,
    query: sa.Select[*tuple[Any, ...]],
    workspace: WorkspaceId,
    column: ColumnElement[Any],
    values: Iterable[bytes | str],
) -> Iterator[Any]:
    """The rows of `query` in this workspace whose `column` is one of `values`: a statement for each 500 values."""
    for found in _run(conn, query, workspace, column, values):
        yield from found


def change_among(
    conn: Connection,
    statement: sa.Update | sa.Delete,
    workspace: WorkspaceId,
    column: ColumnElement[Any],
    values: Iterable[bytes | str],
) -> int:
    """Update or delete the rows in this workspace whose `column` is one of `values`. Returns how many there were."""
    return sum(done.rowcount for done in _run(conn, statement, workspace, column, values))


def _run(
    conn: Connection,
    asked: Asked,
    workspace: WorkspaceId,
    column: ColumnElement[Any],
    values: Iterable[bytes | str],
) -> Iterator[sa.CursorResult[Any]]:
    ready, is_first = None, True
    for some in chunks(values, CHUNK):
        if is_first:
            ready, is_first = _ready(conn.dialect, asked, column), False
        if ready is None:
            yield conn.execute(asked.where(among(conn, workspace, column, some)))
        else:
            yield ready.run(conn, int(workspace), some)


class _Text(NamedTuple):
    """A statement as its engine reads it."""

    text: str
    order: tuple[str, ...]
    """The names of all parameters as they stand in the text, where the engine knows them by their places."""
    own: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """The names of those that the statement holds itself, with what becomes of a value on its way."""


class _Ready(NamedTuple):
    """A statement with the values that it holds itself."""

    made: _Text
    own: dict[str, Any]

    def run(self, conn: Connection, workspace: int, values: list[bytes | str]) -> sa.CursorResult[Any]:
        """Ask it of these values."""
        text, order, _ = self.made
        if conn.dialect.name == "postgresql":
            named = {**self.own, _WORKSPACE: workspace, _NUMBER: len(values), _VALUES: BinaryArray(values)}
            return conn.exec_driver_sql(text, named)
        size = next(size for size in SIZES if size >= len(values))
        parameters: list[Any] = []
        for name in order:
            if name == _VALUES:
                parameters += values
                parameters += values[-1:] * (size - len(values))
            else:
                parameters.append(workspace if name == _WORKSPACE else self.own[name])
        return conn.exec_driver_sql(text.replace(_LIST, f"({'?,' * (size - 1)}?)"), tuple(parameters))


_texts: dict[object, _Text | None] = {}
_UNKNOWN = _Text("", (), ())


def _ready(dialect: Dialect, asked: Asked, column: ColumnElement[Any]) -> _Ready | None:
    """The statement made ready; None where SQLAlchemy has to make it anew for each list of values."""
    key = asked._generate_cache_key()
    if key is None or not isinstance(column.table, sa.Table):  # the names of aliases are others each time
        return None
    name = (dialect.name, key.key, column.table, column.key)
    made = _texts.get(name, _UNKNOWN)
    if made is _UNKNOWN:
        if len(_texts) >= MOST_TEXTS:
            _texts.clear()  # other threads may be looking: each keeps what it has found
        made = _texts[name] = _made(dialect, asked, column, key.bindparams)
    if made is None:
        return None
    values = [bound.effective_value for bound in key.bindparams]
    own = {
        name: value if process is None else process(value)
        for (name, process), value in zip(made.own, values, strict=True)
    }
    return _Ready(made, own)


def _made(
    dialect: Dialect, asked: Asked, column: ColumnElement[Any], held: Sequence[sa.BindParameter[Any]]
) -> _Text | None:
    own: ColumnElement[int] = column.table.c.workspace
    workspace = sa.bindparam(_WORKSPACE, 0, type_=Integer())
    if dialect.name == "postgresql":
        number = sa.bindparam(_NUMBER, 0, type_=Integer())
        condition = _beside(own, column, workspace, number, sa.bindparam(_VALUES, type_=sa.types.NullType()))
    else:
        condition = sa.and_(own == workspace, column.in_(sa.bindparam(_VALUES, expanding=True)))
    compiled: Any = asked.where(condition).compile(dialect=dialect)
    names = [compiled.bind_names.get(bound) for bound in held]
    if {*names, _WORKSPACE, _NUMBER, _VALUES} != {*compiled.bind_names.values(), _NUMBER}:
        return None
    if "POSTCOMPILE" in compiled.string.replace(_LIST, "") or any(_is_read(kind, dialect) for kind in _types(compiled)):
        return None
    processors = compiled._bind_processors
    return _Text(
        compiled.string, tuple(compiled.positiontup or ()), tuple((name, processors.get(name)) for name in names)
    )


def _types(compiled: Any) -> list[TypeEngine[Any]]:
    return [entry.type for entry in compiled._result_columns or ()]


def _is_read(kind: TypeEngine[Any], dialect: Dialect) -> bool:
    """Whether values of this type are read otherwise than the driver hands them over; bytes are bytes."""
    own = kind.dialect_impl(dialect)
    return not isinstance(own, sa.LargeBinary) and own.result_processor(dialect, None) is not None


def _beside(
    own: ColumnElement[int],
    column: ColumnElement[Any],
    workspace: ColumnElement[int],
    number: ColumnElement[int],
    values: ColumnElement[Any],
) -> ColumnElement[bool]:
    kind = sa.Text() if isinstance(column.type, sa.Text) else column.type
    repeated = sa.func.array_fill(sa.cast(workspace, Integer), postgresql.array([number]))
    wanted = (
        sa.func.unnest(repeated, sa.cast(values, postgresql.ARRAY(kind)))
        .table_valued("workspace", "value")
        .render_derived()
    )
    return sa.tuple_(own, column).in_(sa.select(wanted.c.workspace, wanted.c.value))
