"""People the shop knows for certain: what a customer is without any learned link.

Records are compared, and personal data may be disclosed, within such a unit alone. A learned link makes the shop's own
staff see two units as one customer; towards anybody else, and for consent, they stay two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.reading.identities import Member, find, members_of_customers
from rapport.storage.lookup import select_among

__all__ = ["certain_identifiers", "members_of", "units_among", "units_of"]


def units_of(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, dict[Key, list[Key]]]:
    """Root → unit → its identifiers. A unit is called by its earliest identifier; most customers are one unit.

    Cost: two set-based reads for each 500 customers.
    """
    return units_among(conn, workspace, members_of_customers(conn, workspace, roots))


def units_among(
    conn: Connection, workspace: WorkspaceId, members: Mapping[Key, Sequence[Member]], *,
    without: Sequence[Kind] = (Kind.PROBABLE,),
) -> dict[Key, dict[Key, list[Key]]]:  # fmt: skip
    """The same, for customers whose identifiers are at hand; `without` evidence of these kinds.

    One set-based read for each 500 identifiers.
    """
    parent = {one.key: one.key for several in members.values() for one in several}

    def find_top(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    columns = store.evidence.c
    query = sa.select(columns.a, columns.b).where(
        columns.status == int(Status.LINKED), columns.kind.not_in([kind.value for kind in without])
    )
    for a, b in select_among(conn, query, workspace, columns.a, list(parent)):
        if b in parent:
            parent[find_top(Key(a))] = find_top(Key(b))
    units: dict[Key, dict[Key, list[Key]]] = {}
    for root, several in members.items():
        groups: defaultdict[Key, list[Key]] = defaultdict(list)
        for one in several:
            groups[find_top(one.key)].append(one.key)
        units[root] = {group[0]: group for group in groups.values()}
    return units


def members_of(conn: Connection, workspace: WorkspaceId, key: Key, *, probable: bool = False) -> list[Member]:
    """The identifiers that are the same person as this one, the earliest first: without any learned link, or with.

    What is shown to the shopper, answered to an access request or taken as consent must come from those without.
    Empty where the identifier was never seen.
    """
    root = find(conn, workspace, key)
    if root is None:
        return []
    members = members_of_customers(conn, workspace, [root])
    if probable:
        return members[root]
    certain = next((unit for unit in units_among(conn, workspace, members)[root].values() if key in unit), [])
    return [one for one in members[root] if one.key in certain]


def certain_identifiers(conn: Connection, workspace: WorkspaceId, key: Key) -> list[Key]:
    """The keys of `members_of`, without any learned link."""
    return [one.key for one in members_of(conn, workspace, key)]
