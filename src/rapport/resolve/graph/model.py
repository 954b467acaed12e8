"""The rule by which identifiers become customers: one pure function of everything that was ever seen.

`resolve` takes the identifiers, the *set* of evidence between them, the policy and the forbidden pairs, and says which
identifiers are one customer. It never asks in which order they came, so late, repeated and reordered facts change
nothing, and taking a piece of evidence away gives what would be there had it never come. `recompute` gives the same
answer from the database for the few customers that a change can reach; this module is what it is held against.

The rule, in six steps:

1. *Shared identifiers* name nobody. An identifier that was seen with more than `policy.shared_after` identifiers of one
   rank, each at least as stable as itself, is a kiosk or an office phone: its evidence no longer counts. The other
   direction says nothing: one user id has many browsers.
2. *Renamings.* What a browser says of two accounts counts only where it gave one a name that was nobody's
   (`renaming.py`).
3. *Time.* Evidence last seen longer ago than `policy.evidence_days` does not count until it is seen again.
4. *The window.* Of an identifier's less stable neighbours of one rank the `policy.window` strongest are looked at.
5. *The greedy union.* Evidence is taken from the strongest to the weakest; a piece that would give a customer more
   identifiers than the policy allows, in all or first seen within a span of time, or join a forbidden pair, or by a
   renaming two accounts that are certain, is refused.
   So the weakest is demoted. What a named contact was seen with (an e-mail, a phone, a device) joins it only where the
   names on both sides may be one person's; what an account was seen with comes before it and is not asked.
6. *The root* of a customer is its earliest identifier, then the most stable, then the first by value.

Why the order of arrival cannot matter although evidence of shared identifiers is not stored without end: an edge is
left out only when each of its ends that counts it is known to be shared. Whether an identifier is shared only ever
changes from no to yes; until it does, every edge it counts is stored, so it changes exactly when one neighbour too many
has been seen, whichever comes last. An edge that was left out touches a shared identifier and would count for nothing.
Evidence that has expired was seen, so it is counted there, too.

Time is a whole number of days since 1970 (UTC): the last day evidence was seen on, and `today`. The rule is a function
of the facts and of `today`; a day that goes by can only let evidence expire.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import NamedTuple

from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import NAMED, IdentifierPolicy
from rapport.kernel.ids import Key
from rapport.resolve.graph.forest import Forest
from rapport.resolve.graph.renaming import is_founded

__all__ = [
    "ACTIVE",
    "IDLE",
    "UNCOUNTED",
    "WEIGHTS",
    "Evidence",
    "EvidenceId",
    "Kind",
    "Known",
    "Resolution",
    "Status",
    "Strength",
    "asks_names",
    "contracts",
    "counting_ends",
    "day_of",
    "evidence_id",
    "names_a_person",
    "oriented",
    "resolve",
    "root_order",
    "strength",
]

EvidenceId = bytes
"""16 bytes: BLAKE2b of the two keys and the kind. Seen again, it is the same piece of evidence."""

Strength = tuple[int, int, int, int, bytes]
"""Sorts evidence from the strongest to the weakest; no two pieces are equal."""


class Kind(StrEnum):
    """How two identifiers came to be tied."""

    JOINED = "joined"
    """A person of the shop said so."""
    ALIAS = "alias"
    """The shop's software said so: an alias call."""
    RENAMED = "renamed"
    """A browser said that an account goes by another id now; first at when it was received."""
    SEEN = "seen"
    """One fact carried both."""
    PROBABLE = "probable"
    """A learned comparison of two records."""


WEIGHTS: Mapping[Kind, int] = {Kind.JOINED: 1000, Kind.ALIAS: 900, Kind.RENAMED: 800, Kind.SEEN: 100}
"""Weight of a piece of evidence whose kind says all; a learned one brings its own."""


