"""Looks at the database: is it there, as new as the program, safely set, and what it says of workers and webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.app.conditions import conditions
from rapport.app.doctor.finding import Finding, bad, fair, well
from rapport.app.settings import Settings
from rapport.app.wiring import installed
from rapport.kernel.clock import SECOND
from rapport.storage.engine import Database
from rapport.storage.migrate import CORE, newest_revision, revisions_in
from rapport.storage.refusals import explained

__all__ = ["database"]

APART = 5 * SECOND
"""So far may the clocks of this machine and of the database be apart."""

OLDEST_POSTGRESQL = 130_000

_SEEN_ELSEWHERE = frozenset(("disk_full", "disk_nearly_full"))

_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""Without the first two a power cut can destroy the database; without the third it loses what was acknowledged."""


def database(settings: Settings) -> Iterator[Finding]:
    """All that can be seen of the database, as far as it answers."""
    path = _file_of(settings.url)
    if path is not None and not path.exists():
        yield bad(
            "database", f"there is no database {path}", "`rapport serve` makes it, `rapport restore` brings one back."
        )
        return
    db = Database.open(settings.url)
    try:
        with db.look() as conn:
            yield from _schema(conn)
            yield from _settings_of(db, conn)
            yield from _clocks(db, conn)
            if revisions_in(conn).get("") == newest_revision(CORE):
                yield from _conditions(db, settings, conn)
    except DBAPIError as error:
        told = explained(error, settings.url)
        yield bad("database", told.message, told.hint or "See the database's own log.")
    finally:
        db.close()


def _file_of(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _schema(conn: Connection) -> Iterator[Finding]:
    found = revisions_in(conn)
    wanted = {branch.slice: newest_revision(branch) for branch in (CORE, *installed().branches)}
    newer = [name or "Rapport" for name, newest in wanted.items() if found.get(name, "0000") > newest]
    older = [name or "Rapport" for name, newest in wanted.items() if found.get(name, "0000") < newest]
    if newer:
        yield bad("schema", f"the database was used by a newer {newer[0]}", f"Start that, or a newer {newer[0]}.")
    elif older:
        to_do = "`rapport backup` first; the next start of the server brings it up to date."
        yield fair("schema", f"the tables of {', '.join(older[:3])} are of an older version", to_do)
    else:
        yield well("schema", f"all tables are as this version wants them ({found.get('', '')})")


def _settings_of(db: Database, conn: Connection) -> Iterator[Finding]:
    if db.dialect == "sqlite":
        mode = _one(conn, "PRAGMA journal_mode")
        if mode != "wal":
            yield bad("database", f"SQLite's journal is {mode}, not wal", "Is the folder read-only, or a network's?")
        else:
            yield well("database", f"SQLite {_one(conn, 'SELECT sqlite_version()')}, write-ahead log")
        return
    version = int(_one(conn, "SHOW server_version_num"))
    lax = [name for name, wanted in _DURABLE.items() if _one(conn, f"SHOW {name}") == "off" != wanted]
    encoding = _one(conn, "SHOW server_encoding")
    if version < OLDEST_POSTGRESQL:
        yield bad("database", f"PostgreSQL {version // 10_000} is too old", "Version 13 or newer is wanted.")
    elif encoding != "UTF8":
        yield bad("database", f"its encoding is {encoding}", "Make the database anew with ENCODING 'UTF8'.")
    elif lax:
        to_do = f"Set {lax[0]} = on in postgresql.conf: what is acknowledged must be on disk."
        yield bad("database", f"PostgreSQL's {lax[0]} is off", to_do)
    else:
        yield well("database", f"PostgreSQL {version // 10_000}, writes are durable")
    yield from _room_for_connections(conn)


def _room_for_connections(conn: Connection) -> Iterator[Finding]:
    most = int(_one(conn, "SHOW max_connections"))
    if most < 40:
        to_do = "Each process of Rapport opens up to 20: set max_connections to 100 or put a pooler between."
        yield fair("connections", f"PostgreSQL lets {most} in", to_do)


def _clocks(db: Database, conn: Connection) -> Iterator[Finding]:
    apart = abs(db.now_us(conn) - time.time_ns() // 1000)
    if apart > APART:
        what = f"the clocks of this machine and of the database are {apart // SECOND} seconds apart"
        yield bad("clocks", what, "Let both follow a time server.")


def _conditions(db: Database, settings: Settings, conn: Connection) -> Iterator[Finding]:
    db.folder = settings.data_dir.absolute()
    found = [one for one in conditions(db, conn) if one.name not in _SEEN_ELSEWHERE]
    for one in found:
        yield bad(one.name, one.what[0].lower() + one.what[1:], one.to_do)
    if not any(one.name == "no_worker" for one in found):
        yield well("worker", "one lives")


def _one(conn: Connection, statement: str) -> Any:
    return conn.exec_driver_sql(statement).scalar_one()
