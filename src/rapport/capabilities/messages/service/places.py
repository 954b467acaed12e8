"""From which database messages may be sent: a copy or a restored backup sends nothing until a person allows it.

What tells a database from its copies is the file's own number (SQLite), or the cluster's identifier with the database's
(PostgreSQL). A whole machine that is cloned is not told apart.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.storage.bulk import insert_ignore

__all__ = ["allow_here", "allow_nowhere", "is_allowed_here", "place_of"]


def place_of(conn: Connection) -> str:
    """What tells this database from its copies."""
    if conn.dialect.name == "sqlite":
        file = next(row[2] for row in conn.exec_driver_sql("PRAGMA database_list") if row[1] == "main")
        found = Path(file).stat()
        return f"file {found.st_ino}"
    query = (
        "SELECT system_identifier::text || ' ' || oid::text FROM pg_control_system(), pg_database "
        "WHERE datname = current_database()"
    )
    return f"cluster {conn.exec_driver_sql(query).scalar_one()}"


def is_allowed_here(conn: Connection) -> bool:
    """Whether messages may be sent from here: nobody has sent from elsewhere, or somebody has allowed it."""
    p = store.places.c
    known = list(conn.execute(sa.select(p.place).order_by(p.allowed_at.desc()).limit(1)).scalars())
    return not known or known[0] == place_of(conn)


def allow_here(conn: Connection, *, by: str, now: int) -> None:
    """Send from here from now on, and no longer from wherever it was before."""
    place = place_of(conn)
    conn.execute(store.places.delete())
    insert_ignore(conn, store.places, [{"place": place, "allowed_at": now, "allowed_by": by}], key=("place",))


def allow_nowhere(conn: Connection, *, why: str, now: int) -> None:
    """Send from nowhere until somebody allows it."""
    conn.execute(store.places.delete())
    insert_ignore(conn, store.places, [{"place": "nowhere", "allowed_at": now, "allowed_by": why}], key=("place",))
