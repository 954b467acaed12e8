"""Where a customer is held together most weakly: minimum cuts of its evidence. No I/O.

A cut is weighed by what people and the policy trust: the weight of each piece of evidence, then the rank of its less
stable end, then its age. Where a customer has two or more identifiers that name a person (an e-mail, an account), the
proposed cut parts them; cutting off one more browser is proposed only where there is nothing else.

**Source** of the maximum flow: Edmonds and Karp, Theoretical Improvements in Algorithmic Efficiency for Network Flow
Problems, 1972.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import Key
from rapport.resolve.graph.model import EvidenceId, asks_names, contracts, names_a_person, strength
from rapport.resolve.reading.identities import GraphEdge, Member

__all__ = ["Cut", "Tie", "cut_between", "ties_of", "weakest_cut"]

_Capacities = dict[Key, dict[Key, int]]


class Tie(NamedTuple):
    """A piece of evidence that holds a customer together, and what it takes to cut it."""

    ident: EvidenceId
    a: Key
    b: Key
    cost: int


class Cut(NamedTuple):
    """Two sides, and the evidence between them."""

    side: frozenset[Key]
    evidence: tuple[EvidenceId, ...]
    cost: int


def ties_of(edges: Iterable[GraphEdge], nodes: Mapping[Key, Member], policy: IdentifierPolicy) -> list[Tie]:
    """Evidence with its cost: no sum over later or less stable pieces of equal weight outweighs a stronger one."""
    known = [edge for edge in edges if edge.a in nodes and edge.b in nodes]
    ranks = {key: policy.rank(node.namespace) for key, node in nodes.items()}
    weakest_last = sorted(
        known,
        key=lambda e: strength(
            e.kind, e.weight, e.first_at, e.id, weaker_rank=max(ranks[e.a], ranks[e.b]),
            contracting=contracts(e.kind, nodes[e.a].namespace, nodes[e.b].namespace),
            asking=asks_names(e.kind, nodes[e.a].namespace),
        ),
    )  # fmt: skip
    number = len(known)
    ties = []
    for place, edge in enumerate(weakest_last):
        trust = edge.weight * 100 + 100 - min(99, max(ranks[edge.a], ranks[edge.b]))
        ties.append(Tie(edge.id, edge.a, edge.b, trust * (number * number + 1) + number - place))
    return ties


def weakest_cut(nodes: Sequence[Member], ties: Collection[Tie], policy: IdentifierPolicy) -> Cut | None:
    """The cheapest cut of a customer; None where there is nothing to cut. `side` is without the most stable identifier.

    Cost: a maximum flow for each identifier that names a person, or for each identifier where fewer than two do.
    """
    ordered = sorted(nodes, key=lambda n: (policy.rank(n.namespace), n.first_seen_at, n.value))
    people = [node.key for node in ordered if names_a_person(node.namespace, policy)]
    ends = people if len(people) > 1 else [node.key for node in ordered]
    found = [cut_between(ties, {ends[0]}, {other}) for other in ends[1:]]
    everybody = frozenset(node.key for node in nodes)
    sides = [cut._replace(side=everybody - cut.side) for cut in found]
    return min(sides, key=lambda cut: (cut.cost, -min(len(cut.side), len(everybody - cut.side))), default=None)


def cut_between(ties: Collection[Tie], sources: Collection[Key], sinks: Collection[Key]) -> Cut:
    """The cheapest evidence without which nothing leads from the sources to the sinks.

    >>> a, b, c = Key(b"a"), Key(b"b"), Key(b"c")
    >>> cut_between([Tie(b"1", a, b, 5), Tie(b"2", b, c, 3)], {a}, {c}).evidence
    (b'2',)
    """
    start, end = Key(b"\0start"), Key(b"\0end")
    total = sum(tie.cost for tie in ties) + 1
    room: _Capacities = defaultdict(dict)
    for tie in ties:
        for one, other in ((tie.a, tie.b), (tie.b, tie.a)):
            room[one][other] = room[one].get(other, 0) + tie.cost
    for key in sources:
        room[start][key], room[key][start] = total, 0
    for key in sinks:
        room[key][end], room[end][key] = total, 0
    cost = 0
    while (steps := _way(room, start, end)) and end in steps:
        width, key = total, end
        while key != start:
            width, key = min(width, room[steps[key]][key]), steps[key]
        key = end
        while key != start:
            before = steps[key]
            room[before][key] -= width
            room[key][before] += width
            key = before
        cost += width
    side = frozenset(steps) - {start, end}
    return Cut(side, tuple(tie.ident for tie in ties if (tie.a in side) != (tie.b in side)), cost)


def _way(room: _Capacities, start: Key, end: Key) -> dict[Key, Key]:
    """How each identifier is reached with room left, until `end` is."""
    steps = {start: start}
    queue = deque([start])
    while queue and end not in steps:
        key = queue.popleft()
        for other, left in room[key].items():
            if left > 0 and other not in steps:
                steps[other] = key
                queue.append(other)
    return steps
