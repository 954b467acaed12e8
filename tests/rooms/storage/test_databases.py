"""The databases that tests run on: whoever is given one finds nothing of those who had it before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from rapport.kernel.clock import now_us
from rapport.storage import leases
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces, create_workspace
from tests.databases import AHEAD, postgres_database

OID = "SELECT oid FROM pg_database WHERE datname = current_database()"

pytestmark = pytest.mark.postgres


def test_a_database_that_served_a_test_serves_the_next_as_new() -> None:
    with postgres_database() as url:
        db = Database.open(url)
        with db.write() as conn:
            create_workspace(conn, slug="shop", name="Ada's", now=now_us())
            conn.execute(leases.buckets.update().values(lease_until=now_us()))
            identity = conn.exec_driver_sql(OID).scalar()
    seen = set()
    for _ in range(AHEAD + 3):
        with postgres_database() as url:
            again = Database.open(url)
            with again.read() as conn:
                seen.add(conn.exec_driver_sql(OID).scalar())
                assert not all_workspaces(conn)
                assert conn.execute(sa.select(sa.func.sum(leases.buckets.c.lease_until))).scalar() == 0
            again.close()
    assert identity in seen
    with pytest.raises(sa.exc.OperationalError), db.read():
        pass  # its old users do not come back
    db.close()


def test_a_database_with_another_table_serves_nobody() -> None:
    with postgres_database() as url:
        db = Database.open(url)
        with db.write() as conn:
            conn.exec_driver_sql("CREATE TABLE left_behind (id int)")
        db.close()
    for _ in range(AHEAD + 3):
        with postgres_database() as url:
            again = Database.open(url)
            with again.read() as conn:
                assert conn.exec_driver_sql("SELECT to_regclass('left_behind')").scalar() is None
            again.close()
