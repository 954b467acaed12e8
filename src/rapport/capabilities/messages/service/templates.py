"""Templates: those that Rapport ships and those a shop writes, by version; the newest is in force."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import NAME, Template
from rapport.capabilities.messages.publishing import compile_template
from rapport.kernel.errors import Conflict, InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId

__all__ = ["Published", "all_templates", "find_template", "publish", "shipped"]

_GALLERY = Path(__file__).parent.parent / "gallery"


class Published(NamedTuple):
    """A template in force, with its HTML by language. Version 0 is the one Rapport ships."""

    name: str
    version: int
    template: Template
    html: Mapping[str, str]


@cache
def shipped() -> Mapping[str, Template]:
    """The gallery."""
    return {
        file.stem: msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Template)
        for file in sorted(_GALLERY.glob("*.toml"))
    }


@cache
def _shipped_html(name: str) -> Mapping[str, str]:
    return compile_template(shipped()[name])


def find_template(conn: Connection, workspace: WorkspaceId, name: str, *, version: int | None = None) -> Published:
    """A template in force, or one version of it. Raises NotFound."""
    row = None if version == 0 else store.latest_template(conn, workspace, name, version=version)
    if row is not None:
        return _published(row)
    if name in shipped() and not version:
        return Published(name, 0, shipped()[name], _shipped_html(name))
    which = f" in version {version}" if version else ""
    raise NotFound(f"no template {name[:60]!r}{which}", hint="GET /api/v1/templates names them")


def all_templates(conn: Connection, workspace: WorkspaceId) -> list[Published]:
    """All templates in force, the shop's own and those shipped, by name."""
    own = {row.name: _published(row) for row in store.newest_templates(conn, workspace)}
    others = {name: Published(name, 0, one, {}) for name, one in shipped().items() if name not in own}
    return [found for _, found in sorted((own | others).items())]


def publish(
    conn: Connection, workspace: WorkspaceId, name: str, template: Template, *, seen: int | None, by: str, now: int
) -> Published:
    """Put a template in force as a new version. Raises InvalidInput, and Conflict where somebody was quicker.

    `seen` is the version whoever writes it has looked at; None where they do not mind.
    """
    if not NAME.match(name):
        raise InvalidInput(f"{name[:60]!r} names no template", hint="small letters, digits and _, at most 60")
    compiled = compile_template(template)
    latest = store.latest_template(conn, workspace, name)
    before = latest.version if latest is not None else 0
    row = {
        "workspace": workspace, "name": name, "version": before + 1, "body": msgspec.json.encode(template),
        "compiled": msgspec.json.encode(compiled), "changed_at": now, "changed_by": by,
    }  # fmt: skip
    if (seen is not None and seen != before) or not store.add_template(conn, row):
        raise Conflict(
            f"somebody has changed {name!r} since you looked", hint="look at what it is now, and change again"
        )
    return Published(name, before + 1, template, compiled)


def _published(row: Any) -> Published:
    return Published(
        row.name, row.version, msgspec.json.decode(row.body, type=Template),
        msgspec.json.decode(row.compiled, type=dict[str, str]),
    )  # fmt: skip
