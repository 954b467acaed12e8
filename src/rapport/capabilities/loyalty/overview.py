"""Loyalty at a glance: members by tier, what the shop owes in points by month, points that wait for a person."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.settling import settle
from rapport.decide import people
from rapport.kernel.clock import DAY, to_datetime
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage import log

__all__ = ["Month", "Waiting", "decide", "liability", "tiers", "waiting"]

MONTHS = 12
MOST = 50


class Month(NamedTuple):
    """What became of points in a month (UTC), and what was owed to members at its end."""

    month: str
    given: int
    taken_back: int
    redeemed: int
    expired: int
    outstanding: int


class Waiting(NamedTuple):
    """Points that wait for a person."""

    programme: str
    lot: str
    customer_id: str
    name: str
    points: int
    rule: str
    why: str
    at: int


def liability(conn: Connection, workspace: WorkspaceId, programme: str, *, now: int) -> list[Month]:
    """The last twelve months, the oldest first. Cost: the entries of that time are read by index and summed by day."""
    e, lots = store.entries.c, store.lots.c
    start = to_datetime(now)
    year, month = divmod(start.year * 12 + start.month - 1 - (MONTHS - 1), 12)
    first = start.replace(year=year, month=month + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
    since = int(first.timestamp()) * 1_000_000
    day = e.at // sa.literal(DAY, sa.BigInteger)
    query = (
        sa.select(day, e.debit, e.credit, sa.func.sum(e.points))
        .where(e.workspace == workspace, e.at >= since, e.programme == programme)
        .group_by(sa.literal_column("1"), e.debit, e.credit)
    )  # fmt: skip
    sums: dict[str, list[int]] = {}
    for days, debit, credit, points in conn.execute(query):
        of_month = sums.setdefault(to_datetime(int(days) * DAY).strftime("%Y-%m"), [0, 0, 0, 0])
        for place, sign in _places(debit, credit):
            of_month[place] += sign * int(points)
    total = sa.select(sa.func.coalesce(sa.func.sum(lots.pending + lots.available + lots.held - lots.owed), 0))
    left = int(conn.execute(total.where(lots.workspace == workspace, lots.programme == programme)).scalar_one())
    found = []
    for name in sorted(sums, reverse=True):
        given, back, redeemed, expired = sums[name]
        found.append(Month(name, given, back, redeemed, expired, left))
        left -= given - back - redeemed - expired
    return found[::-1]


def tiers(conn: Connection, workspace: WorkspaceId, programme: str) -> dict[str, int]:
    """How many customers are in each tier, as it was last stated."""
    s = store.standings.c
    query = sa.select(s.tier, sa.func.count()).where(s.workspace == workspace, s.programme == programme)
    return {tier: int(number) for tier, number in conn.execute(query.group_by(s.tier))}


def waiting(conn: Connection, workspace: WorkspaceId) -> list[Waiting]:
    """Points that wait for a person, the oldest first."""
    a = store.approvals.c
    query = sa.select(store.approvals).where(a.workspace == workspace, a.state == "waiting").order_by(a.at, a.lot)
    rows = conn.execute(query.limit(MOST)).all()
    keys = [Key(row.strand) for row in rows]
    names, ids = people.names_by_strand(conn, workspace, keys), load_customer_ids(conn) if keys else None
    return [
        Waiting(row.programme, row.lot, ids.customer_id(Key(row.strand)) if ids else "", names.get(Key(row.strand), ""),
                row.points, row.rule, row.why, row.at)
        for row in rows
    ]  # fmt: skip


def decide(
    conn: Connection, workspace: WorkspaceId, programme: str, lot: str, *, approve: bool, by: str, now: int
) -> None:  # fmt: skip
    """Give points that waited, or do not. Raises NotFound, Conflict where somebody has decided otherwise before."""
    a = store.approvals.c
    which = (a.workspace == workspace, a.programme == programme, a.lot == lot)
    row = conn.execute(sa.select(store.approvals).where(*which)).first()
    if row is None:
        raise NotFound("no such points wait")
    state = "approved" if approve else "refused"
    changed = conn.execute(
        sa.update(store.approvals).values(state=state, decided_by=by).where(*which, a.state == "waiting")
    ).rowcount  # fmt: skip
    if not changed:
        now_is = conn.execute(sa.select(a.state, a.decided_by).where(*which)).one()
        if now_is.state != state:
            raise Conflict(f"{now_is.decided_by} has decided: {now_is.state}")
        return
    if approve:
        key = Key(row.strand)
        log.append(conn, settle(conn, workspace, {key}, cause={key: f"approved:{lot}"}, now=now))


def _places(debit: str, credit: str) -> list[tuple[int, int]]:
    """In which column of a month an entry counts."""
    if debit == "shop":
        return [(0, 1)]
    if credit == "taken":
        return [(1, 1)]
    if credit == "shop":
        return {"expired": [(1, 1), (3, -1)], "taken": []}.get(debit, [(1, 1)])
    if credit == "expired":
        return [(3, 1)]
    if credit == "redeemed":
        return [(2, 1), (3, -1)] if debit == "expired" else [(2, 1)]
    return [(2, -1)] if debit == "redeemed" else []
