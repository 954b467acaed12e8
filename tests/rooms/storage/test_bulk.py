"""Set-based writes do on both engines what a statement a row would."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Table, Text

from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import Database
from rapport.storage.locks import Lock

things = Table(
    "things", sa.MetaData(), Column("workspace", Integer, primary_key=True), Column("name", Text, primary_key=True),
    Column("number", BigInteger), Column("first_at", BigInteger), Column("seen", Boolean), Column("body", LargeBinary),
)  # fmt: skip


@pytest.fixture
def db(db: Database) -> Database:
    """With a table of the test's own."""
    with db.write() as conn:
        things.metadata.create_all(conn)
    return db


def thing(name: str, count: int, first_at: int) -> dict[str, object]:
    return {"workspace": 1, "name": name, "number": count, "first_at": first_at, "seen": True, "body": b"\x00\xff"}


def test_upsert_adds_and_takes_the_least(db: Database) -> None:
    merge = {"number": "things.number + excluded.number", "first_at": "{least}(things.first_at, excluded.first_at)"}
    with db.write() as conn:
        upsert(conn, things, [thing(f"n{n}", n, 100) for n in range(1500)], key=("workspace", "name"), update=merge)
        upsert(conn, things, [thing(f"n{n}", 1, n) for n in range(700)], key=("workspace", "name"), update=merge)
        rows = {row.name: row for row in conn.execute(sa.select(things))}
    assert len(rows) == 1500
    assert (rows["n50"].number, rows["n50"].first_at) == (51, 50)
    assert (rows["n650"].number, rows["n650"].first_at) == (651, 100)
    assert rows["n1499"].number == 1499
    assert bytes(rows["n1"].body) == b"\x00\xff"


def test_insert_ignore_says_how_many_were_new(db: Database) -> None:
    with db.write() as conn:
        assert insert_ignore(conn, things, [thing("a", 1, 1), thing("b", 1, 1)]) == 2
        assert insert_ignore(conn, things, [thing("b", 9, 9), thing("c", 1, 1)]) == 1
        assert conn.execute(sa.select(things.c.number).where(things.c.name == "b")).scalar_one() == 1


def test_a_column_may_hold_nothing_numbers_of_all_sizes_and_truth_values(db: Database) -> None:
    """Arrays travel in PostgreSQL's binary format, in which all values are of one type."""
    odd = [None, True, 0, 2**40, -(2**63), Lock.APPENDING]
    rows = [thing(f"n{n}", 1, 1) | {"number": value, "body": None, "seen": None} for n, value in enumerate(odd)]
    rows[0]["name"] = 'a \\ "b" {c} \u00e9'
    with db.write() as conn:
        insert_ignore(conn, things, rows)
        found = {row.name: (row.number, row.body, row.seen) for row in conn.execute(sa.select(things))}
    assert found == {
        row["name"]: (None if value is None else int(value), None, None) for row, value in zip(rows, odd, strict=True)
    }
