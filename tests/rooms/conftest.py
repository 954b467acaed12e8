"""A shop of the test's own, with all its slices; rooms below them have smaller ones in a `conftest.py` of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import sqlite_database
from tests.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """On SQLite."""
    found = Shop(sqlite_database(tmp_path))
    yield found
    found.close()


@pytest.fixture
def any_shop(database_url: str) -> Iterator[Shop]:
    """On each engine in turn."""
    found = Shop(database_url)
    yield found
    found.close()