class Status(IntEnum):
    """What became of a piece of evidence."""

    LINKED = 1
    """Both ends are one customer."""
    REFUSED = 2
    """A limit or a forbidden pair stands against it."""
    SURPLUS = 3
    """Weaker than all that is looked at between an identifier and its many neighbours."""
    SHARED = 4
    """One end is a shared identifier."""
    WITHDRAWN = 5
    """A person took it back."""
    EXPIRED = 6
    """Last seen longer ago than the policy lets it count."""
    WAITING = 7
    """An alias to an identifier that no fact has carried so far; it has a row for the day one does."""
    UNFOUNDED = 8
    """A browser's alias to a name that was somebody's already."""


ACTIVE = (Status.LINKED, Status.REFUSED)
"""What the greedy union decides about; all other evidence was put aside before it."""

IDLE = (Status.SHARED, Status.WITHDRAWN, Status.EXPIRED, Status.WAITING, Status.UNFOUNDED)
"""What does not count whatever else is seen."""


UNCOUNTED = (Kind.JOINED, Kind.RENAMED)
"""What is not asked when an identifier's neighbours are counted."""


class Known(NamedTuple):
    """An identifier that was seen."""

    key: Key
    namespace: str
    value: str
    first_seen_at: int
    stated_at: int | None = None
    renamed_by: str | None = None
    certain: bool = False


class Evidence(NamedTuple):
    """That two identifiers were tied, and by which fact first. `a` and `b` in either order."""

    a: Key
    b: Key
    kind: Kind
    first_at: int
    first_fact: str
    source: str = ""
    weight: int = WEIGHTS[Kind.SEEN]
    withdrawn: bool = False
    again_day: int = 0
    """A day on which it was seen again."""

    @property
    def last_day(self) -> int:
        """The day on which it was last seen."""
        return max(self.again_day, day_of(self.first_at))


class Resolution(NamedTuple):
    """Who is one customer, and why."""

    roots: dict[Key, Key]
    """Identifier → root of its customer."""
    statuses: dict[EvidenceId, Status]
    shared: frozenset[Key]


def day_of(at: int) -> int:
    """The day of a time in microseconds, counted from 1970 (UTC)."""
    return at // DAY


def evidence_id(a: Key, b: Key, kind: Kind) -> EvidenceId:
    """The id of the evidence of this kind between two identifiers, whichever is named first."""
    pair = a + b if a < b else b + a
    return blake2b(pair + kind.encode(), digest_size=16).digest()


def oriented(a: Key, rank_a: int, b: Key, rank_b: int) -> tuple[Key, Key]:
    """The more stable identifier first; of two equally stable ones the smaller key."""
    return (a, b) if (rank_a, a) < (rank_b, b) else (b, a)


def counting_ends(a: Key, rank_a: int, b: Key, rank_b: int) -> tuple[Key, ...]:
    """Whose neighbours are counted by this edge when asking who is shared: the less stable end, or both if equal."""
    if rank_a == rank_b:
        return (a, b)
    return (b,) if rank_a < rank_b else (a,)


_SAID = frozenset((Kind.JOINED, Kind.ALIAS, Kind.RENAMED))


def contracts(kind: Kind, namespace_a: str, namespace_b: str) -> bool:
    """True where the evidence says that two names of one namespace are one: they count once against its limit."""
    return namespace_a == namespace_b and kind in _SAID


def asks_names(kind: Kind, more_stable: str) -> bool:
    """True where evidence ties only what may be one person by name; by its kind and the namespace of its stable end.

    Not where a person, the shop's software or an account says who it is.
    """
    return kind is Kind.SEEN and more_stable == NAMED


