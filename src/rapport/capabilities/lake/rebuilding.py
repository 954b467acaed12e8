"""All Golden Records made anew from the lake: in a database of its own, so that what serves is not touched.

What a shop decides (its settings, sources and the secret behind customer ids) is copied from the database, facts come
from the lake alone. What people decided about identities by hand, and learned links, are no facts: they are not in it.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from rapport.collect.store import sources
from rapport.compose.installed import Installed
from rapport.kernel.errors import Conflict
from rapport.resolve.graph.store import identity_epochs, identity_secret
from rapport.storage.bulk import insert_ignore, insert_rows
from rapport.storage.engine import Database
from rapport.storage.lake.table import Lake
from rapport.storage.lake.upkeep import read_rows
from rapport.storage.log import facts
from rapport.storage.migrate import migrate
from rapport.storage.settings import shop_settings
from rapport.storage.workspaces import workspaces

__all__ = ["copy_decided", "fill_from_lake", "new_database"]

_DECIDED = (workspaces, shop_settings, sources, identity_secret, identity_epochs)

_AT_ONCE = 10_000


def new_database(folder: Path, slices: Installed) -> Database:
    """An empty SQLite database with all tables in this folder. Raises Conflict where there is one already."""
    file = folder / "rapport.db"
    if file.exists():
        raise Conflict(f"{file} exists", hint="--into names a folder without a database")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = Database.open(f"sqlite:///{file}")
    migrate(db, slices.branches)
    return db


def copy_decided(made: Database, decided: Database) -> None:
    """Copy what the shops decide, without which facts would be read otherwise."""
    with decided.read() as old, made.write() as conn:
        for table in _DECIDED:
            insert_rows(conn, table, [dict(row._mapping) for row in old.execute(sa.select(table))])


def fill_from_lake(made: Database, lake: Lake, *, after: int = 0) -> int:
    """Put the facts of the lake after this `seq` into the log of `made`, under their own numbers; returns how many."""
    rows, done = read_rows(lake, after=after), 0
    while some := list(islice(rows, _AT_ONCE)):
        with made.write() as conn:
            insert_ignore(conn, facts, [row._asdict() for row in some], key=("workspace", "message_id"))
        done += len(some)
    return done
