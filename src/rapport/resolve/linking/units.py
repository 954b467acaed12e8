"""People the shop knows for certain: what a customer is without any learned link.

Records are compared, and personal data may be disclosed, within such a unit alone. A learned link makes the shop's own
staff see two units as one customer; towards anybody else, and for consent, they stay two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve import store
from rapport.resolve.identities import find, members_of_customers
from rapport.resolve.model import Kind, Status

__all__ = ["certain_identifiers", "is_probable", "units_of"]


def units_of(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, dict[Key, list[Key]]]:
    """Root → unit → its identifiers. A unit is called by its earliest identifier; most customers are one unit.

    Cost: two set-based reads for each 500 customers.
    """
    members = members_of_customers(conn, workspace, roots)
    keys = [one.key for several in members.values() for one in several]
    parent = {key: key for key in keys}

    def find_top(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    columns = store.evidence.c
    query = sa.select(columns.a, columns.b).where(
        columns.status == int(Status.LINKED), columns.kind != Kind.PROBABLE.value
    )
    for a, b in store.select_among(conn, query, workspace, columns.a, keys):
        if b in parent:
            parent[find_top(Key(a))] = find_top(Key(b))
    units: dict[Key, dict[Key, list[Key]]] = {}
    for root, several in members.items():
        groups: defaultdict[Key, list[Key]] = defaultdict(list)
        for one in several:
            groups[find_top(one.key)].append(one.key)
        units[root] = {group[0]: group for group in groups.values()}
    return units


def certain_identifiers(conn: Connection, workspace: WorkspaceId, key: Key) -> list[Key]:
    """The identifiers that are the same person as this one without any learned link.

    What is shown to the shopper, answered to an access request or taken as consent must come from these alone.
    Empty where the identifier was never seen.
    """
    root = find(conn, workspace, key)
    if root is None:
        return []
    return next((unit for unit in units_of(conn, workspace, [root])[root].values() if key in unit), [])


def is_probable(conn: Connection, workspace: WorkspaceId, root: Key) -> bool:
    """True where a learned link holds this customer together."""
    return len(units_of(conn, workspace, [root]).get(root, {})) > 1
