"""Workspaces: the shops of one installation. Their small integer id leads every table's key."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, Table, Text

from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import metadata
from rapport.storage.prepared import Prepared

__all__ = [
    "Workspace",
    "WorkspaceSettings",
    "all_workspaces",
    "change_settings",
    "create_workspace",
    "default_workspace",
    "find_workspace",
    "identifier_policy",
    "locale_in",
    "locale_of",
    "workspace_of",
    "workspaces",
]

_log = logging.getLogger(__name__)

_SLUG = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("settings", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)


class WorkspaceSettings(msgspec.Struct, kw_only=True):
    """What a shop decides for itself."""

    currency: str = "EUR"
    region: str | None = None
    """ISO 3166 country for phone numbers written without a country code."""
    time_zone: str = "UTC"
    locale: str = "en"
    blocked_identifiers: list[str] = []
    """Regular expressions, added to the built-in ones; a value that matches identifies nobody."""
    identifier_limits: dict[str, int] = {}
    identifier_limit_days: dict[str, int] = {}
    identifier_default_limit: int = 5
    identifiers_at_most: int = 100
    identifier_shared_after: int = 50
    identifier_one_name: bool = True
    evidence_days: dict[str, int] = {}


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """One shop."""

    id: WorkspaceId
    slug: str
    name: str
    settings: WorkspaceSettings
    created_at: int


def identifier_policy(settings: WorkspaceSettings) -> IdentifierPolicy:
    """What counts as an identifier in a workspace. A pattern that is no regular expression is left out and logged."""
    defaults = IdentifierPolicy()
    return IdentifierPolicy(
        blocked=tuple(p for p in settings.blocked_identifiers if _is_pattern(p)),
        limits={**defaults.limits, **settings.identifier_limits},
        limit_days=settings.identifier_limit_days,
        default_limit=settings.identifier_default_limit,
        max_identifiers=settings.identifiers_at_most,
        shared_after=settings.identifier_shared_after,
        evidence_days=settings.evidence_days,
        one_name=settings.identifier_one_name,
        default_region=settings.region,
    )


def create_workspace(
    conn: Connection, *, slug: str, name: str, now: int, settings: WorkspaceSettings | None = None
) -> Workspace:
    """Add a shop. Raises InvalidInput for an odd slug, Conflict where it is taken."""
    if not _SLUG.match(slug):
        raise InvalidInput(f"{slug[:60]!r} is no slug", hint="small letters, digits and dashes, at most 40")
    if conn.execute(sa.select(workspaces.c.id).where(workspaces.c.slug == slug)).first() is not None:
        raise Conflict(f"workspace {slug!r} exists", hint="choose another slug")
    body = msgspec.json.encode(settings or WorkspaceSettings())
    conn.execute(workspaces.insert().values(slug=slug, name=name, settings=body, created_at=now))
    return find_workspace(conn, slug)


def find_workspace(conn: Connection, slug: str) -> Workspace:
    """The shop with this slug. Raises NotFound."""
    row = conn.execute(sa.select(workspaces).where(workspaces.c.slug == slug)).first()
    if row is None:
        raise NotFound(f"no workspace {slug!r}", hint="`rapport workspaces list` shows them")
    return _workspace(row)


def default_workspace(conn: Connection) -> Workspace:
    """The first shop of this installation. Raises NotFound before the first start."""
    row = conn.execute(sa.select(workspaces).order_by(workspaces.c.id).limit(1)).first()
    if row is None:
        raise NotFound("this installation has no workspace yet", hint="start it once with `rapport serve`")
    return _workspace(row)


def all_workspaces(conn: Connection) -> list[Workspace]:
    """Every shop, oldest first."""
    return [_workspace(row) for row in conn.execute(sa.select(workspaces).order_by(workspaces.c.id))]


def workspace_of(conn: Connection, workspace: WorkspaceId, *, for_update: bool = False) -> Workspace:
    """One shop; on demand nobody else changes it until the transaction ends. Raises NotFound."""
    if for_update:
        row: Any = conn.execute(sa.select(workspaces).where(workspaces.c.id == workspace).with_for_update()).first()
    else:
        row = _ONE.row(conn, shop=workspace)
    if row is None:
        raise NotFound(f"no workspace {workspace}", hint="`rapport workspaces list` shows them")
    return _workspace(row)


def locale_of(conn: Connection, workspace: WorkspaceId) -> str:
    """The language of a shop; empty where there is no such shop."""
    row = _ONE.row(conn, shop=workspace)
    return "" if row is None else _workspace(row).settings.locale


def locale_in(settings: bytes) -> str:
    """The language of a shop whose settings are stored so: read with each page, so nothing else of them is."""
    return msgspec.json.decode(settings, type=_Locale).locale


class _Locale(msgspec.Struct):
    locale: str = "en"


def change_settings(
    conn: Connection, workspace: WorkspaceId, change: Callable[[WorkspaceSettings], WorkspaceSettings]
) -> WorkspaceSettings:
    """Put what `change` makes of a shop's settings in their place, and return it. Raises NotFound.

    Nobody else changes them between reading and writing: the row is locked until the transaction ends.
    """
    query = sa.select(workspaces.c.settings).where(workspaces.c.id == workspace).with_for_update()
    body = conn.execute(query).scalar()
    if body is None:
        raise NotFound(f"no workspace {workspace}", hint="`rapport workspaces list` shows them")
    settings = change(msgspec.json.decode(body, type=WorkspaceSettings))
    conn.execute(workspaces.update().where(workspaces.c.id == workspace).values(settings=msgspec.json.encode(settings)))
    return settings


def _workspace(row: Any) -> Workspace:
    shop, slug, name, body, created_at = row
    settings = msgspec.json.decode(body, type=WorkspaceSettings)
    return Workspace(id=WorkspaceId(shop), slug=slug, name=name, settings=settings, created_at=created_at)


_ONE = Prepared(sa.select(workspaces).where(workspaces.c.id == sa.bindparam("shop")))


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        _log.warning("a blocked-identifier pattern of the workspace's settings is no regular expression")
        return False
    return True
