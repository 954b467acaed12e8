"""One SQL database behind SQLAlchemy Core: a SQLite file by default, PostgreSQL where a shop has outgrown it.

Every write is one short transaction. SQLite allows one writer at a time and lets the others poll; here they queue on a
lock file instead (`storage/turn.py`), which wakes the next writer at once and is released by the kernel when a process
dies.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from rapport.kernel.errors import Misconfigured, Unavailable
from rapport.storage import arrays
from rapport.storage.turn import WriterTurn

__all__ = ["CText", "ChangeWatch", "Database", "metadata"]

metadata = MetaData()
"""All tables of all rooms; each room's `store.py` adds its own."""

CText = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text compared byte by byte on both engines, so that prefix search can use an index."""

CHECKPOINT_FRAMES = 4_000
"""Pages of 4 KiB in the write-ahead log from which on it is worth starting it over."""

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA busy_timeout=60000",
    "PRAGMA wal_autocheckpoint=50000",  # where nobody calls `checkpoint`
    "PRAGMA cache_size=-32768",
    "PRAGMA temp_store=MEMORY",
)


class Database:
    """The one database of an installation. Cheap to share between threads; open one per process."""

    def __init__(self, engine: sa.Engine, *, path: Path | None) -> None:
        self.engine = engine
        self.path = path
        self.folder = path.parent if path else None
        """The installation's data folder, where it is known: for what is kept in files beside the database."""
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if path else "postgresql"
        self._writer = engine.execution_options(rapport_write=True)
        self._reader = engine if path else engine.execution_options(isolation_level="REPEATABLE READ")
        self._looker = engine if path else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._turn = WriterTurn(path) if path else None

    @classmethod
    def open(cls, url: str, *, ping: bool = True) -> Database:
        """Open `sqlite:///path/file.db` or `postgresql://…`. Raises Misconfigured for another scheme.

        Without `ping` a connection that broke while it rested is found out by the statement that fails on it, for
        whoever tries again anyway; with it by a round trip to PostgreSQL before each transaction.
        """
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise Misconfigured(
                    f"database URL {url!r} names no file", hint="use sqlite:////var/lib/rapport/rapport.db"
                )
            path = Path(parsed.database).absolute()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _for_the_owner_alone(path)
            return cls(_sqlite_engine(path), path=path)
        if parsed.get_backend_name() == "postgresql":
            return cls(_postgresql_engine(parsed, ping=ping), path=None)
        raise Misconfigured(
            f"database scheme {parsed.drivername!r} is not supported", hint="use sqlite:/// or postgresql://"
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: all queries inside see the same state."""
        with self._reader.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """Queries that need not see the same state: each sees the latest. On PostgreSQL no transaction, which would be
        two round trips more.
        """
        with self._looker.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self, *, patient: bool = False) -> Iterator[Connection]:
        """One transaction, committed (and on disk) when the block ends, rolled back when it raises.

        Who is `patient` has much to write and nobody who waits for it: see `is_waited_for`.
        """
        if self._turn is None:
            with self._writer.connect() as conn, conn.begin():
                yield conn
            return
        with self._turn.taken(patient=patient), self._writer.connect() as conn, conn.begin():
            yield conn

    def waiting(self) -> AbstractContextManager[None]:
        """Tell that somebody waits to write, while the block lasts (`WriterTurn.waiting`)."""
        return nullcontext() if self._turn is None else self._turn.waiting()

    def is_waited_for(self) -> bool:
        """Whether anybody who is not patient waits to write, for which a writer of much may write less at a time.

        Never on PostgreSQL, where writers do not wait for each other.
        """
        return self._turn is not None and self._turn.is_waited_for()

    def ping(self) -> None:
        """Raises Unavailable where the database does not answer."""
        try:
            with self.read() as conn:
                conn.exec_driver_sql("SELECT 1")
        except OperationalError as error:
            raise Unavailable("the database does not answer", hint="is it running and reachable?") from error

    def now_us(self, conn: Connection) -> int:
        """Microseconds now on the clock all workers share: the server's on PostgreSQL, this machine's on SQLite."""
        if self.dialect == "sqlite":
            return time.time_ns() // 1000
        return int(
            conn.exec_driver_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").scalar_one()
        )

    def checkpoint(self) -> None:
        """Move what SQLite has in its write-ahead log into the file, so that no writer has to stop for it.

        Most of it beside the writers, the little that came meanwhile in their turn: then the log starts over.
        """
        if self._turn is None:
            return
        with self.engine.connect() as conn:
            driver: Any = conn.connection.driver_connection
            frames = driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
            if frames > CHECKPOINT_FRAMES:
                with self._turn.taken(patient=True):
                    driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """SQLite's own connection, outside any transaction and in the writers' turn."""
        if self._turn is None:
            raise Misconfigured("only SQLite has a file to be alone with")
        with self.engine.connect() as conn, self._turn.taken(patient=True):
            yield conn.connection.driver_connection

    def size_bytes(self) -> int:
        """Bytes on disk."""
        if self.path is not None:
            files = [self.path, self.path.with_name(self.path.name + "-wal")]
            return sum(f.stat().st_size for f in files if f.exists())
        with self.read() as conn:
            return int(conn.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())

    def close(self) -> None:
        self.engine.dispose()


class ChangeWatch:
    """Tells whether anybody may have committed since the last look; on an idle SQLite file that costs microseconds."""

    def __init__(self, db: Database) -> None:
        self._file = sqlite3.connect(db.path, isolation_level=None, check_same_thread=False) if db.path else None
        self._version = -1

    def changed(self) -> bool:
        """True where there may be something new; always on PostgreSQL, where asking costs as much as reading."""
        if self._file is None:
            return True
        before, self._version = self._version, self._file.execute("PRAGMA data_version").fetchone()[0]
        return before != self._version

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _for_the_owner_alone(path: Path) -> None:
    """Make the database file, or take others' rights to it; SQLite gives its companions the same ones.

    What cannot be done here SQLite cannot do either, and says so in its own words.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
            if file.exists() and file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"check_same_thread": False, "timeout": 60, "cached_statements": 1_024},
        pool_size=5,
        max_overflow=20,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        writing = conn.get_execution_options().get("rapport_write")
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgresql_engine(url: sa.URL, *, ping: bool) -> sa.Engine:
    arrays.register()
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=5,
        max_overflow=15,
        pool_pre_ping=ping,
        hide_parameters=True,
        connect_args={"prepare_threshold": 3, "application_name": "rapport"},
    )
