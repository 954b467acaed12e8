"""Every table of every room, in one metadata; and the writing of a migration when one has changed.

    uv run python -m rapport.app.tables "customers get a shoe size"

compares the tables the code declares with those the migrations make and writes the difference as a new file below
`storage/migrations/versions`. Read it before you commit it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rapport.act import store as act
from rapport.adapters.files import store as files
from rapport.app import setaside
from rapport.capabilities.catalog import store as catalog
from rapport.capabilities.orders import store as orders
from rapport.capabilities.recommendations import store as recommendations
from rapport.collect import store as collect
from rapport.measure import store as measure
from rapport.remember import store as remember
from rapport.resolve import store as resolve
from rapport.resolve.linking import store as linking
from rapport.storage import leases, log, workspaces
from rapport.storage.engine import Database, metadata
from rapport.storage.migrate import migrate, write_revision
from rapport.web import store as web

__all__ = ["ROOMS", "metadata"]

ROOMS = (
    act, catalog, collect, files, leases, linking, log, measure, orders, recommendations, remember, resolve, setaside,
    web, workspaces,
)  # fmt: skip
"""The modules that declare tables."""


def main(message: str) -> None:
    """Write the difference as a migration."""
    with tempfile.TemporaryDirectory() as folder:
        db = Database.open(f"sqlite:///{Path(folder) / 'migrated.db'}")
        migrate(db)
        print(write_revision(db, message))  # noqa: T201 - a command of the developer's
        db.close()


if __name__ == "__main__":
    main(sys.argv[1])
