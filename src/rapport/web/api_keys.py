"""The table of API keys, and its queries. `accounts` makes and revokes keys, `auth` looks them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table, Text

from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import metadata

__all__ = ["ApiKey", "add", "api_keys", "by_token", "of_workspace", "revoke", "set_scopes", "touch"]

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


def add(conn: Connection, key: ApiKey, *, token_hash: bytes, created_by: str) -> None:
    """Insert an API key."""
    values = msgspec.structs.asdict(key) | {
        "scopes": " ".join(key.scopes), "purposes": " ".join(key.purposes),
    }  # fmt: skip
    conn.execute(api_keys.insert().values(**values, token_hash=token_hash, created_by=created_by))


def by_token(conn: Connection, token_hash: bytes) -> ApiKey | None:
    """The key with this token, where it is not revoked."""
    query = sa.select(api_keys).where(api_keys.c.token_hash == token_hash, api_keys.c.revoked_at.is_(None))
    row = conn.execute(query).first()
    return None if row is None else _api_key(row)


def of_workspace(conn: Connection, workspace: WorkspaceId) -> list[ApiKey]:
    """All keys of a workspace that are not revoked, newest first."""
    query = sa.select(api_keys).where(api_keys.c.workspace == workspace, api_keys.c.revoked_at.is_(None))
    return [_api_key(row) for row in conn.execute(query.order_by(api_keys.c.created_at.desc(), api_keys.c.id))]


def revoke(conn: Connection, *, workspace: WorkspaceId, key_id: str, now: int) -> bool:
    """Revoke a key; False where there is none."""
    query = api_keys.update().where(
        api_keys.c.workspace == workspace, api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
    )
    return conn.execute(query.values(revoked_at=now)).rowcount == 1


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
        purposes=tuple(row.purposes.split()),
    )  # fmt: skip
