"""Why: the evidence behind a customer, and the path that ties two identifiers or what the policy has against it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.identifiers import IdentifierPolicy
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.language import gettext, ngettext, noted
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.model import Status
from rapport.resolve.graph.store import roots_of
from rapport.resolve.reading import identities
from rapport.resolve.reading.cuts import Tie, ties_of
from rapport.resolve.reading.identities import Graph, GraphEdge, Member

__all__ = ["CustomerEvidence", "Named", "Path", "Piece", "evidence_of", "limit_words", "path_between", "why_not"]

MOST = 5_000
"""Pieces of evidence of one customer that are looked at for a path."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier."""

    namespace: str
    value: str
    shared: bool = False
    """Seen with so many others that it names nobody."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence: what tied two identifiers, and what became of it."""

    id: str
    between: tuple[Named, Named]
    kind: str
    """`seen`: one fact carried both; `alias`; `renamed` in a browser; `joined` by a person; `probable`: a learned
    comparison."""
    fact: str
    """The first fact that said so."""
    source: str
    time: str
    """When that fact happened."""
    last_seen: str
    """The last day on which it was seen, in UTC; of what was not seen but said, the day it was said."""
    weight: int
    status: str
    """`linked`, or why it does not count: `refused`, `surplus`, `shared`, `withdrawn`, `expired`."""
    refused_because: list[str]
    """Of refused evidence: the namespaces that would exceed their limit, `max_identifiers`, `names`, `forbidden`."""
    why_not: str
    """The same as a sentence; empty where it counts."""
    author: str | None = None
    reason: str | None = None


class CustomerEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why a customer's identifiers are one person."""

    customer: CustomerId
    identifiers: list[Named]
    evidence: list[Piece]
    truncated: bool
    """True where there is more evidence than was asked for; what holds the customer together comes first."""


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """How two identifiers are tied."""

    together: bool
    """Whether they are one customer."""
    path: list[Piece]
    """From the first to the second. Where they are not together, the nearest thing to a path: some of it does not
    count, and says why. Empty where nothing ties them."""
    forbidden: bool
    """A person said that they must never be one customer."""
    answer: str
    """In a sentence."""


def evidence_of(
    conn: Connection, workspace: WorkspaceId, root: Key, policy: IdentifierPolicy, *, limit: int = 500
) -> CustomerEvidence:
    """All evidence at a customer's identifiers."""
    graph = identities.graph(conn, workspace, root, policy, limit=limit)
    nodes = {node.key: node for node in graph.nodes}
    return CustomerEvidence(
        customer=load_customer_ids(conn).customer_id(root),
        identifiers=[_named(node) for node in graph.nodes if node.root == root],
        evidence=[_piece(edge, nodes) for edge in graph.edges],
        truncated=graph.truncated,
    )


def path_between(conn: Connection, workspace: WorkspaceId, a: Key, b: Key, policy: IdentifierPolicy) -> Path:
    """The most trusted path between two identifiers that were seen, or what stands between their customers."""
    roots = roots_of(conn, workspace, [a, b])
    graphs = [identities.graph(conn, workspace, root, policy, limit=MOST) for root in dict.fromkeys(roots.values())]
    nodes = {node.key: node for graph in graphs for node in graph.nodes}
    edges = list({edge.id: edge for graph in graphs for edge in graph.edges}.values())
    together = roots[a] == roots[b]
    if together:
        steps = _trusted(a, b, [edge for edge in edges if edge.status is Status.LINKED], nodes, policy)
    else:
        steps = _nearest(a, b, edges)
    forbidden = any("forbidden" in edge.refused_because for edge in steps) or _forbidden(conn, workspace, a, b)
    return Path(
        together=together, path=[_piece(edge, nodes) for edge in steps], forbidden=forbidden,
        answer=_answer(steps, graphs, together=together, forbidden=forbidden),
    )  # fmt: skip


def why_not(edge: GraphEdge) -> str:
    """Why evidence does not count, as a sentence; empty where it does."""
    match edge.status:
        case Status.LINKED:
            return ""
        case Status.WITHDRAWN:
            if not edge.author:
                return gettext("the policy blocks one of the two")
            return gettext("%(who)s took it back: %(why)s", who=edge.author, why=edge.reason)
        case Status.SHARED | Status.SURPLUS | Status.UNFOUNDED:
            return gettext(_PUT_ASIDE[edge.status])
        case Status.EXPIRED:
            return gettext(
                "the evidence was last seen on %(day)s; the shop's bound is %(days)s days",
                day=_date(edge.last_day), days=edge.counts_days,
            )  # fmt: skip
        case Status.REFUSED | Status.WAITING:  # what waits for an identifier is shown nowhere
            return _refusal(edge)


def limit_words(namespace: str, within: Mapping[str, int]) -> str:
    """A namespace, and the days of its limit where that slides.

    >>> limit_words("anonymous_id", {"anonymous_id": 30})
    'anonymous_id within 30 days'
    """
    if namespace not in within:
        return namespace
    return gettext("%(name)s within %(days)s days", name=namespace, days=within[namespace])


