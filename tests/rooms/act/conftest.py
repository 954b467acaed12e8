"""A database with its schema, and an HTTP receiver on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rapport.storage.engine import Database
from rapport.storage.migrate import migrate
from tests.rooms.act.receiver import Receiver


def _opened(url: str) -> Iterator[Database]:
    found = Database.open(url)
    migrate(found)
    yield found
    found.close()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """On SQLite."""
    yield from _opened(f"sqlite:///{tmp_path / 'rapport.db'}")


@pytest.fixture
def any_db(database_url: str) -> Iterator[Database]:
    """On each engine in turn."""
    yield from _opened(database_url)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found
