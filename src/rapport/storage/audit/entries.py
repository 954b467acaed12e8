"""Entries of the audit trail: added in the transaction of what they tell, found again, and erased with a person.

An entry is a row and its parts: two statements, no lock, nothing read. Its place in the tree comes later (`sealing`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.acting import acting
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId, new_id
from rapport.storage.audit.tables import audit_entries, audit_parts
from rapport.storage.bulk import insert_rows
from rapport.storage.lookup import change_among, select_among

__all__ = [
    "Entry",
    "Leaf",
    "Part",
    "append",
    "append_all",
    "commitment",
    "entries",
    "erase",
    "erase_parts",
    "find_entry",
    "parts_of",
]

_e, _p = audit_entries.c, audit_parts.c
Erased: TypeAlias = Callable[[bytes], bool]
MOST_PEOPLE = 500
"""People of one entry; a list has at most 200 on a page."""


class Entry(NamedTuple):
    """Something to be told."""

    workspace: WorkspaceId
    action: str
    """A word of ours that never names anybody: `customer.viewed`, `settings.changed`."""
    about: str = ""
    """What it was done to: a section of settings, a route. Never a person."""
    details: Mapping[str, Any] = {}
    """What was said and why. It goes when a person it is about is erased."""
    people: Sequence[Key] = ()
    who: str = ""
    """The account, the API key or `cli`; whoever acts now where it is empty."""
    name: str = ""
    at: int = 0


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """What the tree holds of an entry."""

    id: str
    at: int
    who: str
    action: str
    about: str
    parts: list[str]
    """SHA-256 of salt and body of each part, in hexadecimal."""


class Part(NamedTuple):
    """One part as it is stored; all None where it was erased."""

    number: int
    key: bytes | None
    salt: bytes | None
    body: bytes | None


def commitment(salt: bytes, body: bytes) -> str:
    """What an entry holds of a part: nobody can tell the body of it without the salt."""
    return hashlib.sha256(salt + body).hexdigest()


def append(
    conn: Connection, workspace: WorkspaceId, action: str, *, about: str = "", details: Mapping[str, Any] | None = None,
    people: Iterable[Key] = (), who: str = "", name: str = "", now: int = 0,
) -> str:  # fmt: skip
    """Add an entry in this transaction; returns its id. Who acts is known of the request where it is not said."""
    entry = Entry(workspace, action, about, details or {}, list(people), who, name, now)
    return append_all(conn, [entry])[0]


def append_all(conn: Connection, several: Sequence[Entry]) -> list[str]:
    """Add entries: two statements for however many."""
    doing = acting.get()
    rows: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = []
    for one in several:
        ident, at = new_id("aud"), one.at or now_us()
        who = one.who or (doing.who if doing else "rapport")
        details = {"name": one.name or (doing.name if doing else "")} | dict(one.details)
        made = [(None, details), *((key, {"person": key.hex()}) for key in dict.fromkeys(one.people[:MOST_PEOPLE]))]
        hashes = []
        for number, (key, said) in enumerate(made):
            salt, body = os.urandom(32), msgspec.json.encode(said)
            hashes.append(commitment(salt, body))
            parts.append({
                "workspace": one.workspace, "entry": ident, "number": number, "key": key, "salt": salt, "body": body,
            })  # fmt: skip
        leaf = Leaf(id=ident, at=at, who=who, action=one.action, about=one.about, parts=hashes)
        rows.append({
            "workspace": one.workspace, "id": ident, "leaf": None, "at": at, "who": who, "action": one.action,
            "about": one.about, "body": msgspec.json.encode(leaf),
        })  # fmt: skip
    insert_rows(conn, audit_entries, rows)
    insert_rows(conn, audit_parts, parts)
    if doing is not None:
        doing.written = True
    return [row["id"] for row in rows]


def entries(
    conn: Connection,
    workspace: WorkspaceId,
    *,
    who: str = "",
    action: str = "",
    people: Collection[Key] | None = None,
    since: int | None = None,
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[Any]:
    """Entries, the newest first; `people` are identifiers of one person, `action` also the beginning of several."""
    query = sa.select(audit_entries).where(_e.workspace == workspace)
    if who:
        query = query.where(_e.who == who)
    if action:
        query = query.where(sa.or_(_e.action == action, _e.action.startswith(f"{action}.", autoescape=True)))
    if people is not None:
        theirs = sa.select(_p.entry).where(_p.workspace == workspace, _p.key.in_(list(people)[:500]))
        query = query.where(_e.id.in_(theirs))
    if since is not None:
        query = query.where(_e.at >= since)
    if before is not None:
        query = query.where(sa.tuple_(_e.at, _e.id) < sa.tuple_(sa.literal(before[0]), sa.literal(before[1])))
    return list(conn.execute(query.order_by(_e.at.desc(), _e.id.desc()).limit(limit)))


def find_entry(conn: Connection, workspace: WorkspaceId, ident: str) -> Any:
    """One entry. Raises NotFound."""
    found = None
    if ident.isascii() and ident.isprintable():
        found = conn.execute(sa.select(audit_entries).where(_e.workspace == workspace, _e.id == ident)).first()
    if found is None:
        raise NotFound(f"no audit entry {ident[:60]!r}", hint="GET /api/v1/audit/entries lists them")
    return found


def parts_of(conn: Connection, workspace: WorkspaceId, idents: Iterable[str]) -> dict[str, list[Part]]:
    """The parts of these entries, in order."""
    found: dict[str, list[Part]] = {}
    for row in select_among(conn, sa.select(audit_parts), workspace, _p.entry, list(idents)):
        found.setdefault(row.entry, []).append(Part(row.number, row.key, row.salt, row.body))
    return {ident: sorted(several, key=lambda part: part.number) for ident, several in found.items()}


def erase(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Forget that entries were about a person, and what was said in them; what the tree commits to stays."""
    idents = {row.entry for row in select_among(conn, sa.select(_p.entry), workspace, _p.key, keys)}
    gone = audit_parts.update().values(key=None, salt=None, body=None)
    details = change_among(conn, gone.where(_p.number == 0, _p.body.is_not(None)), workspace, _p.entry, idents)
    return details + change_among(conn, gone, workspace, _p.key, keys)


def erase_parts(conn: Connection, workspace: WorkspaceId, holds: sa.ColumnElement[bool], erased: Erased) -> int:
    """Forget what was said in parts that fulfil a condition in SQL and then this one; returns how many went.

    A part goes whole: with another text in it, it would not be what the tree commits to.
    """
    query = sa.select(_p.entry, _p.number, _p.body).where(_p.workspace == workspace, _p.body.is_not(None), holds)
    gone = [row for row in conn.execute(query.with_for_update()) if erased(row.body)]
    for row in gone:
        one = sa.and_(_p.workspace == workspace, _p.entry == row.entry, _p.number == row.number)
        conn.execute(audit_parts.update().where(one).values(key=None, salt=None, body=None))
    return len(gone)
