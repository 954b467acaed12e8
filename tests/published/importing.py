"""A shop for tests that import a published data set once and look at its log from many sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from rapport.adapters.files import ImportReport
from rapport.app.pipeline import Pipeline
from rapport.app.worker import drain
from rapport.kernel.clock import now_us
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import Identifier
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow, facts, to_fact
from rapport.storage.workspaces import Workspace, create_workspace
from tests.databases import sqlite_database

Known = dict[str, dict[str, Any]]


class Shop:
    """A shop, its log and the report of what was imported into it."""

    report: ImportReport

    def __init__(self, db: Database, workspace: Workspace) -> None:
        self.db = db
        self.workspace = workspace

    def facts(self, name: str | None = None) -> Iterator[Fact]:
        """The facts of its log, those of this name only."""
        with self.db.read() as conn:
            for row in conn.execute(sa.select(facts).order_by(facts.c.seq)):
                fact = to_fact(StoredRow._make(row))
                if name is None or fact.name == name:
                    yield fact

    def known(self) -> tuple[Known, Known]:
        """Values of the traits of all customers, by user id, and of those without one, by anonymous id."""
        named: Known = {}
        nameless: Known = {}
        for (identifier,), traits in self.golden_records():
            (named if identifier.namespace == "user_id" else nameless)[identifier.value] = traits
        return named, nameless

    def golden_records(self) -> Iterator[tuple[list[Identifier], dict[str, Any]]]:
        """Identifiers and values of the traits of every customer, set-based."""
        from rapport.remember.golden import gather
        from rapport.resolve.graph.store import identifiers
        from tests.remembered import REMEMBERED

        now = now_us()
        with self.db.read() as conn:
            roots = conn.execute(sa.select(identifiers.c.root).distinct()).scalars().all()
            for some in chunks(roots, 500):
                for members, state in gather(conn, self.workspace.id, some, remembered=REMEMBERED).values():
                    names = [Identifier(member.namespace, member.value) for member in members]
                    traits = REMEMBERED.read(state or {}, now=now)
                    yield names, {name: held.value for name, held in traits.items()}

    def count(self) -> int:
        """How many facts its log holds."""
        return sum(1 for _ in self.facts())


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """A new shop on SQLite in this folder."""
    db = Database.open(sqlite_database(folder))
    with db.write() as conn:
        workspace = create_workspace(conn, slug="shop", name="Shop", now=now_us())
    yield Shop(db, workspace)
    db.close()


@contextmanager
def folded(shop: Shop, folder: Path, *, among: Callable[[Fact], bool] | None = None) -> Iterator[Shop]:
    """The same shop after a worker has folded its whole log, as `rapport import` does at its end: a copy beside it.

    Where folding takes too long, the facts `among` alone.
    """
    copied = folder / "rapport.db"
    with closing(sqlite3.connect(str(shop.db.path))) as original:
        original.execute("VACUUM INTO ?", (str(copied),))
    db = Database.open(f"sqlite:///{copied}")
    if among is not None:
        _leave_out(db, lambda fact: not among(fact))
    drain(Pipeline(db))
    yield Shop(db, shop.workspace)
    db.close()


def _leave_out(db: Database, left_out: Callable[[Fact], bool]) -> None:
    with db.read() as conn:
        rows = (StoredRow._make(row) for row in conn.execute(sa.select(facts)))
        several = [row.seq for row in rows if left_out(to_fact(row))]
    with db.write() as conn:
        for some in chunks(several, 500):
            conn.execute(sa.delete(facts).where(facts.c.seq.in_(some)))
