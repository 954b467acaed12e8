"""Equal facts give equal Golden Records: in any order and batches, on either engine, by any number of workers."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path

import pytest

from benchmarks.load import Shop
from rapport.app.bootstrap import bootstrap, open_database
from rapport.app.pipeline import Pipeline
from rapport.app.settings import Settings
from rapport.app.worker import Worker, drain
from rapport.collect.prepare import prepare
from rapport.collect.sources import list_sources
from rapport.kernel.clock import DAY, from_iso, to_iso
from rapport.kernel.ids import WorkspaceId
from rapport.remember.digest import digest
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from tests.remembered import REMEMBERED

NOW = from_iso("2026-03-01T12:00:00Z")


def messages() -> list[dict[str, object]]:
    """A shop's day and what makes identity hard: a kiosk, an alias, shared e-mails, blocked ids, refunds."""
    shop = Shop(people=60, seed=3)
    found = [shop.message() for _ in range(1_500)]
    for number, message in enumerate(found):
        message["timestamp"] = to_iso(NOW - 30 * DAY + number * 1_200_000_000)
    rng = random.Random(5)

    def track(name: str, **given: object) -> None:
        at = to_iso(NOW - rng.randrange(30 * DAY))
        found.append({"type": "track", "event": name, "messageId": f"x{len(found)}", "timestamp": at, **given})

    for number in range(80):
        track("Product Viewed", userId=f"kiosk-user-{number}", anonymousId="kiosk", properties={"product_id": "p1"})
    for number in range(12):
        contact = {"traits": {"email": f"shared{number % 3}@example.com"}}
        track("Cart Viewed", userId=f"sharer-{number}", anonymousId=f"sharer-device-{number % 5}", context=contact)
    for number in range(9):
        track("Product Added", userId="many-devices", anonymousId=f"device-{number}", properties={"product_id": "p2"})
    track("Product Viewed", userId="null", anonymousId="nobody-signed-in", properties={"product_id": "p3"})
    track("Order Refunded", userId="u3-1", properties={"order_id": "o1", "currency": "EUR", "total": 5.5})
    found.append({"type": "alias", "messageId": "alias", "userId": "u3-1", "previousId": "kiosk-user-3",
                  "timestamp": to_iso(NOW)})  # fmt: skip
    return found


def open_fresh(url: str, folder: Path) -> Database:
    settings = Settings.load({}, data_dir=folder, database_url=url)
    db = open_database(settings)
    bootstrap(db, settings)
    return db


def rows_of(db: Database) -> list[LogRow]:
    with db.read() as conn:
        source = list_sources(conn, WorkspaceId(1))[0]
    rows = [prepare(json.dumps(message).encode(), source=source, received_at=NOW) for message in messages()]
    return [row._replace(source="src_same") for row in rows]


def append(db: Database, rows: list[LogRow], size: int) -> None:
    for first in range(0, len(rows), size):
        with db.write() as conn:
            log.append(conn, rows[first : first + size])


def digest_of(db: Database) -> dict[str, object]:
    with db.read() as conn:
        return dict(digest(conn, remembered=REMEMBERED))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The digest when everything comes once, in order, to one worker on SQLite."""
    db = open_fresh("", tmp_path_factory.mktemp("plain"))
    append(db, rows_of(db), 500)
    drain(Pipeline(db))
    found = digest_of(db)
    db.close()
    assert int(str(found["facts"])) == len(messages())
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_duplicated_in_odd_batches(
    expected: dict[str, object], database_url: str, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    db = open_fresh(database_url, tmp_path)
    rows = rows_of(db)
    rows += rng.sample(rows, 400)
    rng.shuffle(rows)
    for first in range(0, len(rows), 700):
        append(db, rows[first : first + 700], rng.choice([1, 7, 60]))
        drain(Pipeline(db), batch=rng.choice([13, 101, 1_000]))
    assert digest_of(db) == expected
    db.close()


def test_four_workers_at_once(expected: dict[str, object], database_url: str, tmp_path: Path) -> None:
    """They share the buckets, and two of them stop half-way without a word."""
    db = open_fresh(database_url, tmp_path)
    rows = rows_of(db)
    random.Random(9).shuffle(rows)
    stops = [threading.Event() for _ in range(4)]
    threads = [threading.Thread(target=Worker(Pipeline(db), batch=40).run, args=(stop,)) for stop in stops]
    for thread in threads:
        thread.start()
    append(db, rows[:800], 50)
    for stop in stops[:2]:
        stop.set()
    append(db, rows[800:], 50)
    drain(Pipeline(db), batch=100)
    for stop in stops:
        stop.set()
    for thread in threads:
        thread.join()
    assert digest_of(db) == expected
    db.close()
