"""An installation of an older version is started by this one while facts come: nothing is lost, nothing counted twice.

What it kept stands in `older/`, as text of schema 0042; `older/make.py` writes it anew by any version.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from rapport.app.filling import FILLING
from rapport.app.pipeline import Pipeline
from rapport.app.worker import Worker
from rapport.collect.store import sources
from rapport.remember.digest import digest
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.locks import Lock
from rapport.storage.log import LogRow
from rapport.storage.migrate import newest_revision, revisions_in
from rapport.storage.workspaces import create_workspace
from tests.databases import ENGINES, database_at, postgres_database
from tests.remembered import REMEMBERED
from tests.running import Engine, Server, http, wait_until

OLDER = Path(__file__).parent / "older"
SENT = 40
"""Requests of ten facts, once the new version answers."""


@pytest.fixture(params=ENGINES)
def older(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, str]]:
    """A database as the older version left it, ten of its facts not folded yet."""
    text = gzip.decompress((OLDER / f"{request.param}.sql.gz").read_bytes()).decode()
    if request.param == "sqlite":
        folder = tmp_path / "data"
        folder.mkdir(mode=0o700)
        with closing(sqlite3.connect(folder / "rapport.db")) as made:
            made.executescript(text)
        yield "sqlite", f"sqlite:///{folder / 'rapport.db'}"
        return
    with postgres_database(empty=True) as url:
        with plain(url) as made:
            made.execute("\n".join(line for line in text.splitlines() if not line.startswith("\\")).encode())
        yield "postgres", url


@contextmanager
def plain(url: str) -> Iterator[Any]:
    """A connection of the driver alone, as another program has."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(parsed.database), timeout=60)) as made, made:
            yield made
    else:
        shown = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(shown) as other:
            yield other


class OlderServer:
    """Goes on appending while the schema changes, in the statement of its own version."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        mark = "?" if self.url.startswith("sqlite") else "%s"
        columns = "workspace, source, strand, bucket, occurred_at, received_at, body"
        with plain(self.url) as conn:
            seen = conn.execute(f"SELECT {columns} FROM facts WHERE message_id = 'm0'").fetchone()
        body = json.loads(bytes(seen[-1]))
        append = f"INSERT INTO facts ({columns}, message_id) VALUES ({', '.join([mark] * 8)})"
        while not self._stop.is_set():
            ident = f"late-{len(self.acknowledged)}"
            with plain(self.url) as conn:
                if mark == "%s":
                    conn.execute(f"SELECT pg_advisory_xact_lock_shared({int(Lock.APPENDING)})")
                conn.execute(append, (*seen[:-1], json.dumps(body | {"id": ident}).encode(), ident))
            self.acknowledged.append(ident)
            self._stop.wait(0.02)


@pytest.mark.slow
def test_an_older_installation_is_upgraded_while_facts_come(
    older: tuple[Engine, str], start_server: Callable[..., Server], tmp_path: Path
) -> None:
    engine, url = older
    running = OlderServer(url)
    wait_until(lambda: running.acknowledged, seconds=60)
    environment = {} if engine == "sqlite" else {"RAPPORT_DATABASE_URL": url}
    server = start_server(engine=engine, data=tmp_path / "data", environment=environment)
    running.finish()
    sent = [f"new-{number}" for number in range(SENT * 10)]
    for first in range(0, len(sent), 10):
        batch = [
            {"type": "track", "event": "Product Viewed", "userId": "ada", "messageId": ident,
             "properties": {"product_id": "p1"}} for ident in sent[first : first + 10]
        ]  # fmt: skip
        answer = http.post(f"{server.url}/v1/batch", json={"batch": batch}, auth=(server.write_key, ""))
        assert answer.status_code == 200
    wait_until(lambda: http.get(f"{server.url}/readyz").json()["lag"] == 0, seconds=150)
    server.stop()
    db = Database.open(url)
    assert kept(db) >= {*running.acknowledged, *sent, "m0", "m89", "alias"}
    with db.read() as conn:
        assert revisions_in(conn)[""] == newest_revision()
    assert folded(db) == replayed(db, engine, tmp_path / "replayed")
    db.close()


def kept(db: Database) -> set[str]:
    with db.read() as conn:
        return set(conn.execute(sa.select(log.facts.c.message_id)).scalars())


def folded(db: Database) -> dict[str, object]:
    """The digest of all Golden Records, once what this version knows and the older did not was filled."""
    worker = Worker(Pipeline(db))
    worker.help()
    with db.read() as conn:
        newest = log.newest_seq(conn)
    while not worker.reached(newest) or worker.run_job(FILLING):
        worker.help()
    worker.close()
    with db.read() as conn:
        return dict(digest(conn, remembered=REMEMBERED))


def replayed(db: Database, engine: Engine, folder: Path) -> dict[str, object]:
    """The same of this version alone, to which everything in the log comes at once."""
    with db.read() as conn:
        stored = conn.execute(sa.select(log.facts).order_by(log.facts.c.seq)).all()
        known = [dict(row._mapping) for row in conn.execute(sa.select(sources))]
    rows = [LogRow(*row[1:]) for row in stored]
    with database_at(engine, folder) as url, closing(Database.open(url)) as fresh:
        with fresh.write() as conn:
            create_workspace(conn, slug="shop", name="My shop", now=stored[0].received_at)
            conn.execute(sources.insert(), known)
            assert log.append(conn, rows) == len(rows)
        return folded(fresh)
