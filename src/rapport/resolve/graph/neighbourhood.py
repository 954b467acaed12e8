"""The part of the identity graph that a change can reach, loaded set-based and kept in memory for one recomputation.

Three rings: the customers *inside*, with all evidence that counts at any of their identifiers; around them a *halo* of
customers whose own links are known but not questioned; and the *rim*, single identifiers at the far end of evidence.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.model import (
    ACTIVE,
    IDLE,
    UNCOUNTED,
    Evidence,
    EvidenceId,
    Kind,
    Known,
    Status,
    Strength,
    asks_names,
    contracts,
    oriented,
    strength,
)
from rapport.resolve.graph.renaming import CERTAIN, IN_RENAMING, Word
from rapport.storage.lookup import select_among

__all__ = ["Edge", "Neighbourhood", "Node"]

_identifiers = store.identifiers.c
_evidence = store.evidence.c
_READ = [column for column in _evidence if column.name != "peer"]


class Node(msgspec.Struct, kw_only=True, gc=False):
    """An identifier's row; `root` is None until it is written for the first time."""

    key: Key
    namespace: str
    value: str
    first_seen_at: int
    first_fact: str
    source: str
    rank: int
    root: Key | None = None
    shared_at: int | None = None
    stated_at: int | None = None
    renamed_by: str | None = None
    standing: int = 0
    changed: bool = False

    @property
    def shared(self) -> bool:
        """True where it names nobody any more."""
        return self.shared_at is not None

    def known(self) -> Known:
        return Known(
            self.key, self.namespace, self.value, self.first_seen_at, self.stated_at, self.renamed_by, self.certain
        )

    @property
    def certain(self) -> bool:
        """True of an account that the shop's own software knows."""
        return bool(self.standing & CERTAIN)

    def take_word(self, word: Word) -> bool:
        """Put in what was said in its name. True where a renaming of it may be another thing now."""
        before = (self.stated_at, self.renamed_by, self.standing)
        self.stated_at, self.renamed_by = word.stated_at, word.renamed_by
        self.standing = self.standing & ~CERTAIN | (CERTAIN if word.certain else 0)
        if before == (self.stated_at, self.renamed_by, self.standing):
            return False
        self.changed = True
        return bool(self.standing & IN_RENAMING)

    @property
    def word(self) -> Word:
        """What was said in its name."""
        return Word(self.stated_at, self.renamed_by, self.certain)

    def mark_renaming(self) -> None:
        """Note that a renaming is about it."""
        if not self.standing & IN_RENAMING:
            self.standing |= IN_RENAMING
            self.changed = True


class Edge(msgspec.Struct, kw_only=True):
    """A piece of evidence's row, with its place in the order of trust."""

    ident: EvidenceId
    a: Key
    b: Key
    kind: Kind
    first_at: int
    first_fact: str
    source: str
    weight: int
    last_day: int
    counts_days: int | None
    """How long it counts after `last_day`; None: for ever."""
    rank_a: int
    rank_b: int
    contracting: bool
    asking: bool
    """Whether it ties only what may be one person by name."""
    strength: Strength
    status: Status | None = None
    author: str | None = None
    reason: str | None = None
    changed: bool = False

    @property
    def until_day(self) -> int | None:
        """The last day on which it counts; None where time does not matter to it."""
        if self.counts_days is None or self.status in IDLE:
            return None
        return self.last_day + self.counts_days

    def expired(self, today: int) -> bool:
        """True where it was last seen too long ago."""
        return self.counts_days is not None and self.last_day + self.counts_days < today

    @property
    def windowed(self) -> bool:
        """True where only the strongest of such edges of `a` are looked at."""
        return self.rank_a != self.rank_b and self.kind is not Kind.JOINED

    def lower(self, piece: Evidence) -> bool:
        """Take over an earlier first fact or a larger weight. True where that changes something."""
        before = (self.first_at, self.first_fact, self.weight)
        if (piece.first_at, piece.first_fact) < (self.first_at, self.first_fact):
            self.first_at, self.first_fact, self.source = piece.first_at, piece.first_fact, piece.source
        self.weight = max(self.weight, piece.weight)
        if (self.first_at, self.first_fact, self.weight) == before:
            return False
        self.strength = strength(
            self.kind, self.weight, self.first_at, self.ident,
            weaker_rank=max(self.rank_a, self.rank_b), contracting=self.contracting, asking=self.asking,
        )  # fmt: skip
        self.changed = True
        return True


