"""The read side of identity: whose an identifier is, who a customer is, and the picture of why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import NotFound
from rapport.kernel.identifiers import (
    NAMED,
    Identifier,
    IdentifierPolicy,
    email_identifier,
    key_of,
    phone_identifier,
)
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.person_names import PersonName
from rapport.resolve.graph import store
from rapport.resolve.graph.customer_ids import CustomerIds
from rapport.resolve.graph.forest import contradict, named, too_many
from rapport.resolve.graph.model import ACTIVE, Kind, Status, asks_names
from rapport.resolve.graph.stated import EXPIRY
from rapport.storage.lookup import select_among

__all__ = [
    "Change",
    "Graph",
    "GraphEdge",
    "Member",
    "changes",
    "find",
    "find_customer",
    "forbidden_roots",
    "graph",
    "identifiers_of_customer",
    "meant",
    "members",
    "members_of_customers",
    "recent_changes",
    "root_of",
    "search",
    "worth_showing",
]

_identifiers = store.identifiers.c
_evidence = store.evidence.c


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier and whose it is."""

    key: Key
    namespace: str
    value: str
    first_seen_at: int
    first_fact: str
    source: str
    root: Key
    shared: bool
    """True where it was seen with too many others to name a person."""


class GraphEdge(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence, and what became of it."""

    id: bytes
    a: Key
    b: Key
    kind: Kind
    first_at: int
    first_fact: str
    source: str
    weight: int
    status: Status
    refused_because: tuple[str, ...] = ()
    """Of refused evidence: the namespaces whose limit both customers together would exceed, `max_identifiers`,
    `names` that contradict each other, or `forbidden`."""
    refused_within: Mapping[str, int] = {}
    """Of these namespaces, those whose limit slides: the days in which there would be too many."""
    last_day: int = 0
    """The day, from 1970 (UTC), on which it was last seen."""
    counts_days: int | None = None
    """For how many days after that it counts; None: for ever."""
    author: str | None = None
    reason: str | None = None


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """A customer's identifiers, the evidence at them, and the identifiers of others at its far end."""

    root: Key
    nodes: list[Member]
    edges: list[GraphEdge]
    truncated: bool
    """True where more evidence exists than was asked for."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A customer was `merged` into another, or another was `split` from it."""

    at: int
    kind: str
    root_from: Key
    root_to: Key
    fact: str

    @property
    def by_time(self) -> bool:
        """True where no fact did it, but evidence that was not seen for too long."""
        return self.fact == EXPIRY


def root_of(conn: Connection, workspace: WorkspaceId, identifier: Identifier) -> Key | None:
    """The customer an identifier belongs to, or None where it was never seen. The identifier must be normalised."""
    return find(conn, workspace, key_of(workspace, identifier))


def find(conn: Connection, workspace: WorkspaceId, key: Key) -> Key | None:
    """The customer of an identifier's key; so a merged customer's old id still answers. None where it is unknown."""
    query = sa.select(_identifiers.root).where(_identifiers.workspace == workspace, _identifiers.key == key)
    root = conn.execute(query).scalar()
    return None if root is None else Key(root)


def find_customer(conn: Connection, workspace: WorkspaceId, customer_id: str, ids: CustomerIds) -> Key:
    """The customer who answers to this id now, whichever of its identifiers it was made of. Raises NotFound."""
    root = find(conn, workspace, ids.key(customer_id))
    if root is None:
        raise NotFound(f"no customer {customer_id!r}", hint="ids belong to one workspace")
    return root


def identifiers_of_customer(conn: Connection, workspace: WorkspaceId, root: Key) -> list[Member]:
    """All identifiers of a customer, the earliest first. Empty where `root` is no customer's root."""
    return members_of_customers(conn, workspace, [root]).get(root, [])


def members_of_customers(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, list[Member]]:
    """Root → all identifiers of the customer, the earliest first."""
    query = sa.select(store.identifiers)
    found: dict[Key, list[Member]] = {}
    for row in select_among(conn, query, workspace, _identifiers.root, roots):
        found.setdefault(Key(row.root), []).append(_member(row))
    for several in found.values():
        several.sort(key=lambda one: (one.first_seen_at, one.namespace, one.value))
    return found


def worth_showing(members: Sequence[Member]) -> list[Member]:
    """Identifiers as people read them: without the named contacts whose e-mail or phone is among the rest.

    One that stays is of somebody who shares that address with a customer of another name.
    """
    plain = {one.value for one in members if one.namespace != NAMED}
    return [one for one in members if one.namespace != NAMED or one.value.partition(" ")[0] not in plain]


def search(
    conn: Connection, workspace: WorkspaceId, prefix: str, *, limit: int, region: str | None = None
) -> list[Member]:
    """Identifiers whose value begins with `prefix`, at most one for each customer.

    E-mails may be given in any case, phone numbers as dialled in `region`. Cost: one index range for each way the
    prefix can be meant.
    """
    found: dict[Key, Member] = {}
    for start in meant(prefix, region):
        query = (
            sa.select(store.identifiers)
            .where(_identifiers.workspace == workspace, _identifiers.value >= start)
            .order_by(_identifiers.value)
            .limit(limit * 4)
        )
        if end := _after(start):
            query = query.where(_identifiers.value < end)
        for row in conn.execute(query):
            found.setdefault(row.root, _member(row))
    return list(found.values())[:limit]


def graph(conn: Connection, workspace: WorkspaceId, root: Key, policy: IdentifierPolicy, *, limit: int = 500) -> Graph:
    """Why a customer's identifiers are one person: at most `limit` pieces of evidence, what holds it together first."""
    own = {one.key: one for one in identifiers_of_customer(conn, workspace, root)}
    chosen = _evidence_at(conn, workspace, own, ACTIVE, limit + 1)
    if len(chosen) <= limit:
        idle = [status for status in Status if status not in (*ACTIVE, Status.WAITING)]
        chosen += _evidence_at(conn, workspace, own, idle, limit + 1 - len(chosen))
    far = {end for row in chosen[:limit] for end in (row.a, row.b)} - own.keys()
    nodes = {**own, **members(conn, workspace, far)}
    held = _held(conn, workspace, {node.root for node in nodes.values()} | {root})
    forbidden = _forbidden(conn, workspace, own)
    edges = [_edge(row, nodes, held, forbidden, policy) for row in chosen[:limit]]
    return Graph(root=root, nodes=list(nodes.values()), edges=edges, truncated=len(chosen) > limit)


def forbidden_roots(conn: Connection, workspace: WorkspaceId, root: Key) -> set[Key]:
    """The customers that a person forbade this one to become one with."""
    own = [one.key for one in identifiers_of_customer(conn, workspace, root)]
    return {Key(other) for mine, other in _forbidden(conn, workspace, own) if mine == root}


def changes(conn: Connection, workspace: WorkspaceId, root: Key, *, limit: int = 100) -> list[Change]:
    """What was merged into a customer and split from it, newest first."""
    columns = store.customer_changes.c
    query = sa.select(store.customer_changes).where(
        columns.workspace == workspace, (columns.root_from == root) | (columns.root_to == root)
    )
    return _changes(conn, query, limit)


def recent_changes(conn: Connection, workspace: WorkspaceId, *, limit: int = 100) -> list[Change]:
    """All merges and splits of a workspace, newest first."""
    columns = store.customer_changes.c
    return _changes(conn, sa.select(store.customer_changes).where(columns.workspace == workspace), limit)


def _changes(conn: Connection, query: sa.Select[*tuple[Any, ...]], limit: int) -> list[Change]:
    return [
        Change(at=row.at, kind=row.kind, root_from=Key(row.root_from), root_to=Key(row.root_to), fact=row.fact)
        for row in conn.execute(query.order_by(store.customer_changes.c.seq.desc()).limit(limit))
    ]


def _member(row: Any) -> Member:
    return Member(
        key=Key(row.key), namespace=row.namespace, value=row.value, first_seen_at=row.first_seen_at,
        first_fact=row.first_fact, source=row.source, root=Key(row.root), shared=row.shared_at is not None,
    )  # fmt: skip


def members(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> dict[Key, Member]:
    """Key → identifier, for those that were seen."""
    query = sa.select(store.identifiers)
    return {row.key: _member(row) for row in select_among(conn, query, workspace, _identifiers.key, keys)}


def meant(prefix: str, region: str | None) -> list[str]:
    """The values that a text can be meant as, as identifiers are kept."""
    text = prefix.strip().replace("\x00", "")
    email, phone = email_identifier(text), phone_identifier(text, region=region)
    ways = [text, text.lower(), email.value if email else "", phone.value if phone else ""]
    return [way for way in dict.fromkeys(ways) if way]


def _after(prefix: str) -> str | None:
    """The first text, byte by byte, that is beyond all texts with this prefix; None where there is none."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    code = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if code == 0xD800 else code)


def _evidence_at(
    conn: Connection, workspace: WorkspaceId, keys: Iterable[Key], statuses: Iterable[Status], limit: int
) -> list[Any]:
    """At most `limit` pieces, sorted; any of them where there are more (a guest account has millions)."""
    rows: dict[bytes, Any] = {}
    keys = list(keys)
    query = sa.select(store.evidence).where(_evidence.status.in_(statuses))
    query = query.limit(limit)
    for end in (_evidence.a, _evidence.b):
        rows.update((row.id, row) for row in select_among(conn, query, workspace, end, keys))
    return sorted(rows.values(), key=lambda row: (row.status, row.first_at, row.id))[:limit]


class _Held(NamedTuple):
    """What limits ask of a customer: (namespace, first seen at) of each identifier, and what it is called."""

    identifiers: list[tuple[str, int]]
    names: set[PersonName]


def _held(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key]) -> dict[Key, _Held]:
    columns = _identifiers
    query = sa.select(columns.root, columns.namespace, columns.value, columns.first_seen_at)
    held: defaultdict[Key, _Held] = defaultdict(lambda: _Held([], set()))
    for root, namespace, value, first_seen_at in select_among(conn, query, workspace, columns.root, roots):
        held[root].identifiers.append((namespace, first_seen_at))
        if namespace == NAMED:
            held[root].names.add(named(value))
    return held


def _forbidden(conn: Connection, workspace: WorkspaceId, keys: Iterable[Key]) -> set[tuple[Key, Key]]:
    """Pairs of customers, as roots, that hold a forbidden pair of which one side is among the keys."""
    pairs, keys = store.forbidden_pairs.c, list(keys)
    query = sa.select(pairs.a, pairs.b)
    found = {(a, b) for end in (pairs.a, pairs.b) for a, b in select_among(conn, query, workspace, end, keys)}
    roots = store.roots_of(conn, workspace, {key for pair in found for key in pair})
    ends = {(roots.get(a, a), roots.get(b, b)) for a, b in found}
    return ends | {(b, a) for a, b in ends}


def _edge(
    row: Any,
    nodes: Mapping[Key, Member],
    held: Mapping[Key, _Held],
    forbidden: set[tuple[Key, Key]],
    policy: IdentifierPolicy,
) -> GraphEdge:
    status = Status(row.status)
    because: tuple[str, ...] = ()
    if status is Status.REFUSED:
        mine, other = nodes[row.a].root, nodes[row.b].root
        together = held[mine].identifiers + held[other].identifiers
        renaming = row.kind == Kind.RENAMED.value  # two names of one account
        because = ("certain",) if renaming else tuple(too_many(together, policy))
        asked = policy.one_name and asks_names(Kind(row.kind), nodes[row.a].namespace)
        because += ("names",) if asked and contradict(held[mine].names, held[other].names) else ()
        because += ("max_identifiers",) if len(together) > policy.max_identifiers else ()
        because += ("forbidden",) if (mine, other) in forbidden else ()
    return GraphEdge(
        id=row.id, a=Key(row.a), b=Key(row.b), kind=Kind(row.kind), first_at=row.first_at, first_fact=row.first_fact,
        source=row.source, weight=row.weight, status=status, refused_because=because,
        refused_within={name: policy.limit_days[name] for name in because if name in policy.limit_days},
        last_day=row.last_day, author=row.author, reason=row.reason,
        counts_days=policy.counts_days(row.kind, nodes[row.a].namespace, nodes[row.b].namespace),
    )  # fmt: skip
