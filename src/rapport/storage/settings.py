"""Where the sections of a shop's settings are kept: every version, so that who changed what and when can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text

from rapport.kernel.errors import Conflict
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.settings import Section
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText, metadata
from rapport.storage.prepared import Prepared

__all__ = ["Cache", "Kept", "SettingsVersion", "history", "load", "save", "shop_settings"]

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

shop_settings = Table(
    "shop_settings",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("section", CText, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""The newest version is in force; without any the defaults are. `body` is JSON."""

_s = shop_settings.c
_NEWEST = Prepared(
    sa.select(_s.version, _s.body)
    .where(_s.workspace == sa.bindparam("ws"), _s.section == sa.bindparam("section"))
    .order_by(_s.version.desc())
    .limit(1)
)


class Kept(NamedTuple, Generic[S]):
    """A section as it is in force."""

    value: S
    version: int
    """0 while nobody has changed anything."""


class SettingsVersion(NamedTuple):
    """A version of a section: who set what."""

    version: int
    changed_at: int
    changed_by: str
    values: Mapping[str, Any]


def load(conn: Connection, workspace: WorkspaceId, section: Section[S]) -> Kept[S]:
    """A shop's settings of this section. One look at an index."""
    row = _NEWEST.row(conn, ws=workspace, section=section.name)
    return Kept(section.kind(), 0) if row is None else Kept(section.read(bytes(row[1])), row[0])


def history(conn: Connection, workspace: WorkspaceId, section: str, *, limit: int = 20) -> list[SettingsVersion]:
    """The newest versions of a section, newest first."""
    rows = conn.execute(_of(workspace, section).limit(limit))
    return [SettingsVersion(row.version, row.changed_at, row.changed_by, msgspec.json.decode(row.body)) for row in rows]


def save(
    conn: Connection, workspace: WorkspaceId, section: Section[S], value: S, *, version: int, by: str, now: int
) -> int:
    """Put a section in force; returns its version.

    `version` is the one whoever changes it has seen. Raises Conflict where somebody else was quicker, however close.
    """
    latest = next(iter(history(conn, workspace, section.name, limit=1)), None)
    row = {
        "workspace": workspace, "section": section.name, "version": version + 1,
        "body": msgspec.json.encode(value), "changed_at": now, "changed_by": by,
    }  # fmt: skip
    seen = latest.version if latest else 0
    if seen != version or not insert_ignore(conn, shop_settings, [row], key=("workspace", "section", "version")):
        who = f"{latest.changed_by} has" if latest and seen > version else "somebody has"
        raise Conflict(
            f"{who} changed the settings {section.title!r} since you looked (version {version})",
            hint="look at what they are now, and change them again",
        )
    values = {"version": version + 1, "by": by, "values": msgspec.to_builtins(value)}
    tell(conn, workspace, "settings.changed", about=section.name, details=values, now=now)
    return version + 1


class Cache:
    """What a worker knows of the settings, so that a batch costs no query. Not thread-safe."""

    def __init__(self) -> None:
        self._known: dict[tuple[WorkspaceId, str], msgspec.Struct] = {}
        self._read: dict[tuple[WorkspaceId, object], Any] = {}
        self._changes: int | None = None

    def of(self, conn: Connection, workspace: WorkspaceId, section: Section[S]) -> S:
        """A shop's settings of this section, as they were when they were last read."""
        key = (workspace, section.name)
        found: Any = self._known.get(key)
        if found is None:
            found = self._known[key] = load(conn, workspace, section).value
        return found  # type: ignore[no-any-return]  # kept under the section's own name

    def known(self, conn: Connection, workspace: WorkspaceId, read: Callable[[Connection, WorkspaceId], T]) -> T:
        """What `read` says of a shop, as it was when it was last asked."""
        key = (workspace, read)
        if key not in self._read:
            self._read[key] = read(conn, workspace)
        return cast(T, self._read[key])

    def changed(self, conn: Connection) -> bool:
        """True where somebody changed a setting of any shop since the last call."""
        before = self._changes
        self._changes = int(conn.execute(sa.select(sa.func.count()).select_from(shop_settings)).scalar_one())
        return before is not None and before != self._changes

    def forget(self) -> None:
        """Read anew at the next use."""
        self._known.clear()
        self._read.clear()


def _of(workspace: WorkspaceId, section: str) -> sa.Select[Any]:
    here = (_s.workspace == workspace, _s.section == section)
    return sa.select(shop_settings).where(*here).order_by(_s.version.desc())
