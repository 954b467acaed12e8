"""What the tests of this room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rapport.storage.engine import Database
from tests.rooms.remember.shop import Shop
from tests.rooms.resolve.shop import ENGINES, database


@pytest.fixture(scope="module", params=ENGINES)
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database on each engine in turn, shared by a file."""
    with database(request.param, tmp_path_factory) as opened:
        yield opened


@pytest.fixture
def shop(db: Database) -> Shop:
    """A workspace of this test alone."""
    return Shop(db)
