"""Prove the ledger: that what is kept of each lot is the sum of its entries, and what is held the sum of its draws."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["Proof", "verify"]

ACCOUNTS = ("pending", "available", "held", "redeemed", "expired", "owed")
MOST_TOLD = 100


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """A lot whose accounts are not what its entries say."""

    programme: str
    lot: str
    why: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what was found."""

    ok: bool
    lots: int
    entries: int
    points_given: int
    points_usable: int
    points_owed: int
    wrong: list[Wrong]
    """The first hundred."""


def verify(conn: Connection, workspace: WorkspaceId) -> Proof:
    """Compare all lots of a shop with their history. Cost: the whole ledger is read once, by the database."""
    l, e, d, r = store.lots.c, store.entries.c, store.draws.c, store.redemptions.c  # noqa: E741  # as in the other queries

    def moved(account: str) -> sa.ColumnElement[int]:
        sign = -1 if account == "owed" else 1
        return sa.func.coalesce(
            sa.func.sum(
                sa.case((e.credit == account, sign * e.points), (e.debit == account, -sign * e.points), else_=0)
            ),
            0,
        ).label(account)

    sums = (
        sa.select(e.programme, e.lot, sa.func.count().label("number"), *(moved(a) for a in ACCOUNTS))
        .where(e.workspace == workspace).group_by(e.programme, e.lot).subquery()
    )  # fmt: skip
    drawn = (
        sa.select(
            r.programme, d.lot,
            sa.func.sum(sa.case((r.state == "held", d.points), else_=0)).label("held"),
            sa.func.sum(sa.case((r.state == "captured", d.points - d.returned), else_=0)).label("redeemed"),
        )
        .join(store.redemptions, (r.workspace == d.workspace) & (r.id == d.redemption))
        .where(d.workspace == workspace).group_by(r.programme, d.lot).subquery()
    )  # fmt: skip
    wrong: list[Wrong] = []
    differs = sa.or_(
        sa.func.coalesce(sums.c.number, 0) != l.entries,
        *(sa.func.coalesce(sums.c[a], 0) != l[a] for a in ACCOUNTS),
    )
    joined = store.lots.outerjoin(sums, (sums.c.programme == l.programme) & (sums.c.lot == l.lot))
    query = sa.select(l.programme, l.lot).select_from(joined).where(l.workspace == workspace, differs)
    wrong += [
        _wrong(p, lot, "its accounts are not the sum of its entries") for p, lot in conn.execute(query.limit(MOST_TOLD))
    ]
    joined = store.lots.outerjoin(drawn, (drawn.c.programme == l.programme) & (drawn.c.lot == l.lot))
    differs = sa.or_(*(sa.func.coalesce(drawn.c[a], 0) != l[a] for a in ("held", "redeemed")))
    query = sa.select(l.programme, l.lot).select_from(joined).where(l.workspace == workspace, differs)
    wrong += [
        _wrong(p, lot, "what is held or paid is not the sum of its redemptions")
        for p, lot in conn.execute(query.limit(MOST_TOLD))
    ]
    orphans = sa.select(sums.c.programme, sums.c.lot).where(
        ~sa.exists().where(l.workspace == workspace, l.programme == sums.c.programme, l.lot == sums.c.lot)
    )
    wrong += [_wrong(p, lot, "it has entries and is not there") for p, lot in conn.execute(orphans.limit(MOST_TOLD))]
    given = l.pending + l.available + l.held + l.redeemed + l.expired - l.owed
    total = sa.func.coalesce
    counts = conn.execute(
        sa.select(
            sa.func.count(), total(sa.func.sum(l.entries), 0), total(sa.func.sum(given), 0),
            total(sa.func.sum(l.available + l.pending), 0), total(sa.func.sum(l.owed), 0),
        ).where(l.workspace == workspace)
    ).one()  # fmt: skip
    number, written, points, left, owed = (int(one) for one in counts)
    return Proof(ok=not wrong, lots=number, entries=written, points_given=points, points_usable=left, points_owed=owed,
                 wrong=wrong[:MOST_TOLD])  # fmt: skip


def _wrong(programme: str, lot: str, why: str) -> Wrong:
    return Wrong(programme=programme, lot=lot, why=why)
