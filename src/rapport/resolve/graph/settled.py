"""What a settled recomputation leaves: each identifier's root, what people will want to know of it, what changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.forest import Forest
from rapport.resolve.graph.model import EvidenceId, Status, names_a_person, root_order
from rapport.resolve.graph.neighbourhood import Neighbourhood, Node
from rapport.resolve.graph.stated import Turn
from rapport.storage.bulk import insert_rows, upsert

__all__ = ["Moved", "Settled"]


class Moved(NamedTuple):
    """An identifier's customer changed; `old_root` is None for an identifier never seen before."""

    workspace: WorkspaceId
    identifier_key: Key
    old_root: Key | None
    new_root: Key


class Settled:
    """Customers as they are from now on, to be written down."""

    def __init__(
        self, conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, around: Neighbourhood,
        forest: Forest, *, touched: Mapping[Key, str], people: defaultdict[str, list[Turn]], at: int,
    ) -> None:  # fmt: skip
        self._conn, self._workspace, self._policy, self._at = conn, workspace, policy, at
        self._around, self._forest, self._touched, self._people = around, forest, touched, people

    def move(self) -> list[Moved]:
        """Give every identifier inside its root, and write down what people will want to know of it."""
        groups: defaultdict[Key, list[Node]] = defaultdict(list)
        for key in self._around.inside:
            groups[self._forest.find(key)].append(self._around.nodes[key])
        new_roots: dict[Key, Key] = {}
        for members in groups.values():
            root = min(members, key=lambda node: root_order(node.known(), self._policy)).key
            new_roots.update((node.key, root) for node in members)
        self._record(groups.values(), new_roots)
        moved = []
        for key, root in new_roots.items():
            node = self._around.nodes[key]
            if node.root != root:
                moved.append(Moved(self._workspace, key, node.root, root))
                node.root, node.changed = root, True
        return moved

    def _record(self, groups: Iterable[list[Node]], new_roots: Mapping[Key, Key]) -> None:
        rows = []
        sides = self._sides(new_roots)
        for members in groups:
            root_to = new_roots[members[0].key]
            before = {node.root for node in members} - {None}
            home = sorted(old for old in before if old is not None and new_roots[old] == root_to)
            kept = self._around.nodes[root_to].root
            merged = [old for old in home if old != (kept if kept in home else home[0])]
            split = sorted(old for old in before if old is not None and new_roots[old] != root_to)
            if not merged and not split:
                continue
            fact = min((self._touched[node.key] for node in members if node.key in self._touched), default="")
            common = {"workspace": self._workspace, "at": self._at, "root_to": root_to, "fact": fact}
            named = {old for old in before if old is not None and (old, root_to) in sides}
            self._people[fact] += [Turn("merged", old, root_to) for old in merged if old in named and len(named) > 1]
            self._people[fact] += [
                Turn("split", old, root_to)
                for old in split
                if old in named and any(one == old and new != root_to for one, new in sides)
            ]
            rows += [{**common, "kind": "merged", "root_from": old} for old in merged]
            rows += [{**common, "kind": "split", "root_from": old} for old in split]
        insert_rows(self._conn, store.customer_changes, rows)

    def _sides(self, new_roots: Mapping[Key, Key]) -> set[tuple[Key, Key]]:
        """(old root, new root) wherever an identifier that names a person goes that way."""
        nodes = self._around.nodes
        return {
            (old, root)
            for key, root in new_roots.items()
            if (old := nodes[key].root) is not None and names_a_person(nodes[key].namespace, self._policy)
        }

    def write(self, outcomes: Mapping[EvidenceId, Status]) -> None:
        around = self._around
        for ident, status in outcomes.items():
            edge = around.edges[ident]
            if edge.status is not status:
                edge.status, edge.changed = status, True
        identifiers = [
            {
                "workspace": self._workspace, "key": node.key, "namespace": node.namespace, "value": node.value,
                "first_seen_at": node.first_seen_at, "first_fact": node.first_fact, "source": node.source,
                "root": node.root, "shared_at": node.shared_at, "stated_at": node.stated_at,
                "renamed_by": node.renamed_by, "standing": node.standing,
            }
            for node in around.nodes.values()
            if node.changed
        ]  # fmt: skip
        evidence = [
            {
                "workspace": self._workspace, "id": edge.ident, "a": edge.a, "b": edge.b, "kind": edge.kind.value,
                "peer": edge.rank_a == edge.rank_b, "first_at": edge.first_at, "first_fact": edge.first_fact,
                "source": edge.source, "weight": edge.weight, "status": int(edge.status or Status.REFUSED),
                "last_day": edge.last_day, "until_day": edge.until_day, "author": edge.author, "reason": edge.reason,
            }
            for edge in around.edges.values()
            if edge.changed
        ]  # fmt: skip
        upsert(
            self._conn, store.identifiers, identifiers, key=["workspace", "key"],
            update=[
                "first_seen_at", "first_fact", "source", "root", "shared_at", "stated_at", "renamed_by", "standing",
            ],
        )  # fmt: skip
        upsert(
            self._conn, store.evidence, evidence, key=["workspace", "id"],
            update=[
                "first_at", "first_fact", "source", "weight", "status", "last_day", "until_day", "author", "reason",
            ],
        )  # fmt: skip
