"""A database with one shop, and ways to look at what reached its log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rapport.kernel.facts import Fact
from rapport.storage.engine import Database
from rapport.storage.log import latest, to_fact
from rapport.storage.workspaces import Workspace, create_workspace, default_workspace

Landed = Callable[[], list[Fact]]


@pytest.fixture
def db(db: Database) -> Database:
    """A database with all tables and one shop, on each engine in turn."""
    with db.write() as conn:
        create_workspace(conn, slug="shop", name="Shop", now=0)
    return db


@pytest.fixture
def shop(db: Database) -> Workspace:
    """The shop."""
    with db.read() as conn:
        return default_workspace(conn)


@pytest.fixture
def landed(db: Database, shop: Workspace) -> Landed:
    """All facts in the log, in the order they arrived."""

    def read() -> list[Fact]:
        with db.read() as conn:
            return [to_fact(row) for row in reversed(latest(conn, shop.id, limit=1_000_000))]

    return read


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """A function that writes a file and answers its path."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return make
