"""What the tests of this room share."""

from __future__ import annotations

import pytest

from rapport.storage.engine import Database
from tests.rooms.resolve.shop import Shop


@pytest.fixture(scope="module")
def db(shared_db: Database) -> Database:
    """The tests of a file share it."""
    return shared_db


@pytest.fixture
def shop(db: Database) -> Shop:
    """A workspace of this test alone."""
    return Shop(db)
