"""The whole trail held against its tree: whatever was changed, left out or put in afterwards is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.kernel.merkle import EMPTY, Growing, Node, leaf_hash
from rapport.storage.audit.entries import Leaf, Part, commitment, parts_of
from rapport.storage.audit.sealing import Head
from rapport.storage.audit.tables import audit_entries, audit_heads, audit_nodes, audit_parts

__all__ = ["Verified", "verify"]

_e, _n, _h, _p = audit_entries.c, audit_nodes.c, audit_heads.c, audit_parts.c
_AT_ONCE = 1_000
_MOST_FAULTS = 20


class Verified(msgspec.Struct, kw_only=True):
    """What was found."""

    size: int = 0
    root: str = EMPTY.hex()
    unsealed: int = 0
    """Entries that have no place in the tree yet; they get it within seconds while a worker runs."""
    erased: int = 0
    """Parts that were erased with a person."""
    faults: list[str] = []
    """What is wrong, at most twenty; none: nothing was changed."""

    def fault(self, text: str) -> None:
        """Note something that is wrong."""
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(text)


def verify(conn: Connection, workspace: WorkspaceId, *, noted: Sequence[Head] = ()) -> Verified:
    """Read the whole trail, a thousand entries at a time. `noted` are heads that somebody kept elsewhere.

    Without a noted head, whoever may write to the whole database could have written another trail in its place.
    """
    found, tree = Verified(), Growing()
    kept = conn.execute(sa.select(_h.size, _h.hash).where(_h.workspace == workspace))
    heads: dict[int, list[bytes]] = {}
    for size, root in (*((row.size, row.hash) for row in kept), *noted):
        heads.setdefault(size, []).append(root)
    nodes = 0
    for rows in _sealed(conn, workspace):
        parts = parts_of(conn, workspace, [row.id for row in rows])
        made: dict[Node, bytes] = {}
        for row in rows:
            if row.leaf != tree.size:
                found.fault(f"the place {tree.size} of the trail is empty")
            _check(row, parts.get(row.id, []), found)
            made |= dict(tree.add(leaf_hash(row.body)))
            if any(root != tree.root() for root in heads.pop(tree.size, [])):
                found.fault(f"the first {tree.size} entries are others than they were")
        _check_nodes(conn, workspace, made, found)
        nodes += len(made)
    for size in sorted(heads):
        if size or any(root != EMPTY for root in heads[size]):
            found.fault(f"there were {size} entries, now there are {tree.size}")
    stored = conn.execute(sa.select(sa.func.count()).where(_n.workspace == workspace)).scalar()
    if stored != nodes:
        found.fault(f"the tree has {stored} hashes, its entries make {nodes}")
    _check_rest(conn, workspace, found)
    found.size, found.root = tree.size, tree.root().hex()
    return found


def _sealed(conn: Connection, workspace: WorkspaceId) -> Iterator[Sequence[Any]]:
    reached = -(2**62)
    while True:
        query = sa.select(audit_entries).where(_e.workspace == workspace, _e.leaf > reached)
        rows = conn.execute(query.order_by(_e.leaf).limit(_AT_ONCE)).all()
        if not rows:
            return
        yield rows
        reached = rows[-1].leaf


def _check(row: Any, parts: Sequence[Part], found: Verified) -> None:
    """An entry: its columns and parts are those that its leaf says."""
    try:
        leaf = msgspec.json.decode(row.body, type=Leaf)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found.fault(f"the entry {row.id} cannot be read")
        return
    if (leaf.id, leaf.at, leaf.who, leaf.action, leaf.about) != (row.id, row.at, row.who, row.action, row.about):
        found.fault(f"the entry {row.id} is filed as another than it is")
    if [part.number for part in parts] != list(range(len(leaf.parts))):
        found.fault(f"the entry {row.id} has {len(parts)} of its {len(leaf.parts)} parts")
        return
    for part, committed in zip(parts, leaf.parts, strict=True):
        if part.salt is None and part.body is None and part.key is None:
            found.erased += 1
        elif part.salt is None or part.body is None or commitment(part.salt, part.body) != committed:
            found.fault(f"part {part.number} of the entry {row.id} was changed")
        elif part.key is not None and msgspec.json.decode(part.body) != {"person": part.key.hex()}:
            found.fault(f"part {part.number} of the entry {row.id} is filed under somebody else")
        elif part.number and part.key is None:
            found.fault(f"part {part.number} of the entry {row.id} is filed under nobody")


def _check_nodes(conn: Connection, workspace: WorkspaceId, made: dict[Node, bytes], found: Verified) -> None:
    """The stored hashes are those that follow: of each level one stretch."""
    levels: dict[int, list[int]] = {}
    for node in made:
        levels.setdefault(node.level, []).append(node.position)
    for level, positions in levels.items():
        stretch = (_n.level == level, _n.position.between(min(positions), max(positions)))
        rows = conn.execute(sa.select(_n.position, _n.hash).where(_n.workspace == workspace, *stretch))
        stored = {row.position: row.hash for row in rows}
        wrong = next((place for place in positions if stored.get(place) != made[Node(level, place)]), None)
        if wrong is not None:
            found.fault(f"the hash {level}:{wrong} of the tree is not what its entries make")


def _check_rest(conn: Connection, workspace: WorkspaceId, found: Verified) -> None:
    """What waits for its place is whole, and no part is without its entry."""
    waiting = conn.execute(sa.select(audit_entries).where(_e.workspace == workspace, _e.leaf.is_(None))).all()
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        parts = parts_of(conn, workspace, [row.id for row in some])
        for row in some:
            _check(row, parts.get(row.id, []), found)
    found.unsealed = len(waiting)
    its = sa.exists().where(_e.workspace == _p.workspace, _e.id == _p.entry)
    alone = conn.execute(sa.select(sa.func.count()).where(_p.workspace == workspace, ~its)).scalar()
    if alone:
        found.fault(f"{alone} parts belong to no entry")
