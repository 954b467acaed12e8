"""Somebody who was everywhere is erased: not one byte of her is left in any file, on either engine.

What is run besides the erasure itself: the jobs of the lake; on PostgreSQL CHECKPOINT and pg_switch_wal, which a server
in use does by itself, with `wal_recycle = off` (the how-to names it).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from rapport.app.wiring import installed
from rapport.compose.requests import newest_requests
from rapport.storage.engine import Database
from rapport.storage.tidying import found_in
from rapport.storage.workspaces import default_workspace
from tests.engines.canary import BROWSER, CANARY, MAIL, PLACES, USER, Spread, track
from tests.rooms.capabilities.mail_sink import Sink
from tests.running import Engine, Server, free_port, unavailable, wait_until
from tests.stories.kept import database_of

StartServer = Callable[..., Server]

SOUGHT = [CANARY, "+4930901820123"]


@contextmanager
def postgres_of_its_own() -> Iterator[tuple[str, Path]]:
    """The URL of a server that nobody else uses, and its data directory: all that it keeps is in there.

    Not below pytest's folder, which each run that begins closes to other accounts: the server would panic.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = found[-1].parent if found else Path(shutil.which("initdb") or "/nowhere/initdb").parent
    if not (program / "initdb").exists():
        unavailable("no initdb: PostgreSQL's own programs are not installed")
    memory = os.environ.get("PYTEST_DEBUG_TEMPROOT")
    folder = Path(tempfile.mkdtemp(prefix="rapport-canary-", dir=memory))
    data, port = folder / "pgdata", free_port()
    user = "postgres" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)

    def run(*command: str) -> None:
        subprocess.run(command, user=user, group=user, check=True, capture_output=True, cwd=folder, timeout=120)

    run(str(program / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c wal_recycle=off -c fsync=off"
    run(str(program / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "pg.log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres", data
    finally:
        run(str(program / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_not_a_byte_of_her_is_left_anywhere(
    engine: Engine, start_server: StartServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("canary")
    with Sink() as sink:
        mail = {"RAPPORT_SMTP_URL": sink.url, "RAPPORT_MAIL_FROM": "hello@shop.example"}
        if engine == "sqlite":
            _erase_her(start_server(environment=mail), sink, [])
            return
        with postgres_of_its_own() as (url, data):
            server = start_server(data=folder / "data", environment=mail | {"RAPPORT_DATABASE_URL": url})
            _erase_her(server, sink, [data])


def _erase_her(server: Server, sink: Sink, more: list[Path]) -> None:
    with database_of(server) as db:
        db.folder = server.data
        with db.read() as conn:
            shop = default_workspace(conn).id
        here = Spread(server, db, shop, sink)
        bo = {"type": "identify", "userId": "bo", "traits": {"email": "bo@example.com"}}
        here.send(bo, {"type": "track", "event": "Order Completed", "userId": "bo",
                       "properties": {"order_id": "o-bo", "total": 7, "currency": "EUR"}})  # fmt: skip
        for place in PLACES:
            place(here)
        folders = [server.data, *more]
        assert {path.name for path in _found(server, folders)} - {"rapport.db", "rapport.db-wal"}
        before = _bo(here)
        wanted = {"kind": "erasure", "customer": f"email:{MAIL}", "verified": "signed in"}
        request = here.call("POST", "privacy/requests", json=wanted).json()["id"]
        wait_until(lambda: _status(here, request) == "completed", seconds=60)
        wait_until(lambda: not [one for one in _found(server, folders) if "lake" in str(one)], seconds=60)
        assert _bo(here) == before
        here.send(track("Product Viewed", id=f"{CANARY}-late", product_id="p1"))
        _come_again(here)
        with db.read() as conn:
            assert CANARY not in str(newest_requests(conn, shop))
        assert _rows(db) == [], "\n".join(map(str, _rows(db)))
    server.stop()
    if more:
        with psycopg.connect(server.environment["RAPPORT_DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as c:
            for _ in range(2):
                c.execute("SELECT pg_switch_wal()")
                c.execute("CHECKPOINT")
            files = {path.name for path in _found(server, folders)}
            relations = c.execute("SELECT relname FROM pg_class WHERE relfilenode::text = ANY(%s)", [list(files)])
            assert [name for (name,) in relations] == []
    assert [str(path) for path in _found(server, folders)] == []


def _come_again(here: Spread) -> None:
    """The same input again, as an import or a late client sends it."""
    here.send(*(track(f"Again {n}", id=f"{CANARY}-again-{n}") for n in range(3)))
    here.send({"type": "identify", "userId": USER, "traits": f"Ada {CANARY}, {MAIL}"})
    assert here.server.customer(f"user_id:{USER}") is None
    assert here.server.customer(f"anonymous_id:{BROWSER}") is None


def _status(here: Spread, request: str) -> str:
    return str(here.call("GET", f"privacy/requests/{request}").json()["status"])


def _bo(here: Spread) -> object:
    """Bo as he is, without what says when it was read."""
    record = here.server.customer("user_id:bo")
    return record and {name: value for name, value in record.items() if name not in ("as_of", "read_at")}


def _rows(db: Database) -> list[tuple[str, str]]:
    """The rows in which she stands, by table."""
    with db.read() as conn:
        return [
            (name, str(row)[:400])
            for name, table in installed().tables.items()
            for row in conn.execute(sa.select(table))
            if any(found in str(row) for found in SOUGHT)
        ]


def _found(server: Server, folders: list[Path]) -> list[Path]:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in [*files, server.log] if found_in([path], SOUGHT)]
