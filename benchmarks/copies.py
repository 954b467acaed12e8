"""Copies of a shop inside its own database, set by set: the same people again, under keys and ids of their own.

A key's first byte becomes the number of the copy, so that what hangs together in the original hangs together in each
copy; an id gets the number behind it. What a page costs depends on how many rows there are and how long a record is,
and both are as if so many people had come.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa

from rapport.app.wiring import installed
from rapport.capabilities.orders.store import carts, orders
from rapport.kernel.identifiers import BUCKETS
from rapport.remember.customers import refresh
from rapport.remember.store import customers, strands, words
from rapport.resolve.graph.store import evidence, identifiers
from rapport.storage.engine import Database
from rapport.storage.log import facts

__all__ = ["multiply"]

_KEYS = {"strand", "key", "root", "a", "b", "id"}
_IDS = {"message_id", "order_id", "started_by", "fact"}
_TABLES = (facts, identifiers, evidence, strands, customers, words, orders, carts)


def multiply(db: Database, *, copies: int) -> dict[str, int]:
    """Make so many copies (15 at most) of the shop in a database that nobody writes to.

    Returns how many `customers` and `facts` there are then.
    """
    _finish_lists(db)
    with db.write() as conn:
        last = int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(facts.c.seq), 0))).scalar_one())
        for number in range(1, copies + 1):
            for table in _TABLES:
                conn.execute(sa.text(_copying(conn, table, number)), {"last": last})
            print(f"copy {number} is made", file=sys.stderr)
    with db.write() as conn:
        conn.exec_driver_sql("ANALYZE")
        return {table.name: _count(conn, table) for table in (customers, facts)}


def _finish_lists(db: Database) -> None:
    """The list of customers follows the records; bring to an end what the workers were stopped in."""
    remembered = installed().remembered
    taken = 1
    while taken:
        with db.write() as conn:
            taken = refresh(conn, limit=1_000, buckets=range(BUCKETS), remembered=remembered).taken


def _copying(conn: sa.Connection, table: sa.Table, number: int) -> str:
    columns = [column.name for column in table.columns if column.name != "seq"]
    values = ", ".join(_value(conn, table.c[name], number) for name in columns)
    original = _original(conn, table)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {values} FROM {table.name} WHERE {original}"
        " ON CONFLICT DO NOTHING"
    )


def _original(conn: sa.Connection, table: sa.Table) -> str:
    """Rows that no copy made: none of whose keys begins with a copy's number; of the log, those of before."""
    keys = [name for name in ("strand", "key", "id", "a", "b") if _is_key(table, name)] or ["root"]
    first = "get_byte({}, 0) > 15" if conn.dialect.name == "postgresql" else "substr({}, 1, 1) > X'0F'"
    later = "seq <= :last" if table is facts else ":last = :last"
    return " AND ".join([*(first.format(key) for key in keys), later])


def _is_key(table: sa.Table, name: str) -> bool:
    return name in table.c and isinstance(table.c[name].type, sa.LargeBinary)


def _value(conn: sa.Connection, column: sa.Column[object], number: int) -> str:
    if column.name in _KEYS and _is_key(column.table, column.name):
        if conn.dialect.name == "postgresql":
            return f"set_byte({column.name}, 0, {number})"
        return f"CAST(X'{number:02X}' || substr({column.name}, 2) AS BLOB)"
    if column.name in _IDS:
        return f"{column.name} || '~{number}'"
    return column.name


def _count(conn: sa.Connection, table: sa.Table) -> int:
    return int(conn.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
