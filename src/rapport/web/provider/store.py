"""Table and queries of who somebody is at an OpenID provider."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text

from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import metadata
from rapport.web import store
from rapport.web.store import User

__all__ = ["identities_of", "is_anothers", "provider_identities", "tie", "untie", "user_of"]

provider_identities = Table(
    "provider_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    Index("provider_identities_user", "user_id"),
)
"""The provider's own id of somebody, which never changes hands; an e-mail address may."""


def user_of(conn: Connection, *, issuer: str, subject: str) -> User | None:
    """Whose account this is."""
    column = provider_identities.c
    query = sa.select(column.user_id).where(column.issuer == issuer, column.subject == subject)
    found = conn.execute(query).scalar_one_or_none()
    return None if found is None else store.user_by_id(conn, found)


def tie(conn: Connection, *, issuer: str, subject: str, user_id: str, now: int) -> bool:
    """Let this be somebody's account; False where somebody else was quicker."""
    row = {"issuer": issuer, "subject": subject, "user_id": user_id, "created_at": now, "used_at": now}
    return bool(insert_ignore(conn, provider_identities, [row], key=("issuer", "subject")))


def is_anothers(conn: Connection, *, issuer: str, subject: str, user_id: str) -> bool:
    """Whether this account is of somebody else at the provider. Who comes second in the same moment waits to see it."""
    conn.execute(sa.select(store.users.c.id).where(store.users.c.id == user_id).with_for_update())
    column = provider_identities.c
    here = (column.user_id == user_id, column.issuer == issuer, column.subject != subject)
    return conn.execute(sa.select(column.subject).where(*here).limit(1)).first() is not None


def used(conn: Connection, *, issuer: str, subject: str, now: int) -> None:
    """Note when somebody came by it last."""
    column = provider_identities.c
    mine = provider_identities.update().where(column.issuer == issuer, column.subject == subject)
    conn.execute(mine.values(used_at=now))


def identities_of(conn: Connection, user_id: str) -> list[tuple[str, int | None]]:
    """Issuer, and when it was used last, of all that somebody signs in by."""
    column = provider_identities.c
    query = sa.select(column.issuer, column.used_at).where(column.user_id == user_id).order_by(column.issuer)
    return [(row.issuer, row.used_at) for row in conn.execute(query)]


def untie(conn: Connection, *, issuer: str, user_id: str) -> bool:
    """Forget who somebody is at a provider; False where nothing was known."""
    column = provider_identities.c
    gone = provider_identities.delete().where(column.issuer == issuer, column.user_id == user_id)
    return conn.execute(gone).rowcount > 0
