"""Entries get their place in the tree: in batches, one at a time for each shop, apart from whoever adds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Connection

from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.merkle import (
    EMPTY,
    Growing,
    Node,
    Range,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    nodes_of,
    range_hash,
)
from rapport.storage.audit.tables import audit_entries, audit_heads, audit_nodes
from rapport.storage.bulk import chunks, insert_rows
from rapport.storage.locks import Lock, lock_each

__all__ = ["Head", "consistency_path", "head", "inclusion_path", "load_peaks", "seal", "unsealed"]

_e, _n, _h = audit_entries.c, audit_nodes.c, audit_heads.c


class Head(NamedTuple):
    """The tree as it is: all that somebody must keep to prove later that nothing before it was changed."""

    size: int
    root: bytes


def head(conn: Connection, workspace: WorkspaceId) -> Head:
    """The newest head."""
    query = sa.select(_h.size, _h.hash).where(_h.workspace == workspace).order_by(_h.size.desc()).limit(1)
    row = conn.execute(query).first()
    return Head(0, EMPTY) if row is None else Head(row.size, row.hash)


def unsealed(conn: Connection) -> list[WorkspaceId]:
    """Shops with entries that have no place yet."""
    query = sa.select(_e.workspace).where(_e.leaf.is_(None)).distinct().order_by(_e.workspace)
    return [WorkspaceId(one) for one in conn.execute(query).scalars()]


def seal(conn: Connection, workspace: WorkspaceId, *, at_most: int = 5_000) -> int:
    """Give the oldest entries that have no place theirs; returns how many. Four statements for however many."""
    lock_each(conn, Lock.AUDIT, [workspace])
    query = sa.select(_e.id, _e.body).where(_e.workspace == workspace, _e.leaf.is_(None))
    waiting = conn.execute(query.order_by(_e.at, _e.id).limit(at_most)).all()
    if not waiting:
        return 0
    size = head(conn, workspace).size
    tree = Growing(size, load_peaks(conn, workspace, size))
    made = [node for row in waiting for node in tree.add(leaf_hash(row.body))]
    insert_rows(
        conn, audit_nodes,
        [
            {"workspace": workspace, "level": node.level, "position": node.position, "hash": found}
            for node, found in made
        ],
    )  # fmt: skip
    insert_rows(conn, audit_heads, [{"workspace": workspace, "size": tree.size, "hash": tree.root()}])
    place = sa.update(audit_entries).where(_e.workspace == workspace, _e.id == sa.bindparam("ident"))
    conn.execute(
        place.values(leaf=sa.bindparam("place", type_=BigInteger)),
        [{"ident": row.id, "place": size + number} for number, row in enumerate(waiting)],
    )
    return len(waiting)


def load_peaks(conn: Connection, workspace: WorkspaceId, size: int) -> list[bytes]:
    """The perfect subtrees of the tree of this size, the largest first."""
    wanted = sorted(nodes_of([(0, size)]), reverse=True)
    found = _nodes(conn, workspace, wanted)
    return [found[node] for node in wanted]


def inclusion_path(conn: Connection, workspace: WorkspaceId, leaf: int, size: int) -> list[bytes]:
    """What proves that a leaf is in the tree of this size."""
    return _hashes(conn, workspace, inclusion_ranges(leaf, size))


def consistency_path(conn: Connection, workspace: WorkspaceId, first: int, size: int) -> list[bytes]:
    """What proves that the tree of `first` leaves is the beginning of that of `size`. Raises InvalidInput."""
    if not 0 < first <= size:
        raise InvalidInput(f"the trail has {size} entries that are sealed, not {first}", hint="1 to that number")
    return _hashes(conn, workspace, consistency_ranges(first, size))


def _hashes(conn: Connection, workspace: WorkspaceId, ranges: list[Range]) -> list[bytes]:
    found = _nodes(conn, workspace, nodes_of(ranges))
    return [range_hash(one, found) for one in ranges]


def _nodes(conn: Connection, workspace: WorkspaceId, wanted: Iterable[Node]) -> Mapping[Node, bytes]:
    found: dict[Node, bytes] = {}
    asked = sorted(wanted)
    for some in chunks(asked, 200):
        places = sa.tuple_(_n.level, _n.position).in_([(node.level, node.position) for node in some])
        query = sa.select(_n.level, _n.position, _n.hash).where(_n.workspace == workspace, places)
        found |= {Node(row.level, row.position): row.hash for row in conn.execute(query)}
    missing = [node for node in asked if node not in found]
    if missing:
        raise Conflict(
            f"the audit trail lacks {len(missing)} of its hashes", hint="`rapport audit verify` says what is wrong"
        )
    return found
