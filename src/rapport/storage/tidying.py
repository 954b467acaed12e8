"""What a database keeps of what was deleted: its write-ahead log, free pages, statistics. Tidied after an erasure.

SQLite: what is deleted is overwritten (`secure_delete`) and the write-ahead log moved into the file and cut; then the
file is searched, and only where a text is found, or it is no longer known what to look for, is it written anew
(VACUUM). PostgreSQL: each table that held something is written anew up to `REWRITTEN_BYTES`, and tidied beyond it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rapport.storage.engine import Database

__all__ = ["REWRITTEN_BYTES", "Tidied", "found_in", "tidy"]

REWRITTEN_BYTES = 256 * 1024 * 1024
"""A table of PostgreSQL up to this size is written anew, while which nobody can use it: some seconds."""
_PIECE = 8 * 1024 * 1024


class Tidied(NamedTuple):
    """What was done, and what is left, in words."""

    words: str
    left: list[str]


def tidy(db: Database, tables: Collection[str], texts: Sequence[str] | None) -> Tidied:
    """Have the files forget what was deleted; `texts` is what to look for, None where that is not known any more."""
    return _tidy_sqlite(db, texts) if db.path else _tidy_postgresql(db, tables)


def _tidy_sqlite(db: Database, texts: Sequence[str] | None) -> Tidied:
    files = [db.path, db.path.with_name(db.path.name + "-wal")] if db.path else []
    cut = _empty_wal(db)
    rewritten = texts is None or bool(found_in(files, texts))
    if rewritten:
        with db.alone() as driver:
            driver.execute("VACUUM")
        cut = _empty_wal(db)
    searched = "" if texts is None else f", searched for {len(texts)} texts: {len(found_in(files, texts))} found"
    left = [] if cut else ["a reader kept the write-ahead log from being cut; it is cut when nobody reads"]
    return Tidied(f"overwritten{', written anew' if rewritten else ''}{searched}", left)


def _empty_wal(db: Database) -> bool:
    with db.alone() as driver:
        return int(driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) == 0


def _tidy_postgresql(db: Database, tables: Collection[str]) -> Tidied:
    left, whole = ["the server's write-ahead log, archives of it and backups keep their old pages until they go"], 0
    with db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
        for table in sorted(tables):
            size = int(conn.exec_driver_sql("SELECT pg_table_size(%s::regclass)", (table,)).scalar_one())
            full = size <= REWRITTEN_BYTES
            conn.exec_driver_sql(f'VACUUM ({"FULL, " if full else ""}ANALYZE) "{table}"')
            whole += full
            if not full:
                left.append(f"pages of {table} ({size:,} bytes) are free and not yet overwritten: VACUUM FULL {table}")
        if not _rewrite_statistics(conn):
            left.append("old statistics: only a superuser may VACUUM FULL pg_statistic")
    return Tidied(f"{whole} of {len(tables)} tables written anew, statistics made anew", left)


def _rewrite_statistics(conn: Connection) -> bool:
    try:
        if not conn.exec_driver_sql("SELECT usesuper FROM pg_user WHERE usename = current_user").scalar():
            return False
        conn.exec_driver_sql("VACUUM FULL pg_statistic")
    except DBAPIError:
        return False
    return True


def found_in(files: Iterable[Path], texts: Sequence[str]) -> list[str]:
    """Which of these texts stand in these files, in small or capital letters. Reads each file once, in pieces."""
    wanted = {text: text.encode().lower() for text in texts}
    longest = max(map(len, wanted.values()), default=0)
    found: set[str] = set()
    for path in files:
        if not path.exists():
            continue
        with path.open("rb") as file:
            before = b""
            while piece := file.read(_PIECE):
                seen: Any = before + piece.lower()
                found.update(text for text, raw in wanted.items() if raw in seen)
                before = seen[-longest:] if longest else b""
    return sorted(found)
