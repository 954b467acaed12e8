"""Putting a backup into an empty place: a file of SQLite, or the tables of PostgreSQL in one transaction."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured
from rapport.storage.backup.archive import DATABASE, BackupFile
from rapport.storage.backup.taking import ordinary_tables
from rapport.storage.migrate import Branch, upgrade

__all__ = ["clear_schema", "fill_tables", "is_used", "refuse_while_open", "refuse_while_used", "unpack"]


def unpack(backup: BackupFile, path: Path) -> None:
    """Write the database file of a backup to a new file. Raises InvalidInput where it is not what was written."""
    part = next((one for one in backup.manifest.parts if one.name == DATABASE), None)
    if part is None:
        raise InvalidInput(f"{backup.path} holds no {DATABASE}", hint="name another")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        for piece in backup.pieces(part):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def fill_tables(conn: Connection, backup: BackupFile, branches: Iterable[Branch]) -> None:
    """PostgreSQL: make the tables as they were when the backup was taken, and fill them, in this transaction.

    Raises Misconfigured where the backup has tables of a slice that is not installed here, or of a newer version.
    """
    known = list(branches)
    missing = sorted(set(backup.manifest.schema) - {"", *(branch.slice for branch in known)})
    if missing:
        raise Misconfigured(
            f"the backup holds what the slice {missing[0]!r} keeps, which is not installed here",
            hint="install it, then restore again",
        )
    upgrade(conn, known, to=backup.manifest.schema)
    tables = ordinary_tables(conn)
    if tables:
        conn.exec_driver_sql("TRUNCATE " + ", ".join(f'"{name}"' for name in tables))
    driver: Any = conn.connection.driver_connection
    for part in backup.manifest.parts:
        if not set(part.columns) <= set(tables.get(part.table, ())):
            raise Misconfigured(
                f"the backup has a table {part.table!r} as no version of Rapport made it", hint="was it made by hand?"
            )
        listed = ", ".join(f'"{column}"' for column in part.columns)
        with driver.cursor() as cursor, cursor.copy(f'COPY "{part.table}" ({listed}) FROM STDIN') as copied:
            for piece in backup.pieces(part):
                copied.write(piece)
    for name, last in backup.manifest.sequences.items():
        conn.execute(sa.select(sa.func.setval(sa.cast(f'"{name}"', sa.Text), last)))


def is_used(conn: Connection) -> bool:
    """Whether there is an installation in this database already."""
    return "alembic_version" in sa.inspect(conn).get_table_names()


def clear_schema(conn: Connection, tables: Collection[str]) -> None:
    """PostgreSQL: drop these tables and those in which migrations count, in this transaction; others stay."""
    present = set(sa.inspect(conn).get_table_names())
    counting = {name for name in present if name == "alembic_version" or name.startswith("schema_of_")}
    for name in sorted(present & (set(tables) | counting)):
        conn.exec_driver_sql(f'DROP TABLE "{name}" CASCADE')


def refuse_while_used(conn: Connection) -> None:
    """PostgreSQL: raises Conflict where another process of Rapport is connected."""
    others = conn.exec_driver_sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'rapport' AND pid <> pg_backend_pid()"
    ).scalar_one()
    if others:
        raise Conflict(
            f"{others} connections of Rapport use this database", hint="stop the server and all workers first"
        )


def refuse_while_open(path: Path) -> None:
    """SQLite: raises Conflict where another process has the file open; afterwards all of it stands in the one file."""
    connection = sqlite3.connect(path, timeout=1.0, isolation_level=None)
    try:
        # Only the last one that has it open may leave the write-ahead log.
        connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        raise Conflict(f"{path} is in use ({error})", hint="stop the server and all workers first") from error
    finally:
        connection.close()
