"""Carts that were left and never ordered: whose they are, what lies in them, how to reach them."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.store import carts
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers

__all__ = ["LeftCart", "LeftValue", "left_carts", "left_values"]

_REACHABLE = (customers.c.email != "") | (customers.c.phone != "")
_LEFT = sa.literal_column("abandoned_at IS NOT NULL AND ordered_at IS NULL AND emptied_at IS NULL", sa.Boolean)
"""As the index says it."""


class LeftValue(NamedTuple):
    """What lies in carts that were left, of one currency."""

    currency: str
    carts: int
    minor: int
    reachable: int
    """Carts of somebody with an e-mail address or a telephone number."""
    reachable_minor: int


class LeftCart(NamedTuple):
    """A cart that was left."""

    started_by: str
    strand: Key
    abandoned_at: int
    minor: int
    currency: str
    name: str
    email: str
    phone: str


def left_values(conn: Connection, workspace: WorkspaceId, *, since: int) -> list[LeftValue]:
    """What lies in the carts left since a moment, by currency, the most carts first."""
    c, number = carts.c, sa.func.count()
    reachable = sa.func.coalesce(sa.func.sum(sa.case((_REACHABLE, 1), else_=0)), 0)
    worth = sa.func.coalesce(sa.func.sum(sa.case((_REACHABLE, c.value_minor), else_=0)), 0)
    query = (
        sa.select(c.currency, number, sa.func.sum(c.value_minor), reachable, worth)
        .select_from(_whose())
        .where(*_left_since(workspace, since))
        .group_by(c.currency)
        .order_by(number.desc(), c.currency)
    )
    return [LeftValue(row[0], *map(int, row[1:])) for row in conn.execute(query)]


def left_carts(
    conn: Connection, workspace: WorkspaceId, *, since: int, reachable: bool, limit: int, offset: int = 0
) -> list[LeftCart]:
    """Carts left since a moment, the newest first; on demand only of those who can be reached."""
    c, p = carts.c, customers.c
    names: list[Any] = [sa.func.coalesce(column, "") for column in (p.name, p.email, p.phone)]
    query = (
        sa.select(c.started_by, c.strand, c.abandoned_at, c.value_minor, c.currency, *names)
        .select_from(_whose())
        .where(*_left_since(workspace, since), *([_REACHABLE] if reachable else []))
        .order_by(c.abandoned_at.desc(), c.started_by)
        .limit(limit)
        .offset(offset)
    )
    return [LeftCart._make(row) for row in conn.execute(query)]


def _left_since(workspace: WorkspaceId, since: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (carts.c.workspace == workspace, _LEFT, carts.c.abandoned_at >= since, carts.c.value_minor > 0)


def _whose() -> sa.FromClause:
    c, i, p = carts.c, identifiers.c, customers.c
    mine = (i.workspace == c.workspace) & (i.key == c.strand)
    return carts.outerjoin(identifiers, mine).outerjoin(customers, (p.workspace == i.workspace) & (p.root == i.root))
