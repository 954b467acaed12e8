"""Locks of one call are taken in one ascending order, shared or not: two transactions never wait for each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from rapport.capabilities.orders.keeping import keep_orders
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.remember.inputs import ReadingSettings
from rapport.resolve.facts import MERGED
from rapport.storage.engine import Database
from rapport.storage.locks import Lock, lock_each

pytestmark = pytest.mark.postgres

HELD = sa.text(
    "SELECT objid::int, mode, granted FROM pg_locks"
    " WHERE locktype = 'advisory' AND classid::int = :lock"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY granted, objid"
)


@pytest.fixture
def db(postgres_url: str) -> Iterator[Database]:
    opened = Database.open(postgres_url)
    yield opened
    opened.close()


def held(conn: sa.Connection) -> list[tuple[int, str, bool]]:
    return [(number, mode, granted) for number, mode, granted in conn.execute(HELD, {"lock": int(Lock.REFUNDS)})]


def test_each_is_held_in_its_own_way_and_alone_where_both_are_asked(db: Database) -> None:
    with db.write() as conn:
        lock_each(conn, Lock.REFUNDS, [3, 2], shared=[1, 2])
        assert held(conn) == [(1, "ShareLock", True), (2, "ExclusiveLock", True), (3, "ExclusiveLock", True)]


def test_whoever_waits_for_a_shared_lock_holds_none_that_comes_after_it(db: Database) -> None:
    def wait() -> None:
        with db.write() as conn:
            lock_each(conn, Lock.REFUNDS, [2], shared=[1])

    waiting = threading.Thread(target=wait)
    with db.write() as conn:
        lock_each(conn, Lock.REFUNDS, [1])
        waiting.start()
        until = time.monotonic() + 20
        while len(found := held(conn)) < 2 and time.monotonic() < until:
            time.sleep(0.005)
        lock_each(conn, Lock.REFUNDS, [2])  # a deadlock, if the other held it
    waiting.join()
    assert found == [(1, "ShareLock", False), (1, "ExclusiveLock", True)]


def test_a_move_of_identity_shares_the_refunds_of_its_shop_and_no_other(db: Database) -> None:
    """Orders of whoever moved are made anew, with their refunds."""
    moved = Seen(WorkspaceId(7), Key(b"k" * 16), Fact(id="m", type="track", name=MERGED))
    with db.write() as conn:
        keep_orders(conn, [moved], {})
        assert held(conn) == [(7, "ShareLock", True)]


def test_an_order_shares_the_refunds_of_its_shop_too(db: Database) -> None:
    told = Fact(id="o", type="track", name="Order Cancelled", properties={"order_id": "A1"}, occurred_at=1)
    with db.write() as conn:
        keep_orders(conn, [Seen(WorkspaceId(8), Key(b"k" * 16), told)], {WorkspaceId(8): ReadingSettings()})
        assert held(conn) == [(8, "ShareLock", True)]
