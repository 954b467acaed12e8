"""Facts taken back out of identity: what they alone said is gone, what others said too is as if only those had come.

The graph keeps of each identifier and each piece of evidence the first fact and the last day. So what facts are taken
back leaves what the rest of the same strands say, beside the evidence of others that names the same identifiers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import IdentifierPolicy, key_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.model import ACTIVE, Evidence, EvidenceId, Kind, Status, day_of, oriented, strength
from rapport.resolve.graph.neighbourhood import Edge
from rapport.resolve.graph.recompute import Moved, Recomputation
from rapport.resolve.graph.renaming import NO_WORD, Word, word_of
from rapport.resolve.graph.resolver import said_of, sighted_at
from rapport.storage.bulk import insert_ignore
from rapport.storage.lookup import change_among, select_among

__all__ = ["Unseen", "shared_among", "unsay"]

_i, _e = store.identifiers.c, store.evidence.c
_First = tuple[int, str, str]
"""When, by which fact and by which source something was seen first."""


class Unseen(NamedTuple):
    """What taking facts back did to identity."""

    moved: list[Moved]
    gone: list[Key]
    """Identifiers that nobody else has named."""
    evidence: int
    """Pieces of evidence that are gone."""
    parted: int
    """Customers that came out of others."""


class _Rest:
    """What the remaining facts say of the same identifiers and evidence."""

    def __init__(self, workspace: WorkspaceId, facts: Iterable[Fact], policy: IdentifierPolicy) -> None:
        self.first: dict[Key, _First] = {}
        self.evidence: dict[EvidenceId, Evidence] = {}
        self.words: dict[Key, Word] = {}
        for fact in facts:
            said = said_of(workspace, fact, policy)
            seen = (sighted_at(fact), fact.id, fact.source)
            for key in said.found:
                self.first[key] = min(seen, self.first.get(key, seen))
            if (heard := word_of(fact, policy)) is not None:
                key = key_of(workspace, heard[0])
                self.words[key] = self.words.get(key, NO_WORD).with_(heard[1])
            for ident, piece in said.evidence:
                self._take(ident, piece._replace(again_day=day_of(fact.occurred_at)))

    def _take(self, ident: EvidenceId, piece: Evidence) -> None:
        other = self.evidence.get(ident)
        if other is not None:
            day = max(piece.last_day, other.last_day)
            piece = min(piece, other, key=lambda one: (one.first_at, one.first_fact))._replace(again_day=day)
        self.evidence[ident] = piece


def shared_among(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> dict[Key, str]:
    """Those of these identifiers that name nobody any more, with their values."""
    query = sa.select(_i.key, _i.value).where(_i.shared_at.is_not(None))
    return {Key(key): value for key, value in select_among(conn, query, workspace, _i.key, keys)}


def unsay(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, *, said: Sequence[Fact],
    rest: Sequence[Fact], now: int,
) -> Unseen:  # fmt: skip
    """Take these facts out of identity. `rest` are all other facts of their strands and of the strands of whatever they
    name, and of shared identifiers all that name them. Needs `store.lock`.
    """
    names: set[Key] = set()
    maybe: set[Key] = set()
    pieces: set[EvidenceId] = set()
    for fact in said:
        told = said_of(workspace, fact, policy)
        names.update(told.found)
        maybe.update(told.maybe)
        pieces.update(ident for ident, _ in told.evidence)
    left = _Rest(workspace, rest, policy)
    shared = shared_among(conn, workspace, names | maybe)
    roots = store.roots_of(conn, workspace, names)
    change = _Unsaying(conn, workspace, policy, at=now)
    taken = change.take(pieces, left.evidence, {fact.id for fact in said})
    gone = change.sight(roots, left, {fact.id for fact in said})
    moved = change.finish()
    change_among(conn, sa.delete(store.identifiers), workspace, _i.key, gone)
    if set(shared) - set(gone):
        moved += _count_again(conn, workspace, policy, set(shared) - set(gone), left.evidence, now=now)
    return Unseen(_once(moved, roots, gone, workspace), sorted(gone), taken, _parted(conn, workspace, moved, gone))


class _Unsaying(Recomputation):
    """A recomputation in which evidence and sightings are taken back, and no person does so."""

    def take(self, pieces: Collection[EvidenceId], left: Mapping[EvidenceId, Evidence], facts: Collection[str]) -> int:
        """Bring these pieces to what the rest says of them; what it does not say is gone. Returns how many are."""
        gone = self._take_waiting(pieces, left)
        edges = self._around.load_evidence([ident for ident in pieces if ident not in self._waiting])
        for ident, edge in edges.items():
            now_said = left.get(ident)
            if now_said is not None:
                self._weaken(edge, now_said)
            elif edge.author is None:  # what a person took back stays taken back
                gone.append(ident)
        self._drop(gone)
        return len(gone)

    def sight(self, roots: Mapping[Key, Key], left: _Rest, facts: Collection[str]) -> list[Key]:
        """Bring identifiers to their first fact without those taken back. Returns those that nobody has seen."""
        first = dict(left.first)
        for end in (_e.a, _e.b):
            query = sa.select(end.label("key"), _e.first_at, _e.first_fact, _e.source).where(
                _e.kind == Kind.SEEN  # an alias may only guess what its far end is: the rest says
            )
            for row in select_among(self._conn, query, self._workspace, end, roots):
                if row.first_fact not in facts:
                    seen = (row.first_at, row.first_fact, row.source)
                    first[row.key] = min(seen, first.get(row.key, seen))
        self._around.load(roots)
        for key in roots:
            node = self._around.nodes[key]
            seen = first.get(key, (node.first_seen_at, node.first_fact, node.source))
            if seen != (node.first_seen_at, node.first_fact, node.source):
                node.first_seen_at, node.first_fact, node.source = seen
                node.changed = True
            if node.take_word(left.words.get(key, NO_WORD)):
                self._reweighed.add(key)
            self._touch("", key)
        gone = [key for key in roots if key not in first]
        for end in (_e.a, _e.b):
            query = sa.select(_e.id).where(_e.status != Status.WAITING)
            idents = [row.id for row in select_among(self._conn, query, self._workspace, end, gone)]
            self._around.load_evidence(idents)
            self._drop(idents, wait=left.evidence.keys())
        return gone

    def _take_waiting(self, pieces: Collection[EvidenceId], left: Mapping[EvidenceId, Evidence]) -> list[EvidenceId]:
        """Evidence to what nobody has seen has no ends to load: its rows are changed where they lie."""
        query = sa.select(_e.id).where(_e.status == Status.WAITING)
        self._waiting = {row.id for row in select_among(self._conn, query, self._workspace, _e.id, pieces)}
        for ident in self._waiting & left.keys():
            piece = left[ident]
            self._conn.execute(
                store.evidence.update()
                .where(_e.workspace == self._workspace, _e.id == ident)
                .values(first_at=piece.first_at, first_fact=piece.first_fact, source=piece.source,
                        last_day=piece.last_day)
            )  # fmt: skip
        return sorted(self._waiting - left.keys())

    def _weaken(self, edge: Edge, piece: Evidence) -> None:
        """Its first fact is a later one, its last day an earlier."""
        first = (piece.first_at, piece.first_fact, piece.source)
        if (edge.first_at, edge.first_fact, edge.source, edge.last_day) == (*first, piece.last_day):
            return
        edge.first_at, edge.first_fact, edge.source = first
        edge.last_day, edge.changed = piece.last_day, True
        edge.strength = strength(
            edge.kind, edge.weight, edge.first_at, edge.ident, weaker_rank=max(edge.rank_a, edge.rank_b),
            contracting=edge.contracting, asking=edge.asking,
        )  # fmt: skip
        self._touch("", edge.a, edge.b)
        if edge.status in ACTIVE and edge.expired(self._today):
            self._put_aside(edge, Status.EXPIRED)
        elif edge.status in ACTIVE and edge.windowed:  # a stronger one may have its place in the window now
            self._put_aside(edge, Status.SURPLUS)
            self._candidates[edge.ident] = edge

    def _drop(self, idents: Collection[EvidenceId], *, wait: Collection[EvidenceId] = ()) -> None:
        """Take evidence away; what is in `wait` waits for an end that nobody has seen."""
        for ident in idents:
            edge = self._around.edges.get(ident)
            if edge is None:
                continue
            if edge.status in ACTIVE:
                self._put_aside(edge, Status.WITHDRAWN)
            self._touch("", edge.a, edge.b)
            del self._around.edges[ident]
            self._candidates.pop(ident, None)
        waiting = [ident for ident in idents if ident in wait]
        gone = [ident for ident in idents if ident not in wait]
        values = {"status": int(Status.WAITING), "until_day": None}
        change_among(self._conn, sa.update(store.evidence).values(values), self._workspace, _e.id, waiting)
        change_among(self._conn, sa.delete(store.evidence), self._workspace, _e.id, gone)


def _count_again(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, keys: Collection[Key],
    left: Mapping[EvidenceId, Evidence], *, now: int,
) -> list[Moved]:  # fmt: skip
    """Identifiers that named nobody are counted again, with the evidence that was never kept as they did so."""
    near = {i: piece for i, piece in left.items() if piece.a in keys or piece.b in keys}
    ranks = _ranks(conn, workspace, {end for piece in near.values() for end in (piece.a, piece.b)}, policy)
    rows = []
    for ident, piece in near.items():
        if piece.a not in ranks or piece.b not in ranks:
            continue
        a, b = oriented(piece.a, ranks[piece.a], piece.b, ranks[piece.b])
        rows.append({
            "workspace": workspace, "id": ident, "a": a, "b": b, "kind": piece.kind.value,
            "peer": ranks[a] == ranks[b], "first_at": piece.first_at, "first_fact": piece.first_fact,
            "source": piece.source, "weight": piece.weight, "status": int(Status.SHARED), "last_day": piece.last_day,
            "until_day": None, "author": None, "reason": None,
        })  # fmt: skip
    insert_ignore(conn, store.evidence, rows, key=("workspace", "id"))
    return corrections.rebuild(conn, workspace, policy, now=now)


def _ranks(conn: Connection, workspace: WorkspaceId, keys: Collection[Key], policy: IdentifierPolicy) -> dict[Key, int]:
    rows = select_among(conn, sa.select(_i.key, _i.namespace), workspace, _i.key, keys)
    return {Key(key): policy.rank(namespace) for key, namespace in rows}


def _once(
    moved: Iterable[Moved], roots: Mapping[Key, Key], gone: Collection[Key], workspace: WorkspaceId
) -> list[Moved]:
    """Where each identifier came from at first and is at last; those that are gone leave the customer they had."""
    first: dict[Key, Any] = {}
    for one in moved:
        before = first.get(one.identifier_key, one)
        first[one.identifier_key] = one._replace(old_root=before.old_root)
    for key in gone:
        first[key] = Moved(workspace, key, roots[key], roots[key])
    return list(first.values())


def _parted(conn: Connection, workspace: WorkspaceId, moved: Iterable[Moved], gone: Collection[Key]) -> int:
    """How many customers came out of others that are still there."""
    left = {(one.old_root, one.new_root) for one in moved if one.identifier_key not in set(gone)}
    now = store.roots_of(conn, workspace, {old for old, _ in left if old is not None})
    return len({new for old, new in left if old is not None and now.get(old, new) != new})
