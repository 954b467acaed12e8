"""Entries as they are shown: who by name, about whom by customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import from_iso, to_iso
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking.units import certain_identifiers
from rapport.resolve.reading.references import find_key
from rapport.storage.audit.entries import entries, parts_of

__all__ = ["EntryShown", "Page", "page_of"]


class EntryShown(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the trail."""

    id: str
    at: str
    who: str
    """The id of an account or an API key, `cli`, or `rapport` itself."""
    name: str
    """How they are called; empty where it was erased."""
    action: str
    about: str
    details: dict[str, Any]
    customers: list[CustomerId]
    erased: bool
    """Something of it was erased with a person."""
    sealed: bool
    """It has its place in the tree."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, the newest first; go on with `cursor` until it is null."""

    entries: list[EntryShown]
    cursor: str | None


def page_of(
    conn: Connection, workspace: WorkspaceId, *, who: str = "", action: str = "", customer: str = "", since: str = "",
    cursor: str = "", limit: int = 50, region: str | None = None,
) -> Page:  # fmt: skip
    """A page of the trail. Raises InvalidInput for a time or a cursor that is none, NotFound for a customer."""
    people = None
    if customer:
        key = find_key(conn, workspace, customer, region=region)
        people = certain_identifiers(conn, workspace, key)
    rows = entries(
        conn, workspace, who=who, action=action, people=people, since=_moment(since), before=_before(cursor),
        limit=limit + 1,
    )  # fmt: skip
    more, rows = len(rows) > limit, rows[:limit]
    return Page(entries=_shown(conn, workspace, rows), cursor=f"{rows[-1].at}_{rows[-1].id}" if more else None)


def _shown(conn: Connection, workspace: WorkspaceId, rows: Sequence[Any]) -> list[EntryShown]:
    parts = parts_of(conn, workspace, [row.id for row in rows])
    keys = {Key(part.key) for several in parts.values() for part in several if part.key is not None}
    roots, ids = roots_of(conn, workspace, keys), load_customer_ids(conn) if keys else None
    found = []
    for row in rows:
        theirs = parts.get(row.id, [])
        body = theirs[0].body if theirs else None
        details = {} if body is None else msgspec.json.decode(body)
        people = dict.fromkeys(Key(roots.get(Key(one.key), Key(one.key))) for one in theirs if one.key is not None)
        found.append(
            EntryShown(
                id=row.id, at=to_iso(row.at), who=row.who, name=str(details.pop("name", "")), action=row.action,
                about=row.about, details=details, customers=[ids.customer_id(key) for key in people] if ids else [],
                erased=any(one.body is None for one in theirs), sealed=row.leaf is not None,
            )
        )  # fmt: skip
    return found


def _moment(text: str) -> int | None:
    try:
        return from_iso(text) if text else None
    except ValueError:
        raise InvalidInput(f"{text[:40]!r} is no time", hint="ISO 8601, such as 2026-11-01") from None


def _before(cursor: str) -> tuple[int, str] | None:
    at, _, ident = cursor.partition("_")
    if not cursor:
        return None
    if not (at.isascii() and at.isdigit() and len(at) < 18 and ident.isascii() and ident.isprintable()):
        raise InvalidInput(f"cursor {cursor[:60]!r} cannot be read", hint="send `cursor` of the page before")
    return int(at), ident
