"""The table of API keys, and its queries. `accounts` makes and revokes keys, `key_changes` rotates and bounds them,
`key_ring` looks them up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import metadata

__all__ = [
    "ApiKey",
    "add",
    "api_keys",
    "by_token",
    "change",
    "end_previous",
    "find",
    "of_workspace",
    "replace_secret",
    "revoke",
    "set_scopes",
    "touch",
]

api_keys = Table(
    "api_keys",
    metadata,
    Column("workspace", Integer, nullable=False),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("purposes", Text, nullable=False, server_default=""),
    Column("expires_at", BigInteger),
    Column("networks", Text, nullable=False, server_default=""),
    Column("previous_hash", LargeBinary),
    Column("previous_until", BigInteger, nullable=False, server_default="0"),
    Index("api_keys_previous", "previous_hash"),
    Index("api_keys_workspace", "workspace", "created_at"),
)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A program's access to one workspace; the key itself is known to its holder only."""

    workspace: WorkspaceId
    id: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created_at: int
    last_used_at: int | None
    revoked_at: int | None
    purposes: tuple[str, ...] = ()
    """What it was made for; empty is all that the shop does itself."""
    expires_at: int | None = None
    """Microseconds; from then on it opens nothing. None is never."""
    networks: tuple[str, ...] = ()
    """From where it may be used, as `192.0.2.0/24`; empty is from anywhere."""
    previous_until: int = 0
    """Until then the secret before the last rotation works, too; 0 where there is none."""

    def is_over(self, now: int) -> bool:
        """Whether it opens nothing any more."""
        return self.expires_at is not None and now >= self.expires_at


def add(conn: Connection, key: ApiKey, *, token_hash: bytes, created_by: str) -> None:
    """Insert an API key."""
    values = msgspec.structs.asdict(key) | {
        "scopes": " ".join(key.scopes), "purposes": " ".join(key.purposes), "networks": " ".join(key.networks),
    }  # fmt: skip
    conn.execute(api_keys.insert().values(**values, token_hash=token_hash, created_by=created_by))


def by_token(conn: Connection, token_hash: bytes, *, now: int) -> tuple[ApiKey, int | None] | None:
    """The key with this token, where it is not revoked, and the moment from which the token works no more.

    That is when the key ends, or when the grace of a token that was replaced does; None is never.
    """
    known = sa.select(api_keys).where(api_keys.c.revoked_at.is_(None))
    row = conn.execute(known.where(api_keys.c.token_hash == token_hash)).first()
    if row is not None:
        return _api_key(row), row.expires_at
    of_before = known.where(api_keys.c.previous_hash == token_hash, api_keys.c.previous_until > now)
    row = conn.execute(of_before).first()
    if row is None:
        return None
    return _api_key(row), min(row.previous_until, row.expires_at or row.previous_until)


def find(conn: Connection, workspace: WorkspaceId, key_id: str, *, for_update: bool = False) -> ApiKey | None:
    """One key that is not revoked; on demand nobody else changes it meanwhile."""
    if not key_id.isprintable():  # PostgreSQL refuses to look for a text with a NUL byte
        return None
    query = sa.select(api_keys).where(*_is(workspace, key_id))
    row = conn.execute(query.with_for_update() if for_update else query).first()
    return None if row is None else _api_key(row)


def of_workspace(conn: Connection, workspace: WorkspaceId) -> list[ApiKey]:
    """All keys of a workspace that are not revoked, newest first."""
    query = sa.select(api_keys).where(api_keys.c.workspace == workspace, api_keys.c.revoked_at.is_(None))
    return [_api_key(row) for row in conn.execute(query.order_by(api_keys.c.created_at.desc(), api_keys.c.id))]


def revoke(conn: Connection, *, workspace: WorkspaceId, key_id: str, now: int) -> bool:
    """Revoke a key; False where there is none."""
    values = {"revoked_at": now, "previous_hash": None, "previous_until": 0}
    return conn.execute(api_keys.update().where(*_is(workspace, key_id)).values(values)).rowcount == 1


def change(
    conn: Connection, workspace: WorkspaceId, key_id: str, *, expires_at: int | None, networks: Sequence[str]
) -> None:
    """When a key ends and from where it may be used, from now on."""
    values = {"expires_at": expires_at, "networks": " ".join(networks)}
    conn.execute(api_keys.update().where(*_is(workspace, key_id)).values(values))


def replace_secret(
    conn: Connection, workspace: WorkspaceId, key_id: str, *, token_hash: bytes, prefix: str, until: int, seen: str
) -> bool:
    """Give a key another secret; the one before works `until` then (0: not at all). False where its prefix is not the
    one that was `seen`: somebody was quicker.
    """
    kept = {"previous_hash": api_keys.c.token_hash if until else None, "previous_until": until}
    query = api_keys.update().where(*_is(workspace, key_id), api_keys.c.prefix == seen)
    return conn.execute(query.values({"token_hash": token_hash, "prefix": prefix, **kept})).rowcount == 1


def end_previous(conn: Connection, workspace: WorkspaceId, key_id: str) -> None:
    """Make the secret before the last rotation useless."""
    conn.execute(api_keys.update().where(*_is(workspace, key_id)).values(previous_hash=None, previous_until=0))


def set_scopes(conn: Connection, key_id: str, scopes: Sequence[str]) -> None:
    """What a key may do from now on."""
    conn.execute(api_keys.update().where(api_keys.c.id == key_id).values(scopes=" ".join(scopes)))


def touch(conn: Connection, key_id: str, *, now: int) -> None:
    """Note that a key was used."""
    conn.execute(api_keys.update().where(api_keys.c.id == key_id).values(last_used_at=now))


def _api_key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(
        workspace=row.workspace, id=row.id, name=row.name, prefix=row.prefix, scopes=tuple(row.scopes.split()),
        created_at=row.created_at, last_used_at=row.last_used_at, revoked_at=row.revoked_at,
        purposes=tuple(row.purposes.split()), expires_at=row.expires_at, networks=tuple(row.networks.split()),
        previous_until=row.previous_until,
    )  # fmt: skip


def _is(workspace: WorkspaceId, key_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (api_keys.c.workspace == workspace, api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
