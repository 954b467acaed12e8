"""Statements made once say the same as those that SQLAlchemy makes anew each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, LargeBinary, Table, Text

from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_rows
from rapport.storage.engine import Database
from rapport.storage.lookup import CHUNK, among, change_among, select_among

goods = Table(
    "goods", sa.MetaData(), Column("workspace", Integer, primary_key=True), Column("name", Text, primary_key=True),
    Column("key", LargeBinary, nullable=False), Column("number", BigInteger), Column("seen", Boolean),
)  # fmt: skip
OTHER = WorkspaceId(2)
SHOP = WorkspaceId(1)


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """With a table of the tests' own: 1,200 rows in one shop, ten of the same names in another."""
    rows: list[dict[str, Any]] = [
        {"workspace": shop, "name": f"n{n}", "key": bytes([n % 250, n // 250]),
         "number": None if n % 7 == 0 else n % 50, "seen": n % 2 == 0}
        for shop, count in ((SHOP, 1_200), (OTHER, 10))
        for n in range(count)
    ]  # fmt: skip
    with shared_db.write() as conn:
        goods.metadata.create_all(conn)
        insert_rows(conn, goods, rows)
    return shared_db


def names(*numbers: int) -> list[str]:
    return [f"n{n}" for n in numbers]


QUERIES: list[Callable[[int], sa.Select[Any]]] = [
    lambda n: sa.select(goods.c.name, goods.c.key).order_by(goods.c.name),
    lambda n: sa.select(goods).where(goods.c.number > n).order_by(goods.c.name),
    lambda n: sa.select(goods.c.name, goods.c.seen).where(goods.c.seen).order_by(goods.c.name),
    lambda n: sa.select(goods.c.number, sa.func.count()).group_by(goods.c.number).order_by(goods.c.number),
    lambda n: sa.select((goods.c.number + n).label("more"), goods.c.name).order_by(goods.c.name).limit(n + 1),
    lambda n: sa.select(goods.c.name).where(goods.c.number.in_(list(range(n)))).order_by(goods.c.name),
    lambda n: sa.select(goods.c.name).where(goods.c.name.like("n%1")).order_by(goods.c.name),
]


def slowly(conn: Connection, query: sa.Select[Any], shop: WorkspaceId, column: Any, values: list[Any]) -> list[Any]:
    return list(conn.execute(query.where(among(conn, shop, column, values))))


@pytest.mark.parametrize("make", QUERIES)
def test_what_is_asked_again_with_other_values_is_answered_by_them(
    db: Database, make: Callable[[int], sa.Select[Any]]
) -> None:
    wanted = [names(1), names(*range(40)), names(7, 7, 9_999), names(*range(0, 1_200, 3)), names(4)]
    with db.read() as conn:
        for n, values in enumerate(wanted):
            for shop in (SHOP, OTHER):
                found = list(select_among(conn, make(n + 3), shop, goods.c.name, values))
                slow = slowly(conn, make(n + 3), shop, goods.c.name, values)
                assert [(row._fields, *row) for row in found] == [(row._fields, *row) for row in slow]
        assert list(select_among(conn, make(9), SHOP, goods.c.name, [])) == []


def test_truth_values_are_read_as_such_and_keys_are_bytes(db: Database) -> None:
    with db.read() as conn:
        query = sa.select(goods.c.key, goods.c.seen).order_by(goods.c.key)
        found = [tuple(row) for row in select_among(conn, query, SHOP, goods.c.key, [b"\x04\x00", b"\x05\x00"])]
    assert found == [(b"\x04\x00", True), (b"\x05\x00", False)]
    assert all(type(seen) is bool for _, seen in found)


def test_more_values_than_one_statement_takes(db: Database) -> None:
    with db.read() as conn:
        found = list(select_among(conn, sa.select(goods.c.name), SHOP, goods.c.name, names(*range(2 * CHUNK + 1))))
    assert sorted(row.name for row in found) == sorted(names(*range(2 * CHUNK + 1)))


def test_an_alias_is_asked_as_well_as_its_table(db: Database) -> None:
    """Its name is another in each statement: two of one table must not be taken for each other."""
    with db.read() as conn:
        for _ in range(3):
            left, right = goods.alias(), goods.alias()
            query = sa.select(left.c.name, right.c.name.label("other")).join(right, left.c.key == right.c.key)
            by_left = query.where(right.c.workspace == OTHER, left.c.workspace == SHOP)
            assert [row.other for row in select_among(conn, by_left, SHOP, left.c.name, names(3))] == ["n3"]
            assert [row.name for row in select_among(conn, by_left, OTHER, right.c.name, names(5))] == ["n5"]


def test_changes_take_their_own_values_and_say_how_many_rows(db: Database) -> None:
    with db.write() as conn:
        for number in (101, 102):
            update = goods.update().where(goods.c.seen).values(number=number, seen=True)
            assert change_among(conn, update, OTHER, goods.c.name, names(2, 4, 5)) == 2
        query = sa.select(goods.c.number).where(goods.c.workspace == OTHER, goods.c.number > 100)
        assert list(conn.execute(query).scalars()) == [102, 102]
        delete = sa.delete(goods).where(goods.c.number > 100)
        assert change_among(conn, delete, OTHER, goods.c.name, [*names(*range(10)), *names(*range(600))]) == 2
        assert conn.execute(sa.select(sa.func.count()).where(goods.c.workspace == OTHER)).scalar_one() == 8
