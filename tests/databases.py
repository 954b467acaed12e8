"""Databases that tests run on: brought up to date once by the program's own means, then copied for each test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections import defaultdict, deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from rapport.app.bootstrap import open_database
from rapport.app.settings import Settings
from rapport.storage.engine import Database
from tests.running import Engine, unavailable

POSTGRES = os.environ.get("RAPPORT_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
"""The server on which tests make databases of their own."""

ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
"""What a fixture that opens a database takes as its `params`."""


@contextmanager
def opened_database(engine: Engine, folder: Path) -> Iterator[Database]:
    """A new database with all tables; on SQLite a file in this folder."""
    with database_at(engine, folder) as url:
        opened = Database.open(url)
        yield opened
        opened.close()


@contextmanager
def database_at(engine: Engine, folder: Path) -> Iterator[str]:
    """The URL of a new database with all tables; on SQLite a file in this folder."""
    if engine == "sqlite":
        yield sqlite_database(folder)
        return
    with postgres_database() as url:
        yield url


def sqlite_database(folder: Path) -> str:
    """The URL of a new SQLite file `rapport.db` in this folder, with all tables; makes the folder."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(_sqlite_template(), folder / "rapport.db")
    return f"sqlite:///{folder / 'rapport.db'}"


@contextmanager
def postgres_database(*, empty: bool = False) -> Iterator[str]:
    """The URL of a PostgreSQL database with all tables and nothing in them, or without any; gone afterwards."""
    server = _postgres()
    name = server.create(template="template1") if empty else server.copy()
    try:
        yield _url(name)
    finally:
        if empty:
            server.drop(name)
        else:
            server.take_back(name)


def drop_databases() -> None:
    """Return once nothing is left of what this process made."""
    if _postgres.cache_info().currsize:
        _postgres().close()
    if _sqlite_template.cache_info().currsize:
        shutil.rmtree(_sqlite_template().parent, ignore_errors=True)


def _bring_up_to_date(url: str) -> Path:
    """Do what every command of the program does first; answers the data folder, in which SQLite's file is."""
    folder = Path(tempfile.mkdtemp(prefix="rapport-template-"))
    open_database(Settings.load({}, data_dir=folder, database_url=url)).close()
    return folder


@cache
def _sqlite_template() -> Path:
    return _bring_up_to_date("") / "rapport.db"


def _url(name: str) -> str:
    return make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)


def _connect(name: str = "") -> psycopg.Connection:
    server = make_url(POSTGRES).set(drivername="postgresql")
    url = (server.set(database=name) if name else server).render_as_string(hide_password=False)
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


AHEAD = 2
"""So many copies are made before a test asks for one."""

