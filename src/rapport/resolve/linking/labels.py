"""Pairs of records of which it is known whether they are one person: by staff's word, or by what facts state.

For training and calibration, which otherwise have no labels. They are not a fair sample of all pairs, and say how they
are not: what an account ties was mostly stated with one address (`shared`), so that an aspect must not be learned from
pairs that were chosen by it; staff is asked about what is hard. Nothing here is decided by the rule of names, which
would only teach a model that rule again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.identifiers import NAMED
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.person_names import PersonName, may_be_one
from rapport.resolve.graph import store
from rapport.resolve.graph.forest import named
from rapport.resolve.graph.model import Kind, Status
from rapport.resolve.graph.store import roots_of
from rapport.resolve.linking.store import DECIDED, CandidateStatus, link_candidates
from rapport.resolve.linking.units import units_among
from rapport.resolve.reading.identities import members_of_customers
from rapport.storage.lookup import select_among

__all__ = ["Label", "SaidBy", "labels"]

FieldsOf = Callable[[Connection, WorkspaceId, Mapping[Key, list[Key]]], dict[Key, dict[str, str]]]
"""What can be compared of groups of identifiers; as the linker has it."""

_evidence = store.evidence.c
_identifiers = store.identifiers.c


class SaidBy(StrEnum):
    """Where a label comes from."""

    STAFF = "staff"
    """Decided in the review queue."""
    ACCOUNT = "account"
    """One account stated both: a login after a guest's order, two addresses of one account."""
    ACCOUNTS_AT_ONCE = "accounts_at_once"
    """Two accounts used one device or address in the same days: two people, as a rule."""
    BIRTHS = "births"
    """Two dates of birth that no slip explains, stated with one address."""


class Label(NamedTuple):
    """Two records, as texts by column, and whether they are one person."""

    left: dict[str, str]
    right: dict[str, str]
    one_person: bool
    said_by: SaidBy
    shared: frozenset[str]
    """Namespaces by which the two came together, so that agreement in them is no wonder; empty where nothing chose."""


class _Found(NamedTuple):
    """A label before its records are read: groups of identifiers by the first of them."""

    left: Key
    right: Key
    one_person: bool
    said_by: SaidBy
    shared: frozenset[str]


def labels(
    conn: Connection, workspace: WorkspaceId, fields_of: FieldsOf, *, limit: int = 2_000
) -> list[Label]:  # fmt: skip
    """The newest labels of each kind, at most `limit` each, in an order that does not depend on the engine.

    Records of which nothing comparable is known are left out. A constant number of statements for each 500 pairs.
    """
    groups: dict[Key, list[Key]] = {}
    found = [*_of_staff(conn, workspace, groups, limit), *_of_accounts(conn, workspace, limit)]
    found += _of_accounts_at_once(conn, workspace, limit)
    births = _of_births(conn, workspace, limit)
    ends = {end for one in (*found, *births) for end in (one.left, one.right)}
    fields = fields_of(conn, workspace, {end: groups.get(end, [end]) for end in ends})
    return [
        Label(fields[one.left], fields[one.right], one.one_person, one.said_by, one.shared)
        for one in (*found, *births)
        if fields.get(one.left) and fields.get(one.right)
    ]


def _of_staff(
    conn: Connection, workspace: WorkspaceId, groups: dict[Key, list[Key]], limit: int
) -> Iterable[_Found]:  # fmt: skip
    """Decided pairs; each record with what is certainly its own, had nobody joined the two."""
    c = link_candidates.c
    query = sa.select(c.a, c.b, c.status).where(c.workspace == workspace, c.status.in_(DECIDED))
    rows = conn.execute(query.order_by(c.at.desc(), c.id).limit(limit)).all()
    roots = roots_of(conn, workspace, {Key(end) for row in rows for end in (row.a, row.b)})
    members = members_of_customers(conn, workspace, set(roots.values()))
    units = units_among(conn, workspace, members, without=(Kind.PROBABLE, Kind.JOINED))
    unit_of = {key: keys for several in units.values() for keys in several.values() for key in keys}
    for row in rows:
        a, b = Key(row.a), Key(row.b)
        if a in unit_of and b in unit_of and unit_of[a] is not unit_of[b]:
            groups[a], groups[b] = unit_of[a], unit_of[b]
            yield _Found(a, b, row.status == CandidateStatus.ACCEPTED, SaidBy.STAFF, frozenset())


