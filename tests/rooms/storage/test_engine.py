"""How a database is read: one state for a whole reading, or the latest for each query."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from rapport.kernel.ids import WorkspaceId
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from tests.databases import postgres_database


def append(db: Database, message_id: str) -> None:
    with db.write() as conn:
        log.append(conn, [LogRow(WorkspaceId(1), "src_web", message_id, b"k" * 16, 7, 1, 2, b"{}")])


@pytest.mark.postgres
def test_a_reading_is_one_state_and_a_look_is_the_latest() -> None:
    with postgres_database() as url:
        db = Database.open(url)
        append(db, "a")
        with db.read() as reading, db.look() as looking:
            before = [log.newest_seq(conn) for conn in (reading, looking)]
            append(db, "b")
            after = [log.newest_seq(conn) for conn in (reading, looking)]
        assert (before, after) == ([1, 1], [1, 2])
        db.close()


@pytest.mark.postgres
def test_a_connection_that_broke_while_it_rested_fails_once_without_a_ping() -> None:
    """The worker tries again then; who pings, as the server does, never notices."""
    with postgres_database() as url:
        worker, server = Database.open(url, ping=False), Database.open(url)
        append(worker, "a")
        append(server, "b")
        admin = sa.create_engine(server.engine.url)
        with admin.begin() as conn:
            conn.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).all()
        admin.dispose()
        with pytest.raises(OperationalError):
            append(worker, "c")
        append(worker, "d")
        append(server, "e")
        with server.look() as conn:
            assert len(log.latest(conn, WorkspaceId(1))) == 4
        worker.close()
        server.close()
