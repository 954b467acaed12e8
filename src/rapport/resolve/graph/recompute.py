"""From new evidence to changed customers: what `model.resolve` answers for everything, for those a change can reach.

The greedy union is local. Evidence between two customers that were not touched stays refused, and what holds an
untouched customer together stays linked, as long as every refused piece between them and a recomputed customer would be
refused again at its turn. So: recompute the touched customers; where a piece of evidence to the outside would now be
accepted, take that customer in and begin again. In the end the answer is that of the pure function (by induction over
the order of trust; the property tests compare the two).

Cost of a batch: one recomputation, a constant number of statements for each round and 500 keys, work in proportion to
the touched customers and their evidence (each bounded by `max_identifiers`, `shared_after` and `window`) and to those
that really change with them; never to the size of what hangs together over refused evidence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.identifiers import Identifier, IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.forest import Forest
from rapport.resolve.graph.model import (
    ACTIVE,
    UNCOUNTED,
    Evidence,
    EvidenceId,
    Kind,
    Status,
    counting_ends,
    day_of,
)
from rapport.resolve.graph.neighbourhood import Edge, Neighbourhood, Node
from rapport.resolve.graph.renaming import Word, is_founded
from rapport.resolve.graph.settled import Moved, Settled
from rapport.resolve.graph.stated import EXPIRY, Turn
from rapport.resolve.graph.waiting import LastSeen, awake, keep_waiting
from rapport.storage.lookup import select_among

__all__ = ["LastSeen", "Moved", "Recomputation", "Sighting"]


class Sighting(NamedTuple):
    """An identifier and the earliest fact known to carry it."""

    namespace: str
    value: str
    first_at: int
    first_fact: str
    source: str


class Recomputation:
    """One change of a workspace's identities: say what is new or taken back, then `finish`. Needs `store.lock`."""

    def __init__(self, conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, *, at: int) -> None:
        self._conn = conn
        self._workspace = workspace
        self._policy = policy
        self._at = at
        self._today = day_of(at)
        self._around = Neighbourhood(conn, workspace, policy)
        self._touched: dict[Key, str] = {}
        self._reweighed: set[Key] = set()
        self._candidates: dict[EvidenceId, Edge] = {}
        self._gaps: Counter[tuple[Key, int]] = Counter()
        self.people: defaultdict[str, list[Turn]] = defaultdict(list)
        """After `finish`, by the fact behind it: merges and splits where each side has a name of a person."""

    # -- what changes

    def observe(
        self,
        sightings: Mapping[Key, Sighting],
        evidence: Mapping[EvidenceId, Evidence],
        *,
        words: Mapping[Key, Word] = {},
        maybe: Mapping[Key, Identifier] = {},
        again: Mapping[EvidenceId, LastSeen] = {},
    ) -> tuple[dict[Key, Node], dict[EvidenceId, Edge]]:
        """Take in identifiers and evidence; those known already are lowered to their earliest fact.

        Returns them as they are now (evidence that counts for nothing may be missing). Each end of evidence is in
        `sightings` or has been seen before; one in `maybe` may be neither, and the evidence waits for it. `again` says
        how late evidence was seen that has waited until now; `words` what was said in the names of accounts.
        """
        around = self._around
        around.load(
            sightings.keys() | words.keys() | {end for piece in evidence.values() for end in (piece.a, piece.b)}
        )
        for key, sighting in sightings.items():
            self._sight(key, sighting)
        for key, word in words.items():
            self._hear(around.nodes[key], word)
        waiting = {i: piece for i, piece in evidence.items() if not {piece.a, piece.b} <= around.nodes.keys()}
        woken = awake(around, [key for key in sightings if around.nodes[key].root is None], evidence, again)
        if waiting:
            keep_waiting(self._conn, self._workspace, self._policy, around, waiting, maybe)
        evidence = {i: piece for i, piece in evidence.items() if i not in waiting} | woken
        stored = around.load_evidence([ident for ident in evidence if ident not in woken])
        for ident, piece in evidence.items():
            edge = stored.get(ident)
            if edge is None:
                self._candidates[ident] = stored[ident] = around.edge(ident, piece)
                self._touch(piece.first_fact, piece.a, piece.b)
                if piece.kind is Kind.RENAMED:
                    around.nodes[piece.a].mark_renaming()
                    around.nodes[piece.b].mark_renaming()
            elif edge.lower(piece):
                self._touch(piece.first_fact, piece.a, piece.b)
                if edge.status is Status.SURPLUS:
                    self._candidates[ident] = edge
            if edge is not None:
                self._see_again(edge, piece.last_day, piece.first_fact)
        return {key: around.nodes[key] for key in sightings}, stored

    def see_again(self, seen: Mapping[EvidenceId, LastSeen]) -> None:
        """Take note that evidence was seen again; what had expired counts again. What has no row is passed over.

        Cost: an update for each 500 pieces, and where the policy bounds evidence a read.
        """
        edges = self._around.edges
        self._around.load_evidence(self._expired_among(seen))
        for ident, last in seen.items():
            if ident in edges:
                self._see_again(edges[ident], *last)
        store.see_again(
            self._conn, self._workspace, [(ident, last.day) for ident, last in seen.items() if ident not in edges]
        )

    def expire(self, idents: Collection[EvidenceId]) -> None:
        """Let evidence that was last seen too long ago count no more until it is seen again."""
        for edge in self._around.load_evidence(idents).values():
            if edge.status in ACTIVE:
                self._put_aside(edge, Status.EXPIRED)
            edge.status, edge.changed = Status.EXPIRED, True
            self._touch(EXPIRY, edge.a, edge.b)

    def join(self, evidence: Evidence, ident: EvidenceId, *, author: str, reason: str) -> None:
        """Take in what a person says; both identifiers have been seen."""
        _, edges = self.observe({}, {ident: evidence})
        edge = edges[ident]
        if edge.status is Status.WITHDRAWN:
            self.restore([ident])
        edge.author, edge.reason, edge.changed = author, reason, True

    def withdraw(self, idents: Collection[EvidenceId], *, author: str, reason: str) -> list[EvidenceId]:
        """Let evidence count no more, also when it is seen again. Returns those that changed."""
        changed = []
        for ident, edge in self._around.load_evidence(idents).items():
            if edge.status is Status.WITHDRAWN:
                continue
            if edge.status in ACTIVE:
                self._put_aside(edge, Status.WITHDRAWN)
            edge.status, edge.author, edge.reason, edge.changed = Status.WITHDRAWN, author, reason, True
            self._touch(edge.first_fact, edge.a, edge.b)
            changed.append(ident)
        return changed

    def restore(self, idents: Collection[EvidenceId]) -> list[EvidenceId]:
        """Undo `withdraw`. Returns those that changed."""
        changed = []
        for ident, edge in self._around.load_evidence(idents).items():
            if edge.status is Status.WITHDRAWN:
                edge.author = edge.reason = None
                edge.changed = True
                self._candidates[ident] = edge
                self._touch(edge.first_fact, edge.a, edge.b)
                changed.append(ident)
        return changed

    def reconsider(self, keys: Iterable[Key]) -> None:
        """Recompute the customers of these identifiers: pairs of them were forbidden or allowed again."""
        keys = list(keys)
        self._around.load(keys)
        self._touch("", *(key for key in keys if key in self._around.nodes))

    def finish(self) -> list[Moved]:
        """Recompute and write what changed. Returns the identifiers whose customer is another now."""
        around = self._around
        around.include(self._touched)
        self._weigh_renamings()
        self._mark_shared()
        self._fill_gaps()
        self._admit()
        self._settle()
        self._mark_accounts()
        settled = Settled(
            self._conn, self._workspace, self._policy, around, self._forest, touched=self._touched,
            people=self.people, at=self._at,
        )  # fmt: skip
        moved = settled.move()
        settled.write(self._outcomes)
        return moved

    # -- steps

    def _sight(self, key: Key, seen: Sighting) -> None:
        node = self._around.nodes.get(key)
        if node is None:
            node = Node(
                key=key, namespace=seen.namespace, value=seen.value, first_seen_at=seen.first_at,
                first_fact=seen.first_fact, source=seen.source, rank=self._policy.rank(seen.namespace), changed=True,
            )  # fmt: skip
            self._around.add(node)
        elif (seen.first_at, seen.first_fact) < (node.first_seen_at, node.first_fact):
            node.first_seen_at, node.first_fact, node.source = seen.first_at, seen.first_fact, seen.source
            node.changed = True
        else:
            return
        self._touch(seen.first_fact, key)

    def _hear(self, node: Node, word: Word) -> None:
        """Take note of what was said in an account's name; what renamings of it are worth is asked again."""
        if node.take_word(node.word.with_(word)):
            self._touch("", node.key)
            self._reweighed.add(node.key)

    def _weigh_renamings(self) -> None:
        """Put renamings aside that gave nobody a free name, and let those count again that did after all."""
        around = self._around
        around.load_unfounded(self._reweighed)
        new = [edge for edge in self._candidates.values() if edge.kind is Kind.RENAMED]
        for edge in {edge.ident: edge for edge in (*around.renamings(), *new)}.values():
            founded = is_founded(edge.first_at, edge.first_fact, around.nodes[edge.a], around.nodes[edge.b])
            if founded and edge.status is Status.UNFOUNDED:
                self._candidates[edge.ident] = edge
            elif not founded and (edge.status in ACTIVE or edge.ident in self._candidates):
                self._candidates.pop(edge.ident, None)
                self._touch(edge.first_fact, edge.a, edge.b)
                around.deactivate(edge, Status.UNFOUNDED)
        new = [edge for edge in self._candidates.values() if edge.kind is Kind.RENAMED]
        around.include(end for edge in new for end in (edge.a, edge.b))

    def _mark_accounts(self) -> None:
        """Note of all accounts of a customer that a renaming is about it: what is said in their names may undo it."""
        around, find = self._around, self._forest.find
        ends = {end for edge in around.renamings() if edge.status in ACTIVE for end in (edge.a, edge.b)}
        groups = {find(end) for end in ends & around.inside}
        for key in around.inside if groups else ():
            if around.nodes[key].namespace == "user_id" and find(key) in groups:
                around.nodes[key].mark_renaming()

    def _expired_among(self, idents: Collection[EvidenceId]) -> list[EvidenceId]:
        if not self._policy.evidence_days:
            return []
        column = store.evidence.c
        query = sa.select(column.id).where(column.status == Status.EXPIRED)
        return [row.id for row in select_among(self._conn, query, self._workspace, column.id, idents)]

    def _see_again(self, edge: Edge, day: int, fact: str) -> None:
        if day <= edge.last_day:
            return
        edge.last_day, edge.changed = day, True
        if edge.status is Status.EXPIRED and not edge.expired(self._today):
            self._candidates[edge.ident] = edge
            self._touch(fact, edge.a, edge.b)

    def _touch(self, fact: str, *keys: Key) -> None:
        for key in keys:
            self._touched.setdefault(key, fact)

    def _put_aside(self, edge: Edge, status: Status) -> None:
        self._around.deactivate(edge, status)
        if edge.windowed:
            self._gaps[edge.a, edge.rank_b] += 1

    def _mark_shared(self) -> None:
        """Find identifiers that the new evidence makes shared, and put their evidence aside."""
        nodes, most = self._around.nodes, self._policy.shared_after
        new = sorted((e for e in self._candidates.values() if e.status is None), key=lambda e: e.strength)
        new = [e for e in new if e.kind not in UNCOUNTED]
        asked = {end for e in new for end in _counting(e) if not nodes[end].shared}
        seen: defaultdict[tuple[Key, int], set[Key]] = defaultdict(set)
        for key, neighbour, rank in self._around.neighbours([k for k in asked if nodes[k].root is not None]):
            seen[key, rank].add(neighbour)
        needed: set[EvidenceId] = set()
        for edge in new:
            for end in asked.intersection(_counting(edge)):
                other, rank = (edge.a, edge.rank_a) if end == edge.b else (edge.b, edge.rank_b)
                neighbours = seen[end, rank]
                if len(neighbours) <= most or other in neighbours:
                    neighbours.add(other)
                    needed.add(edge.ident)
        for key in {key for (key, _), neighbours in seen.items() if len(neighbours) > most}:
            nodes[key].shared_at, nodes[key].changed = self._at, True
            for edge in [e for e in self._around.incident[key].values() if e.kind is not Kind.JOINED]:
                self._put_aside(edge, Status.SHARED)
        self._drop_uncounted(new, needed)

    def _drop_uncounted(self, new: Iterable[Edge], needed: Collection[EvidenceId]) -> None:
        """Do not store new evidence that every counting end, being shared, has no use for."""
        nodes = self._around.nodes
        for edge in new:
            if edge.ident not in needed and all(nodes[end].shared for end in _counting(edge)):
                del self._candidates[edge.ident]

    def _fill_gaps(self) -> None:
        """Where a window was full and lost evidence, look at the strongest of the surplus."""
        around, width = self._around, self._policy.window
        passed_over = len(self._candidates) + sum(node.shared_at == self._at for node in around.nodes.values())
        outside = {a for a, _ in self._gaps if a not in around.inside}
        around.include(around.crowded(outside))
        for (a, rank_b), lost in self._gaps.items():
            if a not in around.inside or around.nodes[a].shared:
                continue
            places = width - len(around.window(a, rank_b))
            if places > lost:
                continue
            spare = [e for e in around.surplus(a, rank_b, places + passed_over) if self._is_spare(e)][:places]
            around.include(e.b for e in spare)
            for edge in spare:
                edge.status, edge.changed = Status.REFUSED, True
                around.activate(edge)

    def _is_spare(self, edge: Edge) -> bool:
        shared = self._around.nodes[edge.b].shared
        return not shared and edge.status is Status.SURPLUS and edge.ident not in self._candidates

    def _admit(self) -> None:
        """Let candidates count, as far as the windows reach."""
        around, nodes = self._around, self._around.nodes
        windows: defaultdict[tuple[Key, int], list[Edge]] = defaultdict(list)
        for edge in self._candidates.values():
            if edge.kind is not Kind.JOINED and (nodes[edge.a].shared or nodes[edge.b].shared):
                around.deactivate(edge, Status.SHARED)
            elif edge.expired(self._today):
                around.deactivate(edge, Status.EXPIRED)
            elif edge.windowed:
                windows[edge.a, edge.rank_b].append(edge)
            else:
                around.activate(edge)
        for (a, rank_b), edges in windows.items():
            contenders = sorted([*around.window(a, rank_b), *edges], key=lambda e: e.strength)
            for edge in contenders[: self._policy.window]:
                around.activate(edge)
            for edge in contenders[self._policy.window :]:
                around.deactivate(edge, Status.SURPLUS)
        for edge in self._candidates.values():
            if edge.status not in ACTIVE and edge.ident in around.incident[edge.a]:
                edge.status, edge.changed = Status.REFUSED, True

    def _settle(self) -> None:
        """The greedy union inside, widened until nothing outside is contradicted."""
        around = self._around
        while True:
            self._forest = self._union()
            if not self._crossing:
                return
            near = {end for end in self._crossing if end in around.halo or around.nodes[end].root is None}
            around.include(near)
            around.include_halo(self._crossing - near)

    def _union(self) -> Forest:
        """One pass. Evidence to the outside that would be accepted is noted as crossing and left out."""
        around, inside = self._around, self._around.inside
        self._crossing: set[Key] = set()
        edges = {ident: edge for key in inside | around.halo for ident, edge in around.incident[key].items()}
        keys = inside | around.halo | {end for edge in edges.values() for end in (edge.a, edge.b)}
        forbidden = around.forbidden(keys)
        forest = Forest(self._policy)
        for key in keys:
            node = around.nodes[key]
            forest.add(
                key, node.namespace, node.value, node.first_seen_at, forbidden.get(key, ()), certain=node.certain
            )
        self._outcomes: dict[EvidenceId, Status] = {}
        for edge in sorted(edges.values(), key=lambda e: e.strength):
            a_inside, b_inside = edge.a in inside, edge.b in inside
            if a_inside or b_inside:
                accepted = forest.may_join(
                    edge.a, edge.b, contracting=edge.contracting, asking=edge.asking, renaming=edge.kind is Kind.RENAMED
                )
                if accepted and not (a_inside and b_inside):
                    self._crossing.add(edge.b if a_inside else edge.a)
                    continue
                self._outcomes[edge.ident] = Status.LINKED if accepted else Status.REFUSED
            else:
                accepted = edge.status is Status.LINKED
            if accepted:
                forest.join(edge.a, edge.b, contracting=edge.contracting, renaming=edge.kind is Kind.RENAMED)
        return forest


def _counting(edge: Edge) -> tuple[Key, ...]:
    return counting_ends(edge.a, edge.rank_a, edge.b, edge.rank_b)
