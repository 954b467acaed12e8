"""What somebody should look at: identifiers that many share or come with, and customers joined in vain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import to_iso
from rapport.kernel.identifiers import NAMED, IdentifierPolicy
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph import store
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.forest import too_many
from rapport.resolve.graph.model import Status
from rapport.resolve.reading import identities
from rapport.resolve.reading.identities import Member
from rapport.storage.lookup import select_among

__all__ = ["Alarms", "GatheringAlarm", "RefusedAlarm", "SharedAlarm", "alarms"]

_LOOKED_AT = 1_000
"""Refused pieces of evidence, the newest, that are gathered by customer."""


GATHERS = 10
"""Refused neighbours from which on an identifier is an alarm of its own, instead of one for each of them."""

MANY_NAMES = 5
"""Names behind one e-mail or phone, contradicting each other, from which on it is one: the largest household has fewer
given names, and a till that writes down its own address more.
"""


class SharedAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier that names nobody any more: a kiosk, an office phone, a bot."""

    namespace: str
    value: str
    customer: CustomerId
    since: str
    """When it was noticed."""
    seen_with: int
    """Others it was seen with, as far as that was kept."""


class GatheringAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier that many customers came with, more than a limit lets be one: an e-mail that a till writes down."""

    namespace: str
    value: str
    customer: CustomerId
    others: int
    """Identifiers that came with it of late and were refused, as far as the newest evidence tells."""
    names: int
    """Of these, names that were stated with it and are not that of its customer."""
    last: str
    """When the newest was first seen."""


class RefusedAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Two customers between whom there is evidence that a limit or a person refuses."""

    customer: CustomerId
    other: CustomerId
    by: tuple[str, str]
    """The identifiers of the newest such evidence, as `namespace:value`."""
    pieces: int
    because: list[str]
    last: str
    """When the newest was first seen."""


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """All that deserves a look, the newest first."""

    shared: list[SharedAlarm]
    gathering: list[GatheringAlarm]
    refused: list[RefusedAlarm]


def alarms(conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, *, limit: int = 50) -> Alarms:
    """The newest alarms of each kind, at most `limit`. Cost: two index ranges and what they name."""
    rows = _newest_refused(conn, workspace)
    named = _named(conn, workspace, rows)
    gathering = _gathering(rows, named)
    others = [row for row in rows if row.a not in gathering and row.b not in gathering]
    return Alarms(
        shared=_shared(conn, workspace, limit), gathering=_told(conn, workspace, gathering, named, limit),
        refused=_refused(conn, workspace, policy, others, limit),
    )  # fmt: skip


def _shared(conn: Connection, workspace: WorkspaceId, limit: int) -> list[SharedAlarm]:
    columns = store.identifiers.c
    query = sa.select(store.identifiers).where(columns.workspace == workspace, columns.shared_at.is_not(None))
    rows = conn.execute(query.order_by(columns.shared_at.desc(), columns.key).limit(limit)).all()
    if not rows:
        return []
    ids, numbers = load_customer_ids(conn), _neighbours(conn, workspace, [row.key for row in rows])
    return [
        SharedAlarm(
            namespace=row.namespace, value=row.value, customer=ids.customer_id(Key(row.root)),
            since=to_iso(row.shared_at), seen_with=numbers.get(row.key, 0),
        )
        for row in rows
    ]  # fmt: skip


def _neighbours(conn: Connection, workspace: WorkspaceId, keys: list[bytes]) -> dict[bytes, int]:
    columns = store.evidence.c
    numbers: dict[bytes, int] = {}
    for end in (columns.a, columns.b):
        query = sa.select(end, sa.func.count()).group_by(end)
        for key, number in select_among(conn, query, workspace, end, keys):
            numbers[key] = numbers.get(key, 0) + number
    return numbers


def _newest_refused(conn: Connection, workspace: WorkspaceId) -> list[Any]:
    columns = store.evidence.c
    query = sa.select(columns.a, columns.b, columns.first_at).where(
        columns.workspace == workspace, columns.status == sa.literal_column(str(int(Status.REFUSED)))
    )
    return list(conn.execute(query.order_by(columns.first_at.desc(), columns.id).limit(_LOOKED_AT)))


def _named(conn: Connection, workspace: WorkspaceId, rows: Sequence[Any]) -> set[Key]:
    """Which ends of the evidence are names that were stated with an e-mail or a phone."""
    columns = store.identifiers.c
    query = sa.select(columns.key).where(columns.namespace == NAMED)
    keys = {key for row in rows for key in (row.a, row.b)}
    return {Key(row.key) for row in select_among(conn, query, workspace, columns.key, sorted(keys))}


def _gathering(rows: Sequence[Any], named: Collection[Key]) -> dict[Key, list[Any]]:
    """Identifier → its refused evidence, the newest first, where that leads to many others, or many names."""
    ends: dict[Key, list[Any]] = {}
    for row in rows:
        ends.setdefault(Key(row.a), []).append(row)
        ends.setdefault(Key(row.b), []).append(row)
    return {
        key: found
        for key, found in ends.items()
        if key not in named and (_others(key, found) >= GATHERS or _names(key, found, named) >= MANY_NAMES - 1)
    }


def _others(key: Key, rows: Sequence[Any]) -> int:
    return len({(row.a, row.b) for row in rows})


def _names(key: Key, rows: Sequence[Any], named: Collection[Key]) -> int:
    """How many names stand behind an identifier beside the one that it is tied to."""
    return len({row.b if row.a == key else row.a for row in rows} & set(named))


def _told(
    conn: Connection, workspace: WorkspaceId, gathering: Mapping[Key, list[Any]], named: Collection[Key], limit: int
) -> list[GatheringAlarm]:
    if not gathering:
        return []
    ids, known = load_customer_ids(conn), identities.members(conn, workspace, gathering)
    return [
        GatheringAlarm(
            namespace=known[key].namespace, value=known[key].value, customer=ids.customer_id(known[key].root),
            others=_others(key, rows), names=_names(key, rows, named), last=to_iso(rows[0].first_at),
        )
        for key, rows in list(gathering.items())[:limit]
    ]  # fmt: skip


def _refused(
    conn: Connection, workspace: WorkspaceId, policy: IdentifierPolicy, rows: Sequence[Any], limit: int
) -> list[RefusedAlarm]:
    roots = store.roots_of(conn, workspace, {key for row in rows for key in (row.a, row.b)})
    pairs: dict[tuple[Key, Key], list[Any]] = {}
    for row in rows:
        one, other = sorted((roots[row.a], roots[row.b]))
        pairs.setdefault((one, other), []).append(row)
    chosen = list(pairs.items())[:limit]
    if not chosen:
        return []
    ids = load_customer_ids(conn)
    members = identities.members_of_customers(conn, workspace, {root for pair, _ in chosen for root in pair})
    names = {one.key: f"{one.namespace}:{one.value}" for several in members.values() for one in several}
    return [
        RefusedAlarm(
            customer=ids.customer_id(one), other=ids.customer_id(other), by=(names[rows[0].a], names[rows[0].b]),
            pieces=len(rows), because=_because(members[one], members[other], policy), last=to_iso(rows[0].first_at),
        )
        for (one, other), rows in chosen
    ]  # fmt: skip


def _because(left: list[Member], right: list[Member], policy: IdentifierPolicy) -> list[str]:
    """The limits that both together would exceed; where there are none, a person forbade it."""
    together = [(one.namespace, one.first_seen_at) for one in (*left, *right)]
    over = too_many(together, policy)
    over += ["max_identifiers"] if len(together) > policy.max_identifiers else []
    return over or ["forbidden"]
