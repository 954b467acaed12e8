"""From facts to causes, and from causes to points: what the slice does in a worker's batch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause, cause_of
from rapport.capabilities.loyalty.facts import ARRIVED_LATE, IDENTITY_FACTS, ORDER_FACTS, RULE_FACTS
from rapport.capabilities.loyalty.fees import given_back_with
from rapport.capabilities.loyalty.service.telling import TOLD, tell
from rapport.capabilities.loyalty.settling import settle
from rapport.capabilities.loyalty.versions import names_of
from rapport.decide import people
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.kernel.work import Connection, Seen, Work
from rapport.remember import membership
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.lookup import select_among

__all__ = ["LISTENS_TO", "keep", "segments_of"]

_CAUSES = frozenset((*ORDER_FACTS, *RULE_FACTS, *IDENTITY_FACTS, ARRIVED_LATE))
_CHANGES_ORDERS = frozenset(("Order Cancelled", "Order Refunded", "Order Updated"))
TAKES_BACK = frozenset(("Order Cancelled", "Order Refunded"))
LISTENS_TO = frozenset((*_CAUSES, *TOLD))


def keep(conn: Connection, work: Work, notes: Sequence[Seen], now: int) -> None:
    """Keep what a batch says, and settle whom it is about. Without a programme the causes are kept all the same:
    whoever begins one later knows who has bought before. What we have stated ourselves is told to members.
    """
    touched: dict[WorkspaceId, dict[Key, str]] = {}
    told: list[Cause] = []
    for note in notes:
        if note.fact.name not in _CAUSES:
            continue
        touched.setdefault(note.workspace, {})[note.strand] = note.fact.id
        if note.fact.name in IDENTITY_FACTS:
            touched[note.workspace] |= dict.fromkeys(_left_behind(conn, note), note.fact.id)
        else:
            cause = cause_of(note, work.known(conn, note.workspace, people.reading_settings))
            if cause is not None:
                told.append(cause)
    for workspace, behind in touched.items():
        _settle(conn, work, workspace, [one for one in told if one.workspace == workspace], behind, now)
    tell(conn, work, [note for note in notes if note.fact.name in TOLD], now)


def _left_behind(conn: Connection, note: Seen) -> list[Key]:
    """Of whom somebody turned out to be another: theirs is less from now on, too."""
    other = note.fact.properties.get("split_from_customer_id")
    try:
        return [load_customer_ids(conn).key(CustomerId(other))] if isinstance(other, str) else []
    except RapportError:
        return []


def _settle(
    conn: Connection, work: Work, workspace: WorkspaceId, told: Sequence[Cause], behind: dict[Key, str], now: int
) -> None:
    store.keep_causes(conn, _with_segments(conn, workspace, told))
    subjects = {one.subject for one in told}
    subjects |= {f"referral:{one.removeprefix('order:')}" for one in subjects if one.startswith("order:")}
    strands = set(behind)
    changed = {one.subject.removeprefix("order:") for one in told if one.name in _CHANGES_ORDERS}
    strands |= paid_with_points(conn, workspace, changed)
    for one in store.causes_of(conn, workspace, (), subjects):
        strands.add(one.strand)
    for row in settle(conn, workspace, strands, cause=behind, now=now):
        work.state(row)
    taken_back = {one.subject for one in told if one.name in TAKES_BACK and one.subject.startswith("order:")}
    given_back_with(conn, workspace, {one.removeprefix("order:") for one in taken_back}, now=now)


def paid_with_points(conn: Connection, workspace: WorkspaceId, orders: Collection[str]) -> set[Key]:
    """Whose points paid for these orders: they may come back with it."""
    r = store.redemptions.c
    query = sa.select(r.strand).where(r.state == "captured")
    return {Key(row.strand) for row in select_among(conn, query, workspace, r.order_id, orders)} if orders else set()


def _with_segments(conn: Connection, workspace: WorkspaceId, told: Sequence[Cause]) -> Sequence[Cause]:
    """The causes with the segments their people are in now, where a rule asks: what it was when it came stays."""
    if not told or not any(rule.segments for one in names_of(conn, workspace) for rule in one.programme.earning):
        return told
    within = segments_of(conn, workspace, {one.strand for one in told})
    return [one._replace(segments=msgspec.json.encode(within.get(one.strand, [])).decode()) for one in told]


def segments_of(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> dict[Key, list[str]]:
    """The segments that the customers of these strands are in now."""
    roots = people.roots_of(conn, workspace, strands)
    names = membership.names_by_root(conn, workspace, set(roots.values()))
    return {strand: names.get(root, []) for strand, root in roots.items()}