def strength(
    kind: Kind, weight: int, first_at: int, ident: EvidenceId, *, weaker_rank: int, contracting: bool, asking: bool
) -> Strength:
    """The place of a piece of evidence in the order of trust: what people said, what the shop said, what was seen.

    Then the rank of its less stable end (a learned comparison has only its weight), of equals first what asks for no
    names, its weight, its age. Contracting evidence comes before all other, so that two names of one account count once
    before any limit is asked.
    """
    rank = 0 if kind is Kind.PROBABLE else 2 * weaker_rank + asking
    return (_CLASS[kind, contracting], rank, -weight, first_at, ident)


_CLASS = {
    (Kind.JOINED, True): 0,
    (Kind.ALIAS, True): 1,
    (Kind.RENAMED, True): 2,
    (Kind.JOINED, False): 3,
    (Kind.ALIAS, False): 4,
    (Kind.SEEN, False): 5,
    (Kind.PROBABLE, False): 6,
}


def names_a_person(namespace: str, policy: IdentifierPolicy) -> bool:
    """Whether identifiers of the namespace are people's own, not their devices' or browsers'.

    >>> [names_a_person(name, IdentifierPolicy()) for name in ("email", "crm", "device", "anonymous_id")]
    [True, True, False, False]
    """
    return policy.rank(namespace) < min(policy.rank("device"), policy.rank("anonymous_id"))


def root_order(known: Known, policy: IdentifierPolicy) -> tuple[int, int, str, str]:
    """Sorts the identifiers of a customer; the first is its root."""
    return (known.first_seen_at, policy.rank(known.namespace), known.namespace, known.value)


class _Edge(NamedTuple):
    ident: EvidenceId
    a: Key
    b: Key
    rank_a: int
    rank_b: int
    kind: Kind
    contracting: bool
    asking: bool
    withdrawn: bool
    founded: bool
    expired: bool
    strength: Strength


def resolve(
    identifiers: Iterable[Known],
    evidence: Iterable[Evidence],
    policy: IdentifierPolicy,
    forbidden: Iterable[tuple[Key, Key]] = (),
    *,
    today: int | None = None,
) -> Resolution:
    """The customers that all the evidence makes, together with what became of each piece of it.

    A pure function of sets and of the day: order and repeats of the arguments do not matter. Of the same evidence given
    twice the earliest fact and the last day count. Every end of evidence must be among the identifiers. Where `today`
    is None, nothing has expired. Cost: n log n.

    >>> ada, web = Known(Key(b"1"), "user_id", "ada", 20), Known(Key(b"2"), "anonymous_id", "w", 10)
    >>> resolve([ada, web], [Evidence(ada.key, web.key, Kind.SEEN, 20, "f1")], IdentifierPolicy()).roots
    {b'1': b'2', b'2': b'2'}
    """
    known = {one.key: one for one in identifiers}
    edges = _edges(known, evidence, policy, today)
    shared = _shared(edges, policy)
    statuses, active = _looked_at(edges, shared, policy)
    forest = Forest(policy)
    enemies = defaultdict(list)
    for a, b in forbidden:
        enemies[a].append(b)
    for key, one in known.items():
        forest.add(key, one.namespace, one.value, one.first_seen_at, enemies.get(key, ()), certain=one.certain)
    for edge in sorted(active, key=lambda e: e.strength):
        renaming = edge.kind is Kind.RENAMED
        if forest.may_join(edge.a, edge.b, contracting=edge.contracting, asking=edge.asking, renaming=renaming):
            forest.join(edge.a, edge.b, contracting=edge.contracting, renaming=renaming)
            statuses[edge.ident] = Status.LINKED
        else:
            statuses[edge.ident] = Status.REFUSED
    return Resolution(_roots(known, forest, policy), statuses, shared)


def _edges(
    known: Mapping[Key, Known], evidence: Iterable[Evidence], policy: IdentifierPolicy, today: int | None
) -> list[_Edge]:
    merged: dict[EvidenceId, Evidence] = {}
    for piece in evidence:
        ident = evidence_id(piece.a, piece.b, piece.kind)
        before = merged.setdefault(ident, piece)
        if before is not piece:
            first = min(before, piece, key=lambda e: (e.first_at, e.first_fact))
            merged[ident] = first._replace(
                weight=max(before.weight, piece.weight), withdrawn=before.withdrawn or piece.withdrawn,
                again_day=max(before.last_day, piece.last_day),
            )  # fmt: skip
    return [_edge(ident, piece, known, policy, today) for ident, piece in merged.items()]


