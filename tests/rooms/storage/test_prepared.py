"""A prepared query answers as SQLAlchemy's own does, whatever the length of its lists, and fails as it does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.exc import DBAPIError

from rapport.storage.engine import Database
from rapport.storage.outage import is_outage
from rapport.storage.prepared import MOST, Prepared

things = Table(
    "prepared_things", sa.MetaData(), Column("workspace", Integer, primary_key=True),
    Column("name", Text, primary_key=True), Column("number", BigInteger), Column("body", LargeBinary),
)  # fmt: skip
t = things.c
SOME = sa.select(t.name, t.number, t.body).where(
    t.workspace == sa.bindparam("ws"), t.name.in_(sa.bindparam("names", expanding=True)), t.number >= 3
).order_by(t.name)  # fmt: skip
PAGE = sa.select(t.name).where(t.workspace == sa.bindparam("ws"), t.body == sa.bindparam("body")).order_by(
    t.name
).limit(sa.bindparam("most", type_=Integer))  # fmt: skip


@pytest.fixture
def db(shared_db: Database) -> Database:
    """With a table of this file."""
    with shared_db.write() as conn:
        things.metadata.create_all(conn)
        conn.execute(things.delete())
        conn.execute(
            things.insert(),
            [{"workspace": 1, "name": f"n{n}%s?:x", "number": n, "body": b"\x00\xff%s?"} for n in range(1_200)],
        )
    return shared_db


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 65, MOST, 1_100])
def test_a_list_of_any_length_finds_what_a_plain_query_does(db: Database, length: int) -> None:
    wanted = [f"n{n}%s?:x" for n in range(length)]
    prepared = Prepared(SOME)
    with db.read() as conn:
        plain = [tuple(row) for row in conn.execute(SOME, {"ws": 1, "names": wanted})]
        for _ in range(2):  # compiled, then known
            assert sorted(prepared.among(conn, "names", wanted, ws=1)) == sorted(plain)
        assert prepared.among(conn, "names", [], ws=1) == []
        assert prepared.among(conn, "names", wanted, ws=2) == []


def test_values_are_never_read_as_a_statement(db: Database) -> None:
    prepared = Prepared(SOME)
    hostile = ["'; DROP TABLE prepared_things; --", "%s", "?", ":ws", "%(ws)s", "n3%s?:x", "x" * 100_000]
    with db.read() as conn:
        assert [row[0] for row in prepared.among(conn, "names", hostile, ws=1)] == ["n3%s?:x"]


def test_bytes_and_limits_travel(db: Database) -> None:
    with db.read() as conn:
        assert Prepared(PAGE).rows(conn, ws=1, body=b"\x00\xff%s?", most=2) == [("n0%s?:x",), ("n1%s?:x",)]
        assert Prepared(PAGE).row(conn, ws=1, body=b"", most=2) is None


def test_it_sees_what_its_own_transaction_wrote_and_nothing_that_was_taken_back(db: Database) -> None:
    prepared = Prepared(SOME)
    with db.write() as conn:
        conn.execute(things.insert().values(workspace=3, name="new", number=9, body=b""))
        assert prepared.rows(conn, ws=3, names=["new"]) == [("new", 9, b"")]
        conn.get_transaction().rollback()  # type: ignore[union-attr]
    with db.read() as conn:
        assert prepared.rows(conn, ws=3, names=["new"]) == []


def test_what_the_database_refuses_is_raised_as_elsewhere(db: Database) -> None:
    missing = Table("no_such_table", sa.MetaData(), Column("workspace", Integer))
    with db.read() as conn, pytest.raises(DBAPIError) as caught:
        Prepared(sa.select(missing).where(missing.c.workspace == sa.bindparam("ws"))).rows(conn, ws=1)
    assert "no_such_table" in str(caught.value)


def test_a_connection_that_was_cut_is_told_as_an_outage_and_not_used_again(db: Database) -> None:
    if db.dialect == "sqlite":
        pytest.skip("SQLite has no connection that breaks")
    with pytest.raises(DBAPIError) as caught:
        _ask_over_a_cut_connection(db)
    assert caught.value.connection_invalidated
    assert is_outage(caught.value)
    with db.read() as conn:
        assert len(Prepared(SOME).rows(conn, ws=1, names=["n3%s?:x"])) == 1


def _ask_over_a_cut_connection(db: Database) -> None:
    with db.read() as conn:
        mine = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with db.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({mine})")
        Prepared(SOME).rows(conn, ws=1, names=["n3%s?:x"])