_SHAPE = """
SELECT md5(string_agg(told, ';' ORDER BY told)) FROM (
    SELECT concat_ws(',', relname, relkind, relnatts, relchecks, relhastriggers, relnamespace, reloptions) AS told
    FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
    UNION ALL SELECT concat_ws(',', conname, contype) FROM pg_constraint
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS all_there_is
"""
"""What two databases agree on that have the same tables, indexes, constraints and functions."""
_WRITTEN = """
SELECT relname, pg_relation_size(oid), reltuples >= 0 FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
"""The tables that have a page, with their bytes, and whether somebody has vacuumed them."""
_LEARNED = "SELECT 1 FROM pg_stats WHERE schemaname = 'public' AND tablename <> ALL(%s) LIMIT 1"
"""Whether PostgreSQL keeps values of a table for its planner."""
_SEQUENCES = "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
"""Start every sequence over."""
LARGE = 100_000
"""Bytes from which a table is given new files; below, deleting its rows takes a tenth of the time. A vacuumed table is
given them, too, and a larger one would be vacuumed: of one that was empty then the planner thinks it still is."""


class _Template:
    """The database that others are copies of: how it looks, and what its tables hold from their making."""

    def __init__(self, name: str) -> None:
        self.name = name
        with _connect(name) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()
            filled = [table for table, *_ in connection.execute(_WRITTEN)]
            self._look = " UNION ALL ".join(f"SELECT '{table}', t::text FROM \"{table}\" AS t" for table in filled)
            self._rows = self._kept(connection)

    def restore(self, name: str) -> bool:
        """Empty what was written in a copy; False where more than rows was changed."""
        with _connect(name) as connection, connection.transaction():
            if connection.execute(_SHAPE).fetchone() != self._shape:
                return False
            if connection.execute(_LEARNED, [list(self._rows)]).fetchone():
                return False
            kept = self._kept(connection)
            changed = {table for table, rows in self._rows.items() if rows != kept.get(table)}
            for table, size, is_vacuumed in connection.execute(_WRITTEN).fetchall():
                if table in changed or table not in self._rows:
                    anew = "TRUNCATE" if size > LARGE or is_vacuumed else "DELETE FROM"
                    connection.execute(f'{anew} "{table}"'.encode())
            for table in changed:
                again = (
                    f'INSERT INTO "{table}" SELECT (row).* FROM (SELECT unnest(%s::text[])::"{table}" AS row) AS rows'
                )
                connection.execute(again.encode(), [self._rows[table]])
            connection.execute(_SEQUENCES)
        return True

    def _kept(self, connection: psycopg.Connection) -> dict[str, list[str]]:
        """What the tables hold that are not empty from their making."""
        found: dict[str, list[str]] = defaultdict(list)
        for table, row in sorted(connection.execute(self._look.encode())):
            found[table].append(row)
        return dict(found)


class _Postgres:
    """The tests' PostgreSQL. Making a database and dropping it copy and remove five hundred files, so a copy that was
    used is emptied and serves another test; all of it happens beside the tests.
    """

    def __init__(self) -> None:
        try:
            self._connection = _connect()
        except psycopg.OperationalError as error:
            unavailable(f"no PostgreSQL at RAPPORT_TEST_POSTGRES: {error}")
        self._template: _Template | None = None
        self._making, self._dropping = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._copies: deque[Future[str]] = deque()

    def copy(self) -> str:
        """The name of a database with all tables and nothing in them."""
        if self._template is None:
            made = self.create(template="template1")
            shutil.rmtree(_bring_up_to_date(_url(made)))
            self._template = _Template(made)
        while len(self._copies) <= AHEAD:
            self._copies.append(self._making.submit(self.create, template=self._template.name))
        return self._copies.popleft().result()

    def create(self, *, template: str) -> str:
        """Copy a database; answers the name of the copy."""
        name = _new_name()
        self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return name

    def take_back(self, name: str) -> None:
        """Begin to make a copy that was used as new, or another where that cannot be."""
        self._copies.append(self._making.submit(self._renewed, name))

    def _renewed(self, name: str) -> str:
        assert self._template is not None
        renamed = _new_name()  # whoever is still about knows the old one, and must not come back
        try:
            self._connection.execute(_LEAVE, [name])
            self._connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{renamed}"'.encode())
            if self._template.restore(renamed):
                return renamed
        except psycopg.Error:
            self.drop(name)
        self.drop(renamed)
        return self.create(template=self._template.name)

    def drop(self, name: str) -> None:
        """Begin to drop a database, whoever is connected to it."""
        self._dropping.submit(_drop, name)

    def close(self) -> None:
        """Return once all is dropped."""
        self._making.shutdown()
        template = [self._template.name] if self._template else []
        for name in (*(copy.result() for copy in self._copies), *template):
            self.drop(name)
        self._dropping.shutdown()
        self._connection.close()


_LEAVE = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
"""End everybody who is connected to a database, and wait for it."""


def _new_name() -> str:
    return f"rapport_test_{secrets.token_hex(6)}"


def _drop(name: str) -> None:
    with suppress(psycopg.OperationalError), _connect() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@cache
def _postgres() -> _Postgres:
    return _Postgres()
