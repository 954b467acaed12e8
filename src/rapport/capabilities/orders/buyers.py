"""Who ordered: for the first time, again, or not any more; counted over all strands of a customer."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.store import UNREPORTED, orders
from rapport.kernel.ids import WorkspaceId
from rapport.measure.compared import Period
from rapport.resolve.graph.store import identifiers

__all__ = ["Buyers", "buyers_of", "lapsed_of"]


class Buyers(NamedTuple):
    """Customers who ordered in a period."""

    new: int
    """Never before."""
    returning: int


def buyers_of(conn: Connection, workspace: WorkspaceId, period: Period) -> Buyers:
    """Customers with an order in the period, by whether it was their first. Cost: the orders of those customers."""
    total, again = conn.execute(_with_others(workspace, period, orders.c.at < period.since)).one()
    return Buyers(int(total) - int(again), int(again))


def lapsed_of(conn: Connection, workspace: WorkspaceId, period: Period) -> int:
    """Customers whose last order of all lies in the period. Cost: the orders of who ordered then."""
    total, again = conn.execute(_with_others(workspace, period, orders.c.at >= period.until)).one()
    return int(total) - int(again)


def _with_others(workspace: WorkspaceId, period: Period, when: sa.ColumnElement[bool]) -> sa.Select[*tuple[Any, ...]]:
    """How many customers ordered in the period, and how many of them have an order at another time, too.

    Outer joins, which an engine does in their order: from few customers to their orders, never from all orders.
    """
    buyer, theirs = _ordered_in(workspace, period), identifiers.alias("theirs")
    others = orders.c.workspace == workspace, orders.c.strand == theirs.c.key, orders.c.rank < UNREPORTED, when
    each = (
        sa.select(buyer.c.root, sa.func.max(sa.case((orders.c.at.is_not(None), 1), else_=0)).label("again"))
        .select_from(
            buyer.outerjoin(theirs, (theirs.c.workspace == workspace) & (theirs.c.root == buyer.c.root)).outerjoin(
                orders, sa.and_(*others)
            )
        )
        .group_by(buyer.c.root)
        .subquery()
    )
    return sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(each.c.again), 0)).select_from(each)


def _ordered_in(workspace: WorkspaceId, period: Period) -> sa.Subquery:
    placed, i = orders.alias("placed").c, identifiers.c
    query = sa.select(i.root).distinct().where(
        placed.workspace == workspace, placed.rank < UNREPORTED, placed.at >= period.since, placed.at < period.until,
        i.workspace == placed.workspace, i.key == placed.strand,
    )  # fmt: skip
    return query.subquery("buyer")
