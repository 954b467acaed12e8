"""Fees that do not fit: taken for a membership that had ended, twice for one period, or given back while it goes on.

Billing is the shop's, so Rapport takes and returns no money. What it can do is not to forget: each such payment stands
as an alarm until a person has seen to it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.decide import people
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.bulk import insert_ignore
from rapport.storage.lookup import select_among

__all__ = [
    "AFTER_END", "AHEAD", "BACK", "StrayFee", "Why", "carry_on", "given_back_with", "keep_back", "keep_stray",
    "number_open", "pay_again", "running_after", "settle_fee", "state_of", "stray_fees",
]  # fmt: skip

Why = Literal["ended", "ahead", "back"]
AFTER_END: Why = "ended"
"""Taken for a membership that had ended or was cancelled."""
AHEAD: Why = "ahead"
"""Taken for a second period ahead: twice for one renewal."""
BACK: Why = "back"
"""Given back to the member, whose benefits go on."""

MOST = 100
_f, _m, _p = store.stray_fees.c, store.memberships.c, store.periods.c
_CHARGED = sa.func.coalesce(_p.charged_minor, _p.fee_minor)
_OPEN = store.stray_fees.join(
    store.memberships, (_m.workspace == _f.workspace) & (_m.id == _f.membership)
).outerjoin(store.periods, (_p.workspace == _f.workspace) & (_p.payment == _f.payment))  # fmt: skip
"""Stray fees with the membership they are about, and the period that was paid, if one was."""


class StrayFee(NamedTuple):
    """A payment that somebody must see to."""

    payment: str
    membership: str
    plan: str
    customer_id: str
    name: str
    why: Why
    at: int


def keep_stray(
    conn: Connection, workspace: WorkspaceId, payment: str, membership: str, strand: Key, *, why: Why, now: int
) -> None:
    """Keep that this payment does not fit, once."""
    row = {"workspace": workspace, "payment": payment, "membership": membership, "strand": strand, "at": now,
           "why": why, "settled_at": None, "settled_by": ""}  # fmt: skip
    insert_ignore(conn, store.stray_fees, [row], key=("workspace", "payment"))


def keep_back(
    conn: Connection, workspace: WorkspaceId, payment: str, paid: str, running: str, strand: Key, *, minor: int,
    now: int,
) -> None:  # fmt: skip
    """Keep that this fee went back, once: of the membership it `paid`, or of the one that it was changed to and that is
    `running` now, for as much of the fee as was credited there.
    """
    if state_of(conn, workspace, payment) is not None:
        return
    keep_stray(conn, workspace, payment, running, strand, why=BACK, now=now)
    credited = 0
    if paid != running:
        which = (_m.workspace == workspace, _m.id == paid)
        credited = min(minor, int(conn.execute(sa.select(_m.credited_minor).where(*which)).scalar_one()))
        _add_refunded(conn, workspace, running, credited)
    _add_refunded(conn, workspace, paid, minor - credited)


def state_of(conn: Connection, workspace: WorkspaceId, payment: str) -> tuple[str, Why] | None:
    """The membership and the kind of a fee that did not fit, seen to or not; None for one that never was."""
    row = conn.execute(sa.select(_f.membership, _f.why).where(_f.workspace == workspace, _f.payment == payment)).first()
    return None if row is None else (row.membership, row.why)


def carry_on(conn: Connection, workspace: WorkspaceId, old: str, new: str) -> None:
    """A membership was changed to another: what waits for somebody about the one is about the other from now on."""
    conn.execute(sa.update(store.stray_fees).values(membership=new).where(
        _f.workspace == workspace, _f.membership == old, _f.why == BACK, _f.settled_at.is_(None)))  # fmt: skip


def pay_again(conn: Connection, workspace: WorkspaceId, membership: str, payment: str, *, by: str, now: int) -> bool:
    """This payment is for a period that runs and whose fee went back, if there is one. The old one is kept, too."""
    query = (
        sa.select(_p.number, _p.payment, _CHARGED.label("charged")).select_from(_OPEN)
        .where(_f.workspace == workspace, _f.membership == membership, _p.membership == membership, _f.why == BACK,
               *_stands(now))
    )  # fmt: skip
    row = conn.execute(query.order_by(_p.number).limit(1)).first()
    if row is None:
        return False
    settle_fee(conn, workspace, row.payment, by=by, now=now)
    conn.execute(sa.update(store.periods).values(payment=payment).where(
        _p.workspace == workspace, _p.membership == membership, _p.number == row.number))  # fmt: skip
    _add_refunded(conn, workspace, membership, -row.charged)
    return True


def stray_fees(conn: Connection, workspace: WorkspaceId, *, now: int) -> list[StrayFee]:
    """Those nobody has seen to yet, the oldest first; at most 100. A fee given back is one while its period runs."""
    query = (
        sa.select(store.stray_fees, _m.plan).select_from(_OPEN).where(_f.workspace == workspace, *_stands(now))
        .order_by(_f.at, _f.payment).limit(MOST)
    )  # fmt: skip
    rows = conn.execute(query).all()
    keys = [Key(row.strand) for row in rows]
    names, ids = people.names_by_strand(conn, workspace, keys), load_customer_ids(conn) if keys else None
    return [
        StrayFee(row.payment, row.membership, row.plan, ids.customer_id(Key(row.strand)) if ids else "",
                 names.get(Key(row.strand), ""), row.why, row.at)
        for row in rows
    ]  # fmt: skip


def number_open(conn: Connection, workspace: WorkspaceId, *, now: int) -> dict[Why, int]:
    """How many of each kind somebody must see to, of the first 1,000."""
    some = (
        sa.select(_f.why).select_from(_OPEN).where(_f.workspace == workspace, *_stands(now)).limit(1_000)
    ).subquery()
    return {why: int(n) for why, n in conn.execute(sa.select(some.c.why, sa.func.count()).group_by(some.c.why))}


def settle_fee(conn: Connection, workspace: WorkspaceId, payment: str, *, by: str, now: int) -> None:
    """Somebody has seen to it. Again is once; raises NotFound for a payment that fits."""
    which = (_f.workspace == workspace, _f.payment == payment)
    if conn.execute(sa.select(_f.payment).where(*which)).first() is None:
        raise NotFound(f"no payment {payment[:60]!r} waits for anybody", hint="GET /api/v1/loyalty/stray-fees")
    conn.execute(sa.update(store.stray_fees).values(settled_at=now, settled_by=by[:200])
                 .where(*which, _f.settled_at.is_(None)))  # fmt: skip


def given_back_with(conn: Connection, workspace: WorkspaceId, orders: Collection[str], *, now: int) -> None:
    """Of these orders, those that paid a membership which still runs: nothing is kept of the order, so the fee went
    back with it. Cost: two look-ups by index for each 500.
    """
    goes_on = sa.or_(
        sa.and_(_p.until > now, _m.ended_at.is_(None)), sa.and_(_m.changed_to != "", _m.credited_minor > 0)
    )
    paid = list(select_among(
        conn,
        sa.select(_p.payment, _p.membership, _CHARGED.label("charged"), _m.strand, _m.programme, _m.changed_to)
        .join(store.memberships, (_m.workspace == _p.workspace) & (_m.id == _p.membership))
        .where(_p.number > 0, goes_on),
        workspace, _p.payment, sorted(set(orders)),
    )) if orders else []  # fmt: skip
    if not paid:
        return
    lots = store.lots_named(conn, workspace, [f"order:{row.payment}" for row in paid])
    for row in paid:
        lot = lots.get((row.programme, f"order:{row.payment}"))
        if lot is not None and lot.counted_minor == 0:
            running = running_after(conn, workspace, row.membership)
            keep_back(conn, workspace, row.payment, row.membership, running, Key(row.strand), minor=row.charged,
                      now=now)  # fmt: skip


def running_after(conn: Connection, workspace: WorkspaceId, id: str) -> str:
    """The membership that this one was changed to, and that one, to the last; itself where it was not."""
    while True:
        to = conn.execute(sa.select(_m.changed_to).where(_m.workspace == workspace, _m.id == id)).scalar()
        if not to:
            return id
        id = to


def _add_refunded(conn: Connection, workspace: WorkspaceId, membership: str, minor: int) -> None:
    which = (_m.workspace == workspace, _m.id == membership)
    conn.execute(sa.update(store.memberships).values(refunded_minor=_m.refunded_minor + minor).where(*which))


def _stands(now: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Nobody has seen to it; of a fee that went back, while what it paid, or was credited to, goes on."""
    runs = sa.and_(sa.or_(_m.ended_at.is_(None), _m.ended_at > now), _m.until > now)
    is_its_own = sa.and_(_p.membership == _f.membership, _p.until > now)
    paid = sa.or_(is_its_own, _p.membership != _f.membership)
    return _f.settled_at.is_(None), sa.or_(_f.why != BACK, sa.and_(runs, paid))
