"""What act lets go: messages finished for a month, and secrets whose grace is over; what it keeps until then."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from rapport.act import deliveries, outbox, store
from rapport.act.jobs import Moment, Turn
from rapport.act.retention import KEPT, OUTBOX_RETENTION, SECRET_RETENTION
from rapport.act.webhooks import FRESH, GRACE, WebhookWanted, add_webhook, rotate_secret, webhook_version
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Message
from rapport.storage.engine import Database
from rapport.storage.leases import Leases
from tests.jobs import turns

SHOP = WorkspaceId(1)
NOW = 1_790_000_000_000_000


def put(db: Database, *keys: str, status: str, finished_at: int | None) -> None:
    """Messages with these idempotency keys that came to this end."""
    with db.write() as conn:
        outbox.write(
            conn,
            [
                Message(
                    workspace=SHOP,
                    channel="post",
                    destination="a",
                    idempotency_key=key,
                    payload=b"x",
                    strand=None,
                    purpose="operations",
                )
                for key in keys
            ],
            now=NOW - 100 * DAY,
        )
        conn.execute(
            store.outbox.update()
            .where(store.outbox.c.idempotency_key.in_(keys))
            .values(status=status, finished_at=finished_at)
        )


def kept(db: Database) -> list[str]:
    with db.read() as conn:
        return sorted(conn.execute(sa.select(store.outbox.c.idempotency_key)).scalars())


def test_what_is_finished_for_a_month_goes_in_portions_and_the_rest_stays(any_db: Database) -> None:
    put(any_db, *(f"old{n}" for n in range(7)), status="delivered", finished_at=NOW - KEPT)
    put(any_db, "dead", status="dead", finished_at=NOW - KEPT - DAY)
    put(any_db, "fresh", status="delivered", finished_at=NOW - KEPT + 1)
    put(any_db, "waits", status="pending", finished_at=None)
    assert turns(any_db, OUTBOX_RETENTION, now=NOW, at_most=3) == [3, 3, 2]
    assert kept(any_db) == ["fresh", "waits"]


def test_a_key_is_known_for_as_long_as_it_can_come_again(any_db: Database) -> None:
    """A fact is told while it is fresh; a message is kept far longer, and its key is left out meanwhile."""
    assert KEPT > 10 * FRESH
    put(any_db, "known", status="delivered", finished_at=NOW - KEPT + 1)
    assert turns(any_db, OUTBOX_RETENTION, now=NOW) == []
    put(any_db, "known", status="delivered", finished_at=NOW)
    assert kept(any_db) == ["known"]


@pytest.mark.postgres
def test_what_is_sent_once_more_meanwhile_stays(postgres_url: str) -> None:
    """Somebody asks for it while the turn waits for the row: the turn looks again, and leaves it alone."""
    db = Database.open(postgres_url)
    put(db, "again", status="delivered", finished_at=NOW - KEPT)
    Leases(db, "one").maintain()
    turn = Turn(db, OUTBOX_RETENTION, Moment(owner="one", buckets=(0,)), now=NOW, kept={})
    done: list[int] = []
    sweeping = threading.Thread(target=lambda: done.append(OUTBOX_RETENTION.run(turn)))
    with db.write() as conn:
        message_id = conn.execute(sa.select(store.outbox.c.id)).scalar_one()
        deliveries.send_again(conn, SHOP, message_id, channel="post", destination="a", now=NOW)
        sweeping.start()
        wait_until_blocked(db)
    sweeping.join()
    assert (done, kept(db)) == ([0], ["again"])
    db.close()


def wait_until_blocked(db: Database) -> None:
    """Return once a transaction of this database waits for another one's row."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while True:
        with db.read() as conn:
            if conn.execute(query).scalar_one():
                return


def test_an_old_secret_is_forgotten_when_its_grace_is_over_and_not_before(any_db: Database) -> None:
    def kept_secrets() -> int:
        old = store.webhooks.c.old_secret
        with any_db.read() as conn:
            return len(conn.execute(sa.select(old).where(old != "")).all())

    with any_db.write() as conn:
        hooks = [
            add_webhook(conn, SHOP, WebhookWanted(url=f"https://{n}.example.com/", events=["Cart Viewed"]), now=NOW)[0]
            for n in range(3)
        ]
        first = rotate_secret(conn, SHOP, hooks[0].id, now=NOW)[0]
        rotate_secret(conn, SHOP, hooks[1].id, now=NOW + 1)
    assert turns(any_db, SECRET_RETENTION, now=NOW + GRACE - 1) == []
    assert turns(any_db, SECRET_RETENTION, now=NOW + GRACE) == [1]
    assert kept_secrets() == 1
    with any_db.write() as conn:
        rotate_secret(conn, SHOP, hooks[0].id, now=NOW + GRACE, seen=webhook_version(first))
    assert turns(any_db, SECRET_RETENTION, now=NOW + GRACE + DAY) == [1]
    assert kept_secrets() == 1
