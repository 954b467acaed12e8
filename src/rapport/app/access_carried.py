"""Who may come in after a backup was put back: nobody by what was ended since it was taken.

A backup holds keys, passwords and members as of its day. Where the data that it replaces is still there, that says what
holds by now: keys that were revoked or exchanged, members who left, passwords and second factors that were changed.
What lives for hours (sessions, invitations, links to a new password) ends in any case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.collect.store import sources
from rapport.storage.bulk import chunks
from rapport.web.api_keys import api_keys
from rapport.web.factor_store import challenges, recovery_codes, second_factors
from rapport.web.provider.store import provider_identities
from rapport.web.store import invitations, memberships, sessions, users

__all__ = ["Access", "access_in", "carry_access"]

Access: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table, with the columns that it had there."""

_READ = (users, memberships, api_keys, sources, second_factors, recovery_codes, provider_identities)
_KEYS = ("token_hash", "prefix", "scopes", "purposes", "networks", "revoked_at", "expires_at", "previous_hash",
         "previous_until")  # fmt: skip
_SOURCES = ("write_key", "previous_key", "previous_until", "enabled", "asks_signatures", "signing_secret")
_OWNER = "owner"


def access_in(conn: Connection) -> Access:
    """What the data that is there knows of it; of an older version as much as it has."""
    there = set(sa.inspect(conn).get_table_names())
    everything: sa.ColumnElement[Any] = sa.literal_column("*")
    return {
        table.name: [
            dict(row._mapping) for row in conn.execute(sa.select(everything).select_from(sa.table(table.name)))
        ]
        for table in _READ
        if table.name in there
    }


def carry_access(conn: Connection, there: Access | None) -> int:
    """End what lives for hours, and let hold what holds `there`; returns how many keys and members changed by it."""
    for table in (sessions, challenges, invitations):
        conn.execute(table.delete())
    if not there:
        return 0
    changed = _carry(conn, api_keys, there.get("api_keys", ()), ("id",), _KEYS)
    changed += _carry(conn, sources, there.get("sources", ()), ("workspace", "id"), _SOURCES)
    _carry(conn, users, there.get("users", ()), ("id",), ("password_hash",))
    known = {row["id"] for row in there.get("users", ())} & set(conn.execute(sa.select(users.c.id)).scalars())
    for table in (second_factors, recovery_codes, provider_identities):
        _exchange(conn, table, [row for row in there.get(table.name, ()) if row["user_id"] in known], known)
    return changed + _carry_members(conn, there.get("memberships", ()), known)


def _carry(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: Sequence[str], names: Sequence[str]
) -> int:
    """Give the rows that are in both the values that they have there; returns how many differed."""
    if not rows:
        return 0
    names = [name for name in names if name in rows[0]]
    columns = [table.c[name] for name in (*key, *names)]
    found = {tuple(row[: len(key)]): tuple(row[len(key) :]) for row in conn.execute(sa.select(*columns))}
    new = [(tuple(row[name] for name in key), tuple(_value(table, name, row[name]) for name in names)) for row in rows]
    differing = [
        {**{f"of_{name}": value for name, value in zip(key, of, strict=True)},
         **{f"to_{name}": value for name, value in zip(names, to, strict=True)}}
        for of, to in new if of in found and found[of] != to
    ]  # fmt: skip
    if differing:
        here = [table.c[name] == sa.bindparam(f"of_{name}") for name in key]
        values: dict[str, Any] = {name: sa.bindparam(f"to_{name}") for name in names}
        conn.execute(table.update().where(*here).values(values), differing)
    return len(differing)


def _exchange(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], known: set[str]) -> None:
    """People who are known there have what they have there."""
    for some in chunks(sorted(known), 500):
        conn.execute(table.delete().where(table.c.user_id.in_(some)))
    if rows:
        conn.execute(table.insert(), [{name: value for name, value in row.items() if name in table.c} for row in rows])


def _carry_members(conn: Connection, rows: Sequence[Mapping[str, Any]], known: set[str]) -> int:
    """Who left since is gone, and roles are as they are; a shop that would have no owner keeps who was in it."""
    there = {(row["workspace"], row["user_id"]): str(row["role"]) for row in rows}
    found = {(row.workspace, row.user_id): str(row.role) for row in conn.execute(sa.select(memberships))}
    after = {place: there.get(place) if place[1] in known else role for place, role in found.items()}
    owned = {workspace for (workspace, _), role in after.items() if role == _OWNER}
    differing = [place for place, role in found.items() if after[place] != role and place[0] in owned]
    m = memberships.c
    here = (m.workspace == sa.bindparam("of_workspace"), m.user_id == sa.bindparam("of_user"))
    left = [{"of_workspace": w, "of_user": user} for w, user in differing if after[w, user] is None]
    moved = [{"of_workspace": w, "of_user": user, "to": after[w, user]} for w, user in differing if after[w, user]]
    if left:
        conn.execute(memberships.delete().where(*here), left)
    if moved:
        conn.execute(memberships.update().where(*here).values(role=sa.bindparam("to")), moved)
    return len(differing)


def _value(table: Table, name: str, value: Any) -> Any:
    """SQLite has no truth values."""
    return bool(value) if isinstance(table.c[name].type, sa.Boolean) else value
