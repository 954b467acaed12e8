"""The table of merchandising: every version of the rules, the latest of which is in force."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text

from rapport.capabilities.merchandising.model import Rule
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import metadata
from rapport.storage.prepared import Prepared

__all__ = ["Version", "add", "bodies", "current", "history", "versions"]

versions = Table(
    "merchandising_versions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("what", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)

bodies = msgspec.json.Decoder(list[Rule])
_v = versions.c
_CURRENT = Prepared(
    sa.select(_v.version, _v.body).where(_v.workspace == sa.bindparam("ws")).order_by(_v.version.desc()).limit(1)
)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The rules as somebody left them."""

    version: int
    what: str
    """What was changed, in words."""
    changed_at: int
    changed_by: str
    rules: list[Rule]


def current(conn: Connection, workspace: WorkspaceId) -> tuple[int, bytes]:
    """The number and the body of what is in force; 0 and no rules where nobody has written any. One index look-up."""
    row = _CURRENT.row(conn, ws=workspace)
    return (0, b"[]") if row is None else (row[0], bytes(row[1]))


def add(
    conn: Connection, workspace: WorkspaceId, version: int, rules: Sequence[Rule], *, what: str, by: str, now: int
) -> bool:
    """Put rules in force as this version; False where somebody else has made one of this number."""
    row = {"workspace": workspace, "version": version, "body": msgspec.json.encode(list(rules)), "what": what,
           "changed_at": now, "changed_by": by}  # fmt: skip
    return insert_ignore(conn, versions, [row], key=("workspace", "version")) == 1


def history(conn: Connection, workspace: WorkspaceId, *, limit: int = 50) -> list[Version]:
    """The latest versions, the newest first."""
    query = sa.select(versions).where(_v.workspace == workspace).order_by(_v.version.desc()).limit(limit)
    return [
        Version(version=row.version, what=row.what, changed_at=row.changed_at, changed_by=row.changed_by,
                rules=bodies.decode(row.body))
        for row in conn.execute(query)
    ]  # fmt: skip