def _edge(
    ident: EvidenceId, piece: Evidence, known: Mapping[Key, Known], policy: IdentifierPolicy, today: int | None
) -> _Edge:
    names = {key: known[key].namespace for key in (piece.a, piece.b)}
    ranks = {key: policy.rank(name) for key, name in names.items()}
    a, b = oriented(piece.a, ranks[piece.a], piece.b, ranks[piece.b])
    contracting, asking = contracts(piece.kind, names[a], names[b]), asks_names(piece.kind, names[a])
    order = strength(
        piece.kind, piece.weight, piece.first_at, ident,
        weaker_rank=max(ranks.values()), contracting=contracting, asking=asking,
    )  # fmt: skip
    days = policy.counts_days(piece.kind, names[a], names[b])
    expired = days is not None and today is not None and piece.last_day + days < today
    founded = piece.kind is not Kind.RENAMED or is_founded(piece.first_at, piece.first_fact, known[a], known[b])
    return _Edge(
        ident, a, b, ranks[a], ranks[b], piece.kind, contracting, asking, piece.withdrawn, founded, expired, order
    )


def _shared(edges: Iterable[_Edge], policy: IdentifierPolicy) -> frozenset[Key]:
    """Those seen with too many others of one rank. Withdrawn evidence was seen; what a person joined, or
    a browser renamed, was not.
    """
    neighbours: defaultdict[tuple[Key, int], set[Key]] = defaultdict(set)
    for edge in edges:
        if edge.kind in UNCOUNTED:
            continue
        for end in counting_ends(edge.a, edge.rank_a, edge.b, edge.rank_b):
            other, rank = (edge.a, edge.rank_a) if end == edge.b else (edge.b, edge.rank_b)
            neighbours[end, rank].add(other)
    return frozenset(key for (key, _), seen in neighbours.items() if len(seen) > policy.shared_after)


def _looked_at(
    edges: Iterable[_Edge], shared: frozenset[Key], policy: IdentifierPolicy
) -> tuple[dict[EvidenceId, Status], list[_Edge]]:
    statuses: dict[EvidenceId, Status] = {}
    active: list[_Edge] = []
    windows: defaultdict[tuple[Key, int], list[_Edge]] = defaultdict(list)
    for edge in edges:
        if edge.withdrawn:
            statuses[edge.ident] = Status.WITHDRAWN
        elif edge.kind is Kind.JOINED:
            active.append(edge)
        elif edge.a in shared or edge.b in shared:
            statuses[edge.ident] = Status.SHARED
        elif not edge.founded:
            statuses[edge.ident] = Status.UNFOUNDED
        elif edge.expired:
            statuses[edge.ident] = Status.EXPIRED
        elif edge.rank_a == edge.rank_b:
            active.append(edge)
        else:
            windows[edge.a, edge.rank_b].append(edge)
    for group in windows.values():
        group.sort(key=lambda e: e.strength)
        active.extend(group[: policy.window])
        statuses.update((edge.ident, Status.SURPLUS) for edge in group[policy.window :])
    return statuses, active


def _roots(known: Mapping[Key, Known], forest: Forest, policy: IdentifierPolicy) -> dict[Key, Key]:
    groups: defaultdict[Key, list[Known]] = defaultdict(list)
    for key, one in known.items():
        groups[forest.find(key)].append(one)
    roots: dict[Key, Key] = {}
    for members in groups.values():
        root = min(members, key=lambda one: root_order(one, policy)).key
        roots.update((one.key, root) for one in members)
    return roots
