"""Prove the ledger: that what is kept of each lot is the sum of its entries, and what is held the sum of its draws."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["Proof", "verify"]

ACCOUNTS = ("pending", "available", "held", "redeemed", "expired", "taken", "owed")
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
    sums, drawn = _sums(workspace), _drawn(workspace)
    l = store.lots.c  # noqa: E741  # as in the other queries
    of_entries = store.lots.outerjoin(sums, (sums.c.programme == l.programme) & (sums.c.lot == l.lot))
    differs = sa.or_(
        sa.func.coalesce(sums.c.number, 0) != l.entries,
        *(sa.func.coalesce(sums.c[a], 0) != l[a] for a in ACCOUNTS),
    )
    of_draws = store.lots.outerjoin(drawn, (drawn.c.programme == l.programme) & (drawn.c.lot == l.lot))
    is_drawn_otherwise = sa.or_(*(sa.func.coalesce(drawn.c[a], 0) != l[a] for a in ("held", "redeemed")))
    lots = sa.select(l.programme, l.lot).where(l.workspace == workspace)
    orphans = sa.select(sums.c.programme, sums.c.lot).where(
        ~sa.exists().where(l.workspace == workspace, l.programme == sums.c.programme, l.lot == sums.c.lot)
    )
    faults = {
        "its accounts are not the sum of its entries": lots.select_from(of_entries).where(differs),
        "what is held or paid is not the sum of its redemptions": lots.select_from(of_draws).where(is_drawn_otherwise),
        "it has entries and is not there": orphans,
    }
    wrong = [
        Wrong(programme=programme, lot=lot, why=why)
        for why, query in faults.items()
        for programme, lot in conn.execute(query.limit(MOST_TOLD))
    ]
    number, written, points, left, owed = _totals(conn, workspace)
    return Proof(ok=not wrong, lots=number, entries=written, points_given=points, points_usable=left, points_owed=owed,
                 wrong=wrong[:MOST_TOLD])  # fmt: skip


def _sums(workspace: WorkspaceId) -> sa.Subquery:
    """Of each lot the number of its entries, and what they come to in each account."""
    e = store.entries.c

    def moved(account: str) -> sa.ColumnElement[int]:
        sign = -1 if account == "owed" else 1
        return sa.func.coalesce(
            sa.func.sum(
                sa.case((e.credit == account, sign * e.points), (e.debit == account, -sign * e.points), else_=0)
            ),
            0,
        ).label(account)

    return (
        sa.select(e.programme, e.lot, sa.func.count().label("number"), *(moved(a) for a in ACCOUNTS))
        .where(e.workspace == workspace).group_by(e.programme, e.lot).subquery()
    )  # fmt: skip


def _drawn(workspace: WorkspaceId) -> sa.Subquery:
    """Of each lot what redemptions hold and have paid with."""
    d, r = store.draws.c, store.redemptions.c
    return (
        sa.select(
            r.programme, d.lot,
            sa.func.sum(sa.case((r.state == "held", d.points), else_=0)).label("held"),
            sa.func.sum(sa.case((r.state == "captured", d.points - d.returned), else_=0)).label("redeemed"),
        )
        .join(store.redemptions, (r.workspace == d.workspace) & (r.id == d.redemption))
        .where(d.workspace == workspace).group_by(r.programme, d.lot).subquery()
    )  # fmt: skip


def _totals(conn: Connection, workspace: WorkspaceId) -> list[int]:
    """Lots, entries, points given, usable and owed."""
    l, total = store.lots.c, sa.func.coalesce  # noqa: E741
    given = store.given_of(l)
    counts = conn.execute(
        sa.select(
            sa.func.count(), total(sa.func.sum(l.entries), 0), total(sa.func.sum(given), 0),
            total(sa.func.sum(l.available + l.pending), 0), total(sa.func.sum(l.owed), 0),
        ).where(l.workspace == workspace)
    ).one()  # fmt: skip
    return [int(one) for one in counts]
