"""Taking a backup while everything goes on: one snapshot of the database, written to one file.

Neither engine makes a writer wait. SQLite copies a snapshot of its file first, which needs as much free disk as the
database has, without what was deleted; PostgreSQL is read in one snapshot, table by table.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import now_us, to_iso
from rapport.kernel.errors import Unavailable
from rapport.storage.backup.archive import DATABASE, FORMAT, PIECE, Manifest, Writing, writing
from rapport.storage.engine import Database
from rapport.storage.log import newest_seq
from rapport.storage.migrate import revisions_in
from rapport.storage.workspaces import all_workspaces

__all__ = ["ordinary_tables", "take"]


_SEEN_EVERY = 100_000
"""Of SQLite's steps, some milliseconds: between two looks whether somebody ends the process."""


def take(db: Database, path: Path) -> Manifest:
    """Write a backup to a new file; returns its manifest. Cost: reads the database once.

    Raises InvalidInput where the file exists, Unavailable where it cannot be written or the snapshot is not sound.
    """
    with writing(path) as draft:
        return _of_sqlite(db, path, draft) if db.path else _of_postgresql(db, draft)


def _of_sqlite(db: Database, path: Path, draft: Writing) -> Manifest:
    snapshot = path.with_name(f".{path.name}.snapshot")
    snapshot.unlink(missing_ok=True)
    os.close(os.open(snapshot, os.O_CREAT | os.O_EXCL, 0o600))
    try:
        taken_at = now_us()
        with db.engine.connect() as conn:
            driver: Any = conn.connection.driver_connection
            driver.set_progress_handler(lambda: 0, _SEEN_EVERY)  # else a signal to end waits until all is copied
            try:
                driver.execute("VACUUM INTO ?", (str(snapshot),))
            finally:
                driver.set_progress_handler(None, 0)
        found = _looked_at(snapshot, taken_at)
        with snapshot.open("rb") as file, draft.part(DATABASE) as part:
            while piece := file.read(PIECE):
                part.write(piece)
    except sqlite3.Error as error:
        raise Unavailable(f"the database cannot be copied: {error}", hint="is the disk full?") from error
    finally:
        for name in (snapshot.name, f"{snapshot.name}-wal", f"{snapshot.name}-shm", f"{snapshot.name}-journal"):
            with suppress(OSError):
                snapshot.with_name(name).unlink()
    return draft.finish(found)


def _looked_at(snapshot: Path, taken_at: int) -> Manifest:
    """What the snapshot holds. Raises Unavailable where SQLite finds it broken."""
    engine = sa.create_engine(f"sqlite:///{snapshot}", poolclass=sa.pool.NullPool)
    with engine.connect() as conn:
        said = str(conn.exec_driver_sql("PRAGMA quick_check(1)").scalar_one())
        if said != "ok":
            raise Unavailable(
                f"the database is damaged: {said[:200]}", hint="keep the file, and restore the last good backup"
            )
        return _manifest(conn, "sqlite", taken_at)


def _of_postgresql(db: Database, draft: Writing) -> Manifest:
    with db.read() as conn:
        found = _manifest(conn, "postgresql", db.now_us(conn))
        driver: Any = conn.connection.driver_connection
        for number, (table, columns) in enumerate(ordinary_tables(conn).items()):
            listed = ", ".join(f'"{column}"' for column in columns)
            copying = f'COPY "{table}" ({listed}) TO STDOUT'
            with (
                draft.part(f"tables/{number:04d}.copy", table=table, columns=columns) as part,
                driver.cursor() as cursor,
                cursor.copy(copying) as copied,
            ):
                for piece in copied:
                    part.write(piece)
    # Sequences stand outside transactions: read after the rows, they are never behind them.
    with db.look() as conn:
        rows = conn.exec_driver_sql(
            "SELECT sequencename, last_value FROM pg_sequences"
            " WHERE schemaname = current_schema() AND last_value IS NOT NULL"
        ).all()
    sequences = {row.sequencename: row.last_value for row in rows}
    return draft.finish(msgspec.structs.replace(found, sequences=sequences))


def _manifest(conn: Connection, engine: Any, taken_at: int) -> Manifest:
    return Manifest(
        format=FORMAT, rapport=metadata.version("rapport"), engine=engine, taken_at=to_iso(taken_at),
        log_seq=newest_seq(conn), shops=[one.slug for one in all_workspaces(conn)], schema=revisions_in(conn),
    )  # fmt: skip


def ordinary_tables(conn: Connection) -> dict[str, list[str]]:
    """PostgreSQL: the tables of the schema in use with their columns, but those in which migrations count."""
    rows = conn.exec_driver_sql(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
        " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
    )
    found: dict[str, list[str]] = {}
    for table, column in rows:
        if not re.fullmatch(r"alembic_version|schema_of_\w+", table):
            found.setdefault(table, []).append(column)
    return found
