"""Set-based writes, the same call on both engines: many rows a statement, never a statement a row.

On SQLite rows go in as multi-row VALUES (one step of the engine for hundreds of rows: `executemany` gives up the
interpreter's lock at every row, which starves the writer while other threads are busy). On PostgreSQL they travel as
one array a column, in PostgreSQL's binary format, and are unnested there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Table

__all__ = ["chunks", "insert_ignore", "insert_rows", "upsert"]

Row: TypeAlias = Any
"""The values by column, as a mapping or as a named tuple whose fields are the columns."""

T = TypeVar("T")

_MAX_PARAMETERS = 30_000
_SIZES = (512, 256, 128, 64, 32, 16, 8, 4, 2, 1)


def insert_rows(conn: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert; a conflict raises. Returns the number of rows."""
    return _run(conn, table, rows, suffix="")


def insert_ignore(
    conn: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str] = (), columns: tuple[str, ...] = ()
) -> int:
    """Insert the rows that do not conflict with `key` (any unique key where it is empty). Returns how many were new.

    `columns` says what stands in rows that are bare tuples.
    """
    target = f" ({', '.join(key)})" if key else ""
    return _run(conn, table, rows, suffix=f"ON CONFLICT{target} DO NOTHING", columns=columns)


def upsert(
    conn: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    update: Sequence[str] | Mapping[str, str],
    where: str = "",
) -> int:
    """Insert, or update the row that has the same `key`. Within `rows` a key must not occur twice.

    `update` names the columns to overwrite, or maps a column to an SQL expression over `table.column` and
    `excluded.column`; `{least}` and `{greatest}` in it become the engine's own two-argument functions.
    """
    if isinstance(update, Mapping):
        names = {"least": "min", "greatest": "max"} if conn.dialect.name == "sqlite" else {}
        functions = {"least": names.get("least", "least"), "greatest": names.get("greatest", "greatest")}
        assignments = ", ".join(f"{column} = {text.format(**functions)}" for column, text in update.items())
    else:
        assignments = ", ".join(f"{column} = excluded.{column}" for column in update)
    condition = f" WHERE {where}" if where else ""
    return _run(conn, table, rows, suffix=f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {assignments}{condition}")


def chunks(values: Iterable[T], size: int) -> Iterable[list[T]]:
    """The values in lists of at most `size`."""
    batch: list[T] = []
    for value in values:
        batch.append(value)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _run(conn: Connection, table: Table, rows: Sequence[Row], *, suffix: str, columns: tuple[str, ...] = ()) -> int:
    if not rows:
        return 0
    values: Sequence[Any] = rows
    first: Any = rows[0]
    if not isinstance(first, tuple):
        columns = tuple(first)
        values = [*map(_reader(columns), rows)]
    columns = columns or first._fields
    if conn.dialect.name == "sqlite":
        return _run_sqlite(conn, table.name, columns, values, suffix)
    return _run_postgresql(conn, table, columns, values, suffix)


def _run_sqlite(
    conn: Connection, name: str, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], suffix: str
) -> int:
    limit = max(1, _MAX_PARAMETERS // len(columns))
    changed = 0
    start = 0
    while start < len(rows):
        left = len(rows) - start
        size = next(s for s in _SIZES if s <= left and (s <= limit or s == 1))
        values = tuple(chain.from_iterable(rows[start : start + size]))
        changed += conn.exec_driver_sql(_sqlite_text(name, columns, size, suffix), values).rowcount
        start += size
    return changed


@lru_cache(maxsize=512)
def _reader(columns: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What answers the values of a row in the order of the columns."""
    if len(columns) == 1:
        return lambda row: (row[columns[0]],)
    return itemgetter(*columns)


@lru_cache(maxsize=2_048)
def _sqlite_text(name: str, columns: tuple[str, ...], size: int, suffix: str) -> str:
    one = f"({','.join('?' * len(columns))})"
    return f"INSERT INTO {name} ({', '.join(columns)}) VALUES {','.join([one] * size)} {suffix}"


def _run_postgresql(
    conn: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]], suffix: str
) -> int:
    text = _postgresql_text(table, columns, suffix)
    changed = 0
    for batch in chunks(rows, 5_000):
        arrays = tuple(
            _array(table.c[column], values) for column, values in zip(columns, zip(*batch, strict=True), strict=True)
        )
        changed += conn.exec_driver_sql(text, arrays).rowcount
    return changed


@lru_cache(maxsize=512)
def _postgresql_text(table: Table, columns: tuple[str, ...], suffix: str) -> str:
    # Binary (`%b`): as text, psycopg looks at every byte of every value and sends bytes as twice as many digits.
    arrays = ", ".join(f"%b::{_array_type(table.c[column])}" for column in columns)
    names = ", ".join(columns)
    return f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) {suffix}"


_ARRAY_TYPES = {
    sa.Boolean: "boolean[]", sa.BigInteger: "bigint[]", sa.SmallInteger: "smallint[]", sa.Integer: "integer[]",
    sa.Float: "double precision[]", sa.LargeBinary: "bytea[]", sa.String: "text[]",
}  # fmt: skip


def _array(column: sa.Column[Any], values: Iterable[Any]) -> list[Any]:
    """The values of a column, all of one type: a binary array has a single one."""
    number = _NUMBERS.get(column.type.python_type)
    return [*values] if number is None else [value if value is None else number(value) for value in values]


_NUMBERS: dict[type, Callable[[Any], int | float]] = {int: int, float: float}


def _array_type(column: sa.Column[Any]) -> str:
    for kind, name in _ARRAY_TYPES.items():
        if isinstance(column.type, kind):
            return name
    raise TypeError(f"column {column} of type {column.type!r} has no array type here; use one of {list(_ARRAY_TYPES)}")
