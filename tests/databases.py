"""Databases that tests run on: brought up to date once by the program's own means, then copied for each test."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections import deque
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
    """The URL of a new PostgreSQL database with all tables, or without any; it is dropped afterwards."""
    server = _postgres()
    name = server.create(template="template1") if empty else server.copy()
    try:
        yield _url(name)
    finally:
        server.drop(name)


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


def _connect() -> psycopg.Connection:
    admin = make_url(POSTGRES).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(admin, autocommit=True, connect_timeout=5)


AHEAD = 2
"""So many copies are made before a test asks for one."""


class _Postgres:
    """The tests' PostgreSQL. Making and dropping a database wait for the disk, so both happen beside the tests."""

    def __init__(self) -> None:
        try:
            self._connection = _connect()
        except psycopg.OperationalError as error:
            unavailable(f"no PostgreSQL at RAPPORT_TEST_POSTGRES: {error}")
        self._template = ""
        self._making, self._dropping = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._copies: deque[Future[str]] = deque()

    def copy(self) -> str:
        """The name of a new database with all tables."""
        if not self._template:
            made = self.create(template="template1")
            shutil.rmtree(_bring_up_to_date(_url(made)))
            self._template = made
        while len(self._copies) <= AHEAD:
            self._copies.append(self._making.submit(self.create, template=self._template))
        return self._copies.popleft().result()

    def create(self, *, template: str) -> str:
        """Copy a database; answers the name of the copy."""
        name = f"rapport_test_{secrets.token_hex(6)}"
        self._connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return name

    def drop(self, name: str) -> None:
        """Begin to drop a database, whoever is connected to it."""
        self._dropping.submit(_drop, name)

    def close(self) -> None:
        """Return once all is dropped."""
        self._making.shutdown()
        for name in (*(copy.result() for copy in self._copies), *filter(None, [self._template])):
            self.drop(name)
        self._dropping.shutdown()
        self._connection.close()


def _drop(name: str) -> None:
    with suppress(psycopg.OperationalError), _connect() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@cache
def _postgres() -> _Postgres:
    return _Postgres()
