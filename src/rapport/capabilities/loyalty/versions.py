"""The versions of a shop's programmes: their terms, each with when they were announced and by whom."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.loyalty.earning import Version
from rapport.capabilities.loyalty.programme import Programme
from rapport.capabilities.loyalty.store import programmes
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore
from rapport.storage.prepared import Prepared

__all__ = ["KeptVersion", "names_of", "naming", "save_version", "versions_of"]

_p = programmes.c


class KeptVersion(NamedTuple):
    """The newest version of a programme, as its page shows it."""

    name: str
    version: int
    programme: Programme
    changed_at: int
    changed_by: str
    reason: str


def versions_of(conn: Connection, workspace: WorkspaceId) -> dict[str, list[Version]]:
    """All programmes of a shop, each with all its versions, the oldest first."""
    found: dict[str, list[Version]] = {}
    query = sa.select(programmes).where(_p.workspace == workspace).order_by(_p.name, _p.version)
    for row in conn.execute(query):
        programme = msgspec.json.decode(row.body, type=Programme)
        found.setdefault(row.name, []).append(Version(row.version, row.changed_at, programme))
    return found


def names_of(conn: Connection, workspace: WorkspaceId) -> list[KeptVersion]:
    """The newest version of each programme, by name."""
    return [
        KeptVersion(name, version, msgspec.json.decode(body, type=Programme), changed_at, changed_by, reason)
        for name, version, body, changed_at, changed_by, reason in _NAMES.rows(conn, ws=workspace)
    ]


def naming(conn: Connection, workspace: WorkspaceId, segment: str) -> list[str]:
    """The programmes with a rule for a segment alone, in words."""
    return [
        f"the programme “{one.name}”"
        for one in names_of(conn, workspace)
        if any(segment in rule.segments for rule in one.programme.earning)
    ]


def _names() -> sa.Select[*tuple[Any, ...]]:
    shop: sa.BindParameter[int] = sa.bindparam("ws")
    newest = sa.select(_p.name, sa.func.max(_p.version)).where(_p.workspace == shop).group_by(_p.name)
    query = sa.select(_p.name, _p.version, _p.body, _p.changed_at, _p.changed_by, _p.reason)
    return query.where(_p.workspace == shop, sa.tuple_(_p.name, _p.version).in_(newest)).order_by(_p.name)


_NAMES = Prepared(_names())


def save_version(
    conn: Connection,
    workspace: WorkspaceId,
    name: str,
    programme: Programme,
    *,
    seen: int,
    by: str,
    reason: str,
    now: int,
) -> int:
    """Put the next version in force; returns its number. Raises Conflict where somebody else did meanwhile."""
    query = sa.select(sa.func.max(_p.version)).where(_p.workspace == workspace, _p.name == name)
    newest = conn.execute(query).scalar() or 0
    row = {"workspace": workspace, "name": name, "version": seen + 1, "body": msgspec.json.encode(programme),
           "changed_at": now, "changed_by": by, "reason": reason}  # fmt: skip
    if newest != seen or not insert_ignore(conn, programmes, [row], key=("workspace", "name", "version")):
        raise Conflict(
            f"the programme {name!r} is at version {newest}, you changed version {seen}", hint="read it again"
        )
    return seen + 1
