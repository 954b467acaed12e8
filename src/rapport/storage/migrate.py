"""The schema, brought up to date on every start; several processes may start at once.

Migrations are the only way a table is made or changed; a test holds them against what the rooms declare. Rapport's own
stand in `migrations/versions`; a slice with tables brings a branch: a folder of its own, numbered from 0001, whose
progress is kept in a table of its own. So a slice can be left out (its tables rest untouched) and installed again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database, metadata
from rapport.storage.leases import ensure_buckets
from rapport.storage.locks import Lock, lock_alone

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["CORE", "NONE", "Branch", "migrate", "newest_revision", "revisions_in", "upgrade", "write_revision"]

MIGRATIONS = Path(__file__).parent / "migrations"

NONE = "0000"
"""The revision of a branch that has no migration yet."""


class Branch(NamedTuple):
    """A line of migrations with its own numbers."""

    slice: str
    """The slice whose tables it makes; empty for Rapport's own."""
    folder: Path
    """Files named `0001_what_changes.py`."""

    @property
    def version_table(self) -> str:
        """Where the database keeps how far this branch has come."""
        return f"schema_of_{self.slice}" if self.slice else "alembic_version"

    @property
    def words(self) -> str:
        return f"schema of {self.slice}" if self.slice else "schema"


CORE = Branch("", MIGRATIONS / "versions")


def migrate(db: Database, branches: Iterable[Branch] = ()) -> None:
    """Upgrade to the newest schema: Rapport's own, then those of the slices, in one transaction.

    Raises Misconfigured where the database is newer than this program or than a slice.
    """
    wanted = {branch: newest_revision(branch) for branch in (CORE, *branches)}
    with db.read() as conn:
        if _revisions(conn, wanted) == wanted:
            return
    with db.write() as conn:
        lock_alone(conn, Lock.MIGRATING)
        upgrade(conn, branches)


def upgrade(conn: Connection, branches: Iterable[Branch] = (), *, to: Mapping[str, str] | None = None) -> None:
    """Upgrade in this transaction: to the newest schema, or to these revisions by slice. Raises Misconfigured."""
    for branch, found in _revisions(conn, (CORE, *branches)).items():
        newest = newest_revision(branch)
        wanted = newest if to is None else to.get(branch.slice, NONE)
        if max(found, wanted) > newest:
            raise Misconfigured(
                f"the database has {branch.words} {max(found, wanted)}, this program knows {newest}",
                hint=f"start a newer {branch.slice or 'Rapport'}",
            )
        if found < wanted:
            _upgrade(conn, branch, wanted)


def revisions_in(conn: Connection) -> dict[str, str]:
    """By slice (empty: Rapport's own line) how far this database has come, also of slices that are not installed."""
    tables = sa.inspect(conn).get_table_names()
    known = [
        CORE,
        *(Branch(name.removeprefix("schema_of_"), Path()) for name in tables if name.startswith("schema_of_")),
    ]
    return {branch.slice: revision for branch, revision in _revisions(conn, known).items() if revision != NONE}


def newest_revision(branch: Branch = CORE) -> str:
    """The number of a branch's last migration; NONE where there is none."""
    return max((path.name.split("_")[0] for path in branch.folder.glob("[0-9]*.py")), default=NONE)


def write_revision(
    db: Database, message: str, *, branch: Branch = CORE, tables: Collection[Table] | None = None
) -> str:
    """Write what the declared tables have and this database lacks as the branch's next migration; returns the path.

    `tables` are the branch's own; None for all that are declared.
    """
    from alembic import command

    number = f"{int(newest_revision(branch)) + 1:04d}"
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    with db.write() as conn:
        script = command.revision(_config(conn, branch, tables), message, autogenerate=True, rev_id=number)
    made = Path(str(getattr(script, "path", "")))
    return str(made.rename(made.with_name(f"{number}_{slug}.py")))


def _upgrade(conn: Connection, branch: Branch, revision: str) -> None:
    from alembic import command  # half a second to import, which most starts do not need

    command.upgrade(_config(conn, branch), revision)
    if branch == CORE:
        ensure_buckets(conn)


def _revisions(conn: Connection, branches: Iterable[Branch]) -> dict[Branch, str]:
    """How far the database has come in each branch."""
    present = set(sa.inspect(conn).get_table_names())
    return {
        branch: _revision(conn, branch) if branch.version_table in present else NONE
        for branch in branches
    }  # fmt: skip


def _revision(conn: Connection, branch: Branch) -> str:
    found = conn.exec_driver_sql(f"SELECT version_num FROM {branch.version_table}").scalar()
    return NONE if found is None else str(found)


def _config(conn: Connection, branch: Branch, tables: Collection[Table] | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(branch.folder))
    config.set_main_option("path_separator", "os")
    declared = [metadata] if tables is None else list({id(table.metadata): table.metadata for table in tables}.values())
    names = None if tables is None else {table.name for table in tables}
    config.attributes.update(
        connection=conn, version_table=branch.version_table, metadata=declared, include=_only(names)
    )
    return config


def _only(tables: Collection[str] | None) -> Any:
    """Which tables Alembic looks at when it compares: those of one branch."""

    def include(name: str | None, kind: str, parents: Any) -> bool:
        return kind != "table" or tables is None or name in tables

    return include
