"""The schema, brought up to date on every start; several processes may start at once.

Migrations are the only way a table is made or changed; a test holds them against what the rooms declare.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.leases import ensure_buckets
from rapport.storage.locks import Lock, lock_alone

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["migrate", "newest_revision", "write_revision"]

MIGRATIONS = Path(__file__).parent / "migrations"

NONE = "0000"
"""The revision of a program that has no migration yet."""


def migrate(db: Database) -> None:
    """Upgrade to the newest schema. Raises Misconfigured where the database is newer than this program."""
    newest = newest_revision()
    with db.read() as conn:
        if _revision(conn) == newest:
            return
    with db.write() as conn:
        lock_alone(conn, Lock.MIGRATING)
        found = _revision(conn)
        if found is not None and found > newest:
            raise Misconfigured(
                f"the database has schema {found}, this program knows {newest}", hint="start a newer Rapport"
            )
        if found != newest:
            from alembic import command  # half a second to import, which most starts do not need

            command.upgrade(_config(conn), "head")
            if newest != NONE:
                ensure_buckets(conn)


def newest_revision() -> str:
    """The number of the last migration; NONE where there is none."""
    return max((path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")), default=NONE)


def write_revision(db: Database, message: str) -> str:
    """Write what the declared tables have and this database lacks as the next migration; returns the file's path."""
    from alembic import command

    number = f"{int(newest_revision()) + 1:04d}"
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    with db.write() as conn:
        script = command.revision(_config(conn), message, autogenerate=True, rev_id=number)
    made = Path(str(getattr(script, "path", "")))
    return str(made.rename(made.with_name(f"{number}_{slug}.py")))


def _revision(conn: Connection) -> str | None:
    if not sa.inspect(conn).has_table("alembic_version"):
        return None
    number: str | None = conn.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return number


def _config(conn: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = conn
    return config
