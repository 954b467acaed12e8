"""Make two customers of one, along the chosen cut or the weakest."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import Key
from rapport.resolve.actions.action import Action, Change, evidence_ident
from rapport.resolve.actions.forbid import forbid
from rapport.resolve.actions.withdraw import withdraw
from rapport.resolve.graph import store
from rapport.resolve.graph.model import EvidenceId, Status
from rapport.resolve.reading import identities
from rapport.resolve.reading.cuts import cut_between, ties_of, weakest_cut
from rapport.resolve.reading.identities import GraphEdge, Member
from rapport.resolve.reading.references import find_root

__all__ = ["Split", "SplitWanted"]

MOST_EVIDENCE = 5_000
"""Pieces of evidence a split looks at."""

_ROUNDS = 20
"""Cuts a split tries where other evidence comes forward and ties the halves again."""


class SplitWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Where to cut; with nothing chosen the weakest cut is taken."""

    evidence: list[str] = []
    """Pieces of evidence to take back, which must part the customer."""
    identifiers: list[str] = []
    """`namespace:value` of those that are another person."""
    keep_apart: bool = False
    """Also forbid both sides from ever joining again."""


@dataclass(frozen=True)
class Split(Action):
    """Part a customer, and keep parting until nothing else ties the halves. It withdraws and, if wanted, forbids."""

    reference: str
    wanted: SplitWanted

    name = "split"

    def do(self, change: Change) -> None:
        """Raises NotFound, InvalidInput, Conflict."""
        wanted = self.wanted
        root = find_root(change.conn, change.workspace, self.reference, region=change.settings.region)
        members = {one.key: one for one in identities.identifiers_of_customer(change.conn, change.workspace, root)}
        change.subjects.update(members)
        if wanted.evidence:
            _cut_at(change, [evidence_ident(one) for one in wanted.evidence], members)
            return
        side = {change.key(one) for one in wanted.identifiers} or _weakest(change, root, members)
        if not side < members.keys():
            raise InvalidInput(
                "these identifiers cannot be parted from the rest of this customer",
                hint="name some of the customer's identifiers, not all and no others",
            )
        rest = members.keys() - side
        _part(change, side, rest)
        if wanted.keep_apart:
            forbid(change, _strongest(change, side, members), _strongest(change, rest, members))


def _cut_at(change: Change, idents: Sequence[EvidenceId], members: dict[Key, Member]) -> None:
    for row in change.evidence(idents):
        if row.a not in members and row.b not in members:
            raise InvalidInput("this evidence is not this customer's", hint="GET /customers/{id}/evidence lists it")
    withdraw(change, idents)
    if change.together(*members):
        raise Conflict("without this evidence it is still one customer", hint="choose more, or let it be proposed")


def _part(change: Change, side: Collection[Key], rest: Collection[Key]) -> None:
    for _ in range(_ROUNDS):
        roots = store.roots_of(change.conn, change.workspace, [*side, *rest])
        both = {roots[key] for key in side} & {roots[key] for key in rest}
        if not both:
            return
        for root in both:
            found = identities.identifiers_of_customer(change.conn, change.workspace, root)
            nodes = {one.key: one for one in found}
            ties = ties_of(_linked(change, root, nodes), nodes, change.policy)
            cut = cut_between(ties, nodes.keys() & set(side), nodes.keys() & set(rest))
            withdraw(change, cut.evidence)
    raise Conflict("too much evidence ties these two", hint="forbid two of their identifiers from joining")


def _linked(change: Change, root: Key, nodes: Collection[Key]) -> list[GraphEdge]:
    graph = identities.graph(change.conn, change.workspace, root, change.policy, limit=MOST_EVIDENCE)
    return [e for e in graph.edges if e.status is Status.LINKED and e.a in nodes and e.b in nodes]


def _weakest(change: Change, root: Key, members: dict[Key, Member]) -> set[Key]:
    ties = ties_of(_linked(change, root, members), members, change.policy)
    cut = weakest_cut(list(members.values()), ties, change.policy)
    if cut is None:
        raise Conflict("this customer has only one identifier", hint="there is nothing to part")
    return set(cut.side)


def _strongest(change: Change, side: Iterable[Key], members: dict[Key, Member]) -> Key:
    return min(side, key=lambda k: (change.policy.rank(members[k].namespace), members[k].first_seen_at, k))
