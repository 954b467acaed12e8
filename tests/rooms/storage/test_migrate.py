"""Migrations make exactly the tables that the rooms declare, once, whoever starts first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from rapport.app.wiring import installed
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database, metadata
from rapport.storage.migrate import Branch, migrate, newest_revision, upgrade


@pytest.fixture
def db(empty_database_url: str) -> Iterator[Database]:
    database = Database.open(empty_database_url)
    yield database
    database.close()


def test_migrations_make_what_the_code_declares(db: Database) -> None:
    """A difference is mended with `python -m rapport.app.tables "what changed"`, or in the slice's own branch."""
    slices = installed()
    migrate(db, slices.branches)
    declared = sa.MetaData()
    for table in slices.tables.values():
        table.to_metadata(declared)
    with db.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "include_name": _not_a_version})
        assert compare_metadata(context, declared) == []


def test_every_table_is_declared_by_a_slice() -> None:
    """So that whoever exports or erases a person has looked into all of them; those of slices' own branches are held
    against the database above.
    """
    assert set(metadata.tables) <= set(installed().tables)


def _not_a_version(name: str | None, kind: str, _: object) -> bool:
    return not (kind == "table" and (name or "").startswith("schema_of_"))


def test_several_processes_may_start_at_once(db: Database) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate(db)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    migrate(db)


def test_a_program_older_than_its_database_does_not_touch_it(db: Database) -> None:
    migrate(db)
    with db.write() as conn:
        conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Misconfigured, match="9999"):
        migrate(db)
    assert newest_revision() < "9999"


FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text, nullable=False))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    op.add_column("notes", sa.Column("stars", sa.Integer))
"""


@pytest.fixture
def notes(tmp_path: Path) -> Branch:
    """The migrations of a slice `notes`, in its first version."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_notes.py").write_text(FIRST)
    return Branch("notes", folder)


def columns(db: Database) -> set[str]:
    with db.read() as conn:
        return {column["name"] for column in sa.inspect(conn).get_columns("notes")}


def test_a_slice_left_out_keeps_its_tables_and_goes_on_where_it_was(db: Database, notes: Branch) -> None:
    migrate(db, [notes])
    with db.write() as conn:
        conn.execute(sa.text("INSERT INTO notes VALUES (1, 'kept')"))
    migrate(db)  # without the slice: nothing is missed, nothing is lost
    (notes.folder / "0002_stars.py").write_text(SECOND)
    migrate(db, [notes])
    assert columns(db) == {"id", "text", "stars"}
    with db.read() as conn:
        assert conn.execute(sa.text("SELECT text FROM notes")).scalar_one() == "kept"


def test_a_slice_older_than_its_tables_does_not_touch_them(db: Database, notes: Branch) -> None:
    (notes.folder / "0002_stars.py").write_text(SECOND)
    migrate(db, [notes])
    (notes.folder / "0002_stars.py").unlink()
    with pytest.raises(Misconfigured, match="schema of notes 0002") as refused:
        migrate(db, [notes])
    assert refused.value.hint == "start a newer notes"
    assert columns(db) == {"id", "text", "stars"}


def test_two_slices_number_their_migrations_each_for_itself(db: Database, notes: Branch, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "0001_cards.py").write_text(FIRST.replace('"notes"', '"cards"'))
    migrate(db, [notes, Branch("cards", other)])
    with db.read() as conn:
        assert {"notes", "cards"} <= set(sa.inspect(conn).get_table_names())


def test_refunds_that_were_known_by_their_id_alone_are_kept_by_their_orders(db: Database) -> None:
    """A browser's, whose id had its order behind it; one that names none; and one whose fact is gone."""
    fact = {
        "workspace": 1, "source": "s", "message_id": "f2", "strand": b"\xab", "bucket": 0, "occurred_at": 1,
        "received_at": 1, "body": b"{}",
    }  # fmt: skip
    rows = [("1", "f1", "o1"), ("C7", "f2", None), ("1\x1fo1", "f3", "o1"), ("1\x1fo2", "f4", "o2")]
    before = sa.table("refunds", *(sa.column(name) for name in (
        "workspace", "refund_id", "at", "fact", "order_id", "country", "currency", "amount_minor")))  # fmt: skip
    with db.write() as conn:
        upgrade(conn, to={"": "0072"})
        conn.execute(metadata.tables["facts"].insert().values(fact))
        for refund_id, of, order_id in rows:
            conn.execute(before.insert().values((1, refund_id, 5, of, order_id, "", "EUR", 100)))
        upgrade(conn)
        found = conn.exec_driver_sql("SELECT key, refund_id, fact, strand, rank FROM refunds ORDER BY fact").all()
    assert [(key, refund_id, of, bytes(strand), rank) for key, refund_id, of, strand, rank in found] == [
        ("1\x1fo1", "1", "f1", b"", 0), ("C7\x1f\x1fab", "C7", "f2", b"\xab", 0), ("1\x1fo2", "1", "f4", b"", 1),
    ]  # fmt: skip