class Neighbourhood:
    """Nodes and edges loaded so far. Every method costs a constant number of statements for each 500 keys."""

    def __init__(self, conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy) -> None:
        self.nodes: dict[Key, Node] = {}
        self.edges: dict[EvidenceId, Edge] = {}
        self.incident: defaultdict[Key, dict[EvidenceId, Edge]] = defaultdict(dict)
        """Identifier → evidence that counts at it; complete for those inside."""
        self.inside: set[Key] = set()
        self.halo: set[Key] = set()
        self._conn = conn
        self._workspace = workspace
        self._policy = policy
        self._roots: set[Key] = set()
        self._halo_roots: set[Key] = set()
        self._forbidden: defaultdict[Key, set[Key]] = defaultdict(set)
        self._forbidden_known: set[Key] = set()
        self._any_forbidden: bool | None = None

    # -- what is in memory

    def add(self, node: Node) -> None:
        """Put in an identifier that has no row yet."""
        self.nodes[node.key] = node

    def edge(self, ident: EvidenceId, piece: Evidence) -> Edge:
        """The edge of evidence that has no row yet; both ends must be loaded. It does not count until `activate`."""
        one, other = self.nodes[piece.a], self.nodes[piece.b]
        a, b = oriented(one.key, one.rank, other.key, other.rank)
        contracting = contracts(piece.kind, one.namespace, other.namespace)
        asking = asks_names(piece.kind, self.nodes[a].namespace)
        return Edge(
            ident=ident, a=a, b=b, kind=piece.kind, first_at=piece.first_at, first_fact=piece.first_fact,
            source=piece.source, weight=piece.weight, rank_a=self.nodes[a].rank, rank_b=self.nodes[b].rank,
            contracting=contracting, asking=asking, changed=True, last_day=piece.last_day,
            counts_days=self._policy.counts_days(piece.kind, one.namespace, other.namespace),
            strength=strength(
                piece.kind, piece.weight, piece.first_at, ident,
                weaker_rank=max(one.rank, other.rank), contracting=contracting, asking=asking,
            ),
        )  # fmt: skip

    def activate(self, edge: Edge) -> None:
        """Let the evidence count."""
        self.edges[edge.ident] = edge
        self.incident[edge.a][edge.ident] = edge
        self.incident[edge.b][edge.ident] = edge

    def deactivate(self, edge: Edge, status: Status) -> None:
        """Let it count no more."""
        self.edges[edge.ident] = edge
        edge.status, edge.changed = status, True
        self.incident[edge.a].pop(edge.ident, None)
        self.incident[edge.b].pop(edge.ident, None)

    def window(self, a: Key, rank_b: int) -> list[Edge]:
        """The evidence that counts between an identifier inside and its less stable neighbours of one rank."""
        return [e for e in self.incident[a].values() if e.a == a and e.rank_b == rank_b and e.windowed]

    # -- loading

    def load(self, keys: Iterable[Key]) -> None:
        """Load single identifiers that have a row."""
        missing = [key for key in keys if key not in self.nodes]
        self._load_nodes(_identifiers.key, missing)

    def load_evidence(self, idents: Collection[EvidenceId]) -> dict[EvidenceId, Edge]:
        """The pieces of evidence that have a row, with both their ends."""
        rows = list(self._select_evidence(_evidence.id, [i for i in idents if i not in self.edges]))
        self._add_edges(rows)
        return {ident: self.edges[ident] for ident in idents if ident in self.edges}

    def waiting_for(self, keys: Collection[Key]) -> list[Any]:
        """Rows of evidence that waits for these identifiers, at either end."""
        found: dict[EvidenceId, Any] = {}
        for end in (_evidence.a, _evidence.b):
            found.update((row.id, row) for row in self._select_evidence(end, keys, (Status.WAITING,)))
        return list(found.values())

    def load_unfounded(self, keys: Collection[Key]) -> None:
        """Load the renamings of these accounts that do not count."""
        rows: dict[EvidenceId, Any] = {}
        for end in (_evidence.a, _evidence.b):
            rows.update((row.id, row) for row in self._select_evidence(end, keys, (Status.UNFOUNDED,)))
        self._add_edges(rows.values())

    def renamings(self) -> list[Edge]:
        """The renamings in memory."""
        return [edge for edge in self.edges.values() if edge.kind is Kind.RENAMED]

    def include(self, keys: Iterable[Key]) -> None:
        """Take the customers of these identifiers inside: all their identifiers, all evidence that counts at them."""
        roots = set()
        for key in keys:
            root = self.nodes[key].root
            if root is None:
                self.inside.add(key)
            elif root not in self._roots:
                roots.add(root)
        if not roots:
            return
        self._roots |= roots
        members = self._load_nodes(_identifiers.root, roots)
        self.inside.update(members)
        rows: dict[EvidenceId, Any] = {}
        for end in (_evidence.a, _evidence.b):
            rows.update((row.id, row) for row in self._select_evidence(end, members, ACTIVE))
        self._add_edges(rows.values())

    def include_halo(self, keys: Iterable[Key]) -> None:
        """Load the customers of these identifiers with the links that hold them together."""
        roots = {root for key in keys if (root := self.nodes[key].root) is not None} - self._halo_roots - self._roots
        self._halo_roots |= roots
        members = self._load_nodes(_identifiers.root, roots)
        self.halo.update(members)
        self._add_edges(list(self._select_evidence(_evidence.a, members, (Status.LINKED,))))

    def neighbours(self, keys: Collection[Key]) -> Iterator[tuple[Key, Key, int]]:
        """(identifier, neighbour, its rank) for all that count when asking whether the identifier is shared."""
        other = store.identifiers.c
        for end, far, peers_only in ((_evidence.b, _evidence.a, False), (_evidence.a, _evidence.b, True)):
            query = (
                sa.select(end, far, other.namespace)
                .join(store.identifiers, (other.workspace == _evidence.workspace) & (other.key == far))
                .where(*(_evidence.kind != kind for kind in UNCOUNTED))
            )
            if peers_only:
                query = query.where(_evidence.peer)
            for key, neighbour, namespace in select_among(self._conn, query, self._workspace, end, keys):
                yield key, neighbour, self._policy.rank(namespace)

    def crowded(self, keys: Collection[Key]) -> set[Key]:
        """Those identifiers that may have a full window."""
        query = (
            sa.select(_evidence.a)
            .where(_is_one_of(ACTIVE))
            .group_by(_evidence.a)
            .having(sa.func.count() >= self._policy.window)
        )
        found = {row.a for row in select_among(self._conn, query, self._workspace, _evidence.a, keys)}
        self.load(found)
        return found

    def surplus(self, a: Key, rank_b: int, limit: int) -> list[Edge]:
        """The strongest evidence put aside as surplus between an identifier and its neighbours of one rank."""
        other = store.identifiers.c
        listed = [name for name in self._policy.priority if self._policy.rank(name) == rank_b]
        namespace = other.namespace.in_(listed) if listed else other.namespace.not_in(self._policy.priority)
        query = (
            sa.select(store.evidence)
            .join(store.identifiers, (other.workspace == self._workspace) & (other.key == _evidence.b))
            .where(_evidence.workspace == self._workspace, _evidence.a == a, _evidence.status == Status.SURPLUS)
            .where(namespace, other.shared_at.is_(None))
            .order_by(
                sa.case({Kind.ALIAS: 0, Kind.SEEN: 1}, value=_evidence.kind, else_=2),
                _evidence.weight.desc(), _evidence.first_at, _evidence.id,
            )
            .limit(limit)
        )  # fmt: skip
        rows = list(self._conn.execute(query))
        self._add_edges(rows)
        return [self.edges[row.id] for row in rows]

    def forbidden(self, keys: Iterable[Key]) -> dict[Key, set[Key]]:
        """Identifier → those it must never be joined with."""
        if self._any_forbidden is None:
            query = sa.select(sa.literal(1)).where(store.forbidden_pairs.c.workspace == self._workspace).limit(1)
            self._any_forbidden = self._conn.execute(query).first() is not None
        if self._any_forbidden:
            new = [key for key in keys if key not in self._forbidden_known]
            self._forbidden_known.update(new)
            pairs = store.forbidden_pairs.c
            query = sa.select(pairs.a, pairs.b)
            for end in (pairs.a, pairs.b):
                for a, b in select_among(self._conn, query, self._workspace, end, new):
                    self._forbidden[a].add(b)
        return self._forbidden

    def _load_nodes(self, column: sa.ColumnElement[Any], values: Collection[Key]) -> list[Key]:
        query = sa.select(store.identifiers)
        keys = []
        for row in select_among(self._conn, query, self._workspace, column, values):
            keys.append(row.key)
            if row.key not in self.nodes:
                self.nodes[row.key] = Node(
                    key=row.key, namespace=row.namespace, value=row.value, first_seen_at=row.first_seen_at,
                    first_fact=row.first_fact, source=row.source, rank=self._policy.rank(row.namespace),
                    root=row.root, shared_at=row.shared_at, stated_at=row.stated_at, renamed_by=row.renamed_by,
                    standing=row.standing,
                )  # fmt: skip
        return keys

    def _select_evidence(
        self, column: sa.ColumnElement[Any], values: Collection[bytes], statuses: Collection[Status] = ()
    ) -> Iterator[Any]:
        query = sa.select(*_READ)
        if statuses:
            query = query.where(_is_one_of(statuses))
        return select_among(self._conn, query, self._workspace, column, values)

    def _add_edges(self, rows: Collection[Any]) -> None:
        self.load({end for row in rows for end in (row.a, row.b)})
        for row in rows:
            if row.id in self.edges:
                continue
            kind = Kind(row.kind)
            piece = Evidence(
                row.a, row.b, kind, row.first_at, row.first_fact, row.source, row.weight, again_day=row.last_day
            )
            edge = self.edge(row.id, piece)
            edge.status, edge.author, edge.reason, edge.changed = Status(row.status), row.author, row.reason, False
            self.edges[row.id] = edge
            if edge.status in ACTIVE:
                self.activate(edge)


def _is_one_of(statuses: Collection[Status]) -> sa.ColumnElement[bool]:
    # Not `in_`: of a statement with lists of its own the text is not kept (`storage/lookup.py`).
    return sa.or_(*(_evidence.status == status for status in statuses))
