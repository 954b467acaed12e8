"""A database on SQLite, and an HTTP receiver on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.storage.engine import Database
from tests.databases import sqlite_database
from tests.rooms.act.receiver import Receiver


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """On SQLite."""
    found = Database.open(sqlite_database(tmp_path))
    yield found
    found.close()


@pytest.fixture
def any_db(database_url: str) -> Iterator[Database]:
    """On each engine in turn."""
    found = Database.open(database_url)
    yield found
    found.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found
