"""What customers bought and when, by the lines of the orders that count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.store import sale_lines, sales
from rapport.capabilities.orders import sold
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.store import identifiers
from rapport.storage.lookup import select_among

__all__ = ["lines_fact", "product_days", "usual_intervals"]

ENOUGH = 20
"""Intervals from which on a product has a usual one."""


def lines_fact(workspace: WorkspaceId, order: Any) -> sa.ColumnElement[str]:
    """The fact whose lines are those of an order of `orders.sold`: its correction where that has any, or the report."""
    line = sale_lines.alias("corrected").c
    corrected = sa.select(sa.func.min(line.fact)).where(line.workspace == workspace, line.fact == order.told)
    return sa.case(
        (order.told == order.fact, order.fact), else_=sa.func.coalesce(corrected.scalar_subquery(), order.fact)
    )


def product_days(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key], *, now: int) -> Iterator[Any]:
    """What these customers bought and when: rows of `root, product_id, name, at`. Cancelled orders are left out."""
    i, line, o = identifiers.c, sale_lines.c, sold(workspace).subquery("sold")
    of_order = (line.workspace == workspace) & (line.fact == lines_fact(workspace, o.c))
    query = sa.select(i.root, line.product_id, line.name, o.c.at).select_from(
        identifiers.join(o, o.c.strand == i.key).join(sale_lines, of_order)
    )
    query = query.where(i.workspace == workspace, line.product_id != "", o.c.at < now, o.c.cancelled == 0)
    return select_among(conn, query, workspace, i.root, roots)


def usual_intervals(conn: Connection, workspace: WorkspaceId, products: Collection[str], *, now: int) -> dict[str, int]:
    """After how many days these products are usually bought again by one customer; those bought again often enough.

    The median of all customers' intervals, where there are `ENOUGH` of them. Cost: the lines of these products.
    """
    s, line, o = sales.c, sale_lines.c, sold(workspace).subquery("sold")
    counts = (o.c.strand == s.strand) & (lines_fact(workspace, o.c) == line.fact) & (o.c.cancelled == 0)
    # By strand: whose it is changes an interval seldom, and joining that costs PostgreSQL more than it tells.
    query = (
        sa.select(line.product_id, o.c.strand, o.c.at // sa.literal_column(str(DAY), sa.BigInteger))
        .select_from(sale_lines.join(sales, (s.workspace == line.workspace) & (s.fact == line.fact)).join(o, counts))
        .where(s.workspace == workspace, o.c.at < now)
        .distinct()
    )
    days: dict[str, dict[bytes, list[int]]] = {}
    for product, strand, number in select_among(conn, query, workspace, line.product_id, products):
        days.setdefault(product, {}).setdefault(bytes(strand), []).append(int(number))
    found = {}
    for product, of_product in days.items():
        gaps = sorted(b - a for own in of_product.values() for a, b in pairwise(sorted(own)))
        if len(gaps) >= ENOUGH:
            found[product] = gaps[(len(gaps) - 1) // 2]
    return found
