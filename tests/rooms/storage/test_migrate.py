"""Migrations make exactly the tables that the rooms declare, once, whoever starts first."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from rapport.app.tables import ROOMS, metadata
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.migrate import migrate, newest_revision


@pytest.fixture
def db(empty_database_url: str) -> Iterator[Database]:
    database = Database.open(empty_database_url)
    yield database
    database.close()


def test_migrations_make_what_the_code_declares(db: Database) -> None:
    """A difference is mended with `python -m rapport.app.tables "what changed"`."""
    migrate(db)
    with db.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert len(metadata.tables) > len(ROOMS)


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