def _of_accounts(conn: Connection, workspace: WorkspaceId, limit: int) -> Iterable[_Found]:
    """What one account ties: itself, what a guest did under its address, and its addresses among themselves."""
    one, other = store.identifiers.alias().c, store.identifiers.alias().c
    query = (
        sa.select(_evidence.a, _evidence.b, other.value)
        .where(_evidence.workspace == workspace, _evidence.status == int(Status.LINKED))
        .where(_evidence.kind.in_((Kind.SEEN.value, Kind.ALIAS.value)))
        .where(one.workspace == workspace, one.key == _evidence.a, one.namespace == "user_id")
        .where(other.workspace == workspace, other.key == _evidence.b, other.namespace == NAMED)
        .order_by(_evidence.first_at.desc(), _evidence.id)
        .limit(limit)
    )
    before: dict[Key, tuple[Key, str]] = {}
    for account, contact, value in conn.execute(query):
        yield _Found(Key(account), Key(contact), True, SaidBy.ACCOUNT, frozenset({_kind_of(value)}))
        earlier = before.get(Key(account))
        if earlier is not None and earlier[1].partition(" ")[0] != value.partition(" ")[0]:
            yield _Found(earlier[0], Key(contact), True, SaidBy.ACCOUNT, frozenset())
        before[Key(account)] = (Key(contact), value)


def _of_accounts_at_once(conn: Connection, workspace: WorkspaceId, limit: int) -> Iterable[_Found]:
    """Accounts that the policy kept apart over one identifier which both used in overlapping days."""
    for held, other, namespace in _contenders(conn, workspace, "user_id", limit):
        if _overlap(held, other):
            yield _Found(Key(held.a), Key(other.a), False, SaidBy.ACCOUNTS_AT_ONCE, frozenset({namespace}))


def _of_births(conn: Connection, workspace: WorkspaceId, limit: int) -> list[_Found]:
    """Named contacts on one identifier whose dates of birth contradict each other."""
    rows = list(_contenders(conn, workspace, NAMED, limit))
    keys = {Key(row.a) for held, refused, _ in rows for row in (held, refused)}
    query = sa.select(_identifiers.key, _identifiers.value)
    values = dict(row._tuple() for row in select_among(conn, query, workspace, _identifiers.key, keys))
    return [
        _Found(Key(held.a), Key(refused.a), False, SaidBy.BIRTHS, frozenset({namespace}))
        for held, refused, namespace in rows
        if _two_births(values.get(held.a, ""), values.get(refused.a, ""))
    ]


def _contenders(
    conn: Connection, workspace: WorkspaceId, namespace: str, limit: int
) -> Iterable[tuple[Any, Any, str]]:  # fmt: skip
    """Evidence that holds an identifier, the newest that was refused at it, and the identifier's namespace."""
    one, end = store.identifiers.alias().c, store.identifiers.alias().c
    refused: sa.ColumnElement[int] = sa.literal_column(str(int(Status.REFUSED)))  # as its index has it
    query = (
        sa.select(_evidence.a, _evidence.b, _evidence.first_at, _evidence.last_day, end.namespace)
        .where(_evidence.workspace == workspace, _evidence.status == refused, _evidence.kind == Kind.SEEN.value)
        .where(one.workspace == workspace, one.key == _evidence.a, one.namespace == namespace)
        .where(end.workspace == workspace, end.key == _evidence.b)
        .order_by(_evidence.first_at.desc(), _evidence.id)
        .limit(limit)
    )
    rows = conn.execute(query).all()
    holders = _holders(conn, workspace, {row.b for row in rows}, namespace)
    return [(holders[row.b], row, row.namespace) for row in rows if row.b in holders and holders[row.b].a != row.a]


def _holders(conn: Connection, workspace: WorkspaceId, ends: Collection[bytes], namespace: str) -> dict[bytes, Any]:
    one = store.identifiers.alias().c
    query = sa.select(_evidence.id, _evidence.a, _evidence.b, _evidence.first_at, _evidence.last_day).where(
        _evidence.status == int(Status.LINKED), _evidence.kind == Kind.SEEN.value, one.workspace == workspace,
        one.key == _evidence.a, one.namespace == namespace,
    )  # fmt: skip
    rows = select_among(conn, query, workspace, _evidence.b, [Key(end) for end in ends])
    found: dict[bytes, Any] = {}
    for row in sorted(rows, key=lambda row: (row.first_at, row.id)):
        found.setdefault(row.b, row)
    return found


def _overlap(one: Any, other: Any) -> bool:
    """Whether two pieces of evidence were seen in overlapping spans of more than a day."""
    start, end = max(one.first_at, other.first_at) // DAY, min(one.last_day, other.last_day)
    return bool(start < end)


def _two_births(one: str, other: str) -> bool:
    names = [named(value) for value in (one, other)]
    born = [PersonName("", "", name.born) for name in names]
    return bool(born[0].born and born[1].born) and not may_be_one(*sorted(born))


def _kind_of(value: str) -> str:
    return "email" if "@" in value.partition(" ")[0] else "phone"
