"""Whom a decision or a timer is about: the strands of a customer, and how a fact of our own names them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.inputs import ReadingSettings
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers
from rapport.resolve.graph.store import roots_of as current_roots
from rapport.storage.lookup import select_among
from rapport.storage.prepared import Prepared
from rapport.storage.workspaces import workspace_of

__all__ = [
    "identifiers_by_key",
    "names_by_strand",
    "naming",
    "reading_settings",
    "roots_of",
    "strands_by_root",
    "strands_of",
]


def reading_settings(conn: Connection, workspace: WorkspaceId) -> ReadingSettings:
    """How the facts of a shop are to be read. A batch asks by way of `Work.known`."""
    found = workspace_of(conn, workspace).settings
    return ReadingSettings(currency=found.currency, region=found.region)


def strands_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> list[Key]:
    """All strands of the customers behind these few keys, the keys themselves first. One statement."""
    rows = _STRANDS.among(conn, "keys", keys, ws=workspace)
    return list(dict.fromkeys([*keys, *(Key(bytes(row[0])) for row in rows)]))


def _strands() -> sa.Select[*tuple[Any, ...]]:
    asked, own = identifiers.alias("asked"), identifiers.alias("own")
    is_theirs = (own.c.workspace == asked.c.workspace) & (own.c.root == asked.c.root)
    return (
        sa.select(own.c.key).select_from(asked.join(own, is_theirs))
        .where(asked.c.workspace == sa.bindparam("ws"), asked.c.key.in_(sa.bindparam("keys", expanding=True)))
        .order_by(own.c.key)
    )  # fmt: skip


_STRANDS = Prepared(_strands())


def roots_of(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> dict[Key, Key]:
    """The customer of each of these strands; a strand nothing is known about yet is its own."""
    return {strand: strand for strand in strands} | current_roots(conn, workspace, strands)


def strands_by_root(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, list[Key]]:
    """All strands of each of these customers, the root always among them."""
    wanted = dict.fromkeys(roots)
    query = sa.select(identifiers.c.root, identifiers.c.key)
    strands: dict[Key, list[Key]] = {root: [root] for root in wanted}
    for root, key in select_among(conn, query, workspace, identifiers.c.root, wanted):
        if key != root:
            strands[Key(root)].append(Key(key))
    return strands


def identifiers_by_key(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[Key, Identifier]:
    """What these keys stand for; unknown ones are missing."""
    i = identifiers.c
    query = sa.select(i.key, i.namespace, i.value)
    return {
        Key(key): Identifier(namespace, value)
        for key, namespace, value in select_among(conn, query, workspace, i.key, keys)
    }


def names_by_strand(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> dict[Key, str]:
    """What to call whom these strands belong to: name, else e-mail address or telephone number; unknown are missing."""
    i, c = identifiers.c, customers.c
    called = sa.func.coalesce(*(sa.func.nullif(column, "") for column in (c.name, c.email, c.phone)))
    query = sa.select(i.key, called).join(customers, (c.workspace == i.workspace) & (c.root == i.root))
    return {Key(key): name for key, name in select_among(conn, query, workspace, i.key, strands) if name}


def naming(identifier: Identifier) -> dict[str, Any]:
    """How `collect.own.own_fact` is told whom a fact is about, so that it lands on this identifier's strand.

    >>> naming(Identifier("email", "ada@example.com"))
    {'external_ids': [{'type': 'email', 'id': 'ada@example.com'}]}
    """
    if identifier.namespace in ("user_id", "anonymous_id"):
        return {identifier.namespace: identifier.value}
    return {"external_ids": [{"type": identifier.namespace, "id": identifier.value}]}