UNFOUNDED = noted("a browser ties no two accounts; it may only give one a name that was nobody's")
_PUT_ASIDE = {
    Status.SHARED: noted("one of the two is shared by so many that it names nobody"),
    Status.SURPLUS: noted("stronger evidence of its kind fills what is looked at"),
    Status.UNFOUNDED: UNFOUNDED,
}
_NO_NAMESPACE = ("forbidden", "max_identifiers", "names", "certain")


def _refusal(edge: GraphEdge) -> str:
    names = [name for name in edge.refused_because if name not in _NO_NAMESPACE]
    limits = [limit_words(name, edge.refused_within) for name in names]
    reasons = [gettext("one customer would have too many of %(names)s", names=", ".join(limits))] if limits else []
    said = {
        "max_identifiers": gettext("one customer would have too many identifiers"),
        "names": gettext("the names or dates of birth stated with it are two people's"),
        "certain": gettext("a browser said it, and the shop's own software knows both"),
        "forbidden": gettext("a person forbade it"),
    }
    reasons += [words for name, words in said.items() if name in edge.refused_because]
    return "; ".join(reasons) or gettext("a limit stood against it when stronger evidence had been taken")


def _answer(steps: Sequence[GraphEdge], graphs: Sequence[Graph], *, together: bool, forbidden: bool) -> str:
    if together:
        return ngettext(
            "They are one customer, by %(num)s piece of evidence.",
            "They are one customer, by %(num)s pieces of evidence.", len(steps),
        )  # fmt: skip
    reasons = list(dict.fromkeys(filter(None, (why_not(edge) for edge in steps))))
    if reasons:
        return gettext("They are two customers: %(why)s.", why="; ".join(reasons))
    if forbidden:
        return gettext("They are two customers, and a person forbade that they become one.")
    if any(graph.truncated for graph in graphs):
        return gettext("They are two customers: nothing ties them in what was read.")
    return gettext("They are two customers: nothing ties them.")


def _trusted(
    a: Key, b: Key, edges: Sequence[GraphEdge], nodes: Mapping[Key, Member], policy: IdentifierPolicy
) -> list[GraphEdge]:
    """The path along the strongest evidence: the one in the tree that the strongest pieces make."""
    by_id = {edge.id: edge for edge in edges}
    parent = dict.fromkeys(nodes)
    tree: list[Tie] = []

    def top(key: Key) -> Key:
        while (up := parent[key]) is not None:
            key = up
        return key

    for tie in sorted(ties_of(edges, nodes, policy), key=lambda tie: -tie.cost):
        one, other = top(tie.a), top(tie.b)
        if one != other:
            parent[one] = other
            tree.append(tie)
    return _nearest(a, b, [by_id[tie.ident] for tie in tree])


def _nearest(a: Key, b: Key, edges: Iterable[GraphEdge]) -> list[GraphEdge]:
    """The path with the fewest pieces that do not count, then the fewest pieces."""
    at: defaultdict[Key, list[GraphEdge]] = defaultdict(list)
    for edge in edges:
        at[edge.a].append(edge)
        at[edge.b].append(edge)
    came: dict[Key, GraphEdge | None] = {a: None}
    far: deque[Key] = deque([a])
    while far and b not in came:
        near, far = far, deque()
        while near:  # all that can be reached along evidence that counts, then one piece further
            key = near.popleft()
            for edge in at[key]:
                other = edge.b if edge.a == key else edge.a
                if other not in came and edge.status is Status.LINKED:
                    came[other] = edge
                    near.append(other)
            far.append(key)
        reached, far = far, deque()
        for key in reached:
            for edge in at[key]:
                other = edge.b if edge.a == key else edge.a
                if other not in came:
                    came[other] = edge
                    far.append(other)
    steps: list[GraphEdge] = []
    key = b
    while (last := came.get(key)) is not None:
        steps.append(last)
        key = last.a if last.b == key else last.b
    return steps[::-1]


def _forbidden(conn: Connection, workspace: WorkspaceId, a: Key, b: Key) -> bool:
    roots = roots_of(conn, workspace, [a, b])
    return roots[b] in identities.forbidden_roots(conn, workspace, roots[a])


def _date(day: int) -> str:
    return to_iso(day * DAY)[:10]


def _named(node: Member) -> Named:
    return Named(namespace=node.namespace, value=node.value, shared=node.shared)


def _piece(edge: GraphEdge, nodes: Mapping[Key, Member]) -> Piece:
    return Piece(
        id=edge.id.hex(), between=(_named(nodes[edge.a]), _named(nodes[edge.b])), kind=edge.kind.value,
        fact=edge.first_fact, source=edge.source, time=to_iso(edge.first_at), last_seen=_date(edge.last_day),
        weight=edge.weight,
        status=edge.status.name.lower(), refused_because=list(edge.refused_because), why_not=why_not(edge),
        author=edge.author, reason=edge.reason,
    )  # fmt: skip
