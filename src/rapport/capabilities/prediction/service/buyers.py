"""Customers by their orders, as models read them: set-based, over all identifiers of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights import product_days
from rapport.capabilities.orders import sold
from rapport.capabilities.prediction.model import Buyer
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure.days import day_column, day_of, spans_of
from rapport.measure.service import zone_of
from rapport.resolve.graph.store import identifiers

__all__ = ["Bought", "Days", "bought_by", "days_of"]


class Days(NamedTuple):
    """The days on which a customer ordered, in order, and what they spent on each in the shop's currency."""

    root: Key
    days: Sequence[int]
    """Since 1970, of the shop."""
    spent: Sequence[int]
    """Minor units; orders in other currencies count nothing."""

    def until(self, day: int) -> Buyer | None:
        """As the customer was at the end of that day; None where they had not ordered."""
        known = [one for one in self.days if one <= day]
        return Buyer(len(known) - 1, known[-1] - known[0], day - known[0]) if known else None

    def between(self, day: int, other: int) -> int:
        """Days with an order after the first and up to the other."""
        return sum(day < one <= other for one in self.days)

    @property
    def repeat_mean(self) -> float | None:
        """The mean of what they spent on the days after the first, where that is something."""
        later = self.spent[1:]
        return sum(later) / len(later) if sum(later) > 0 else None


class Bought(NamedTuple):
    """A product that a customer bought."""

    product_id: str
    name: str
    days: Sequence[int]


def days_of(
    conn: Connection, workspace: WorkspaceId, *, now: int, currency: str, after: bytes = b"", limit: int
) -> list[Days]:
    """Customers with orders that were not cancelled, in the order of their keys, which says nothing else."""
    zone, i, mine = zone_of(conn, workspace), identifiers.c, identifiers.alias("mine").c
    o = sold(workspace).subquery("sold")
    # By the index of roots, and from each to its orders: a page costs the same however many customers there are.
    ordered = sa.exists().where(o.c.strand == i.key, o.c.at < now, o.c.cancelled == 0)
    some = (
        sa.select(i.root)
        .where(i.workspace == workspace, i.root > after, ordered)
        .distinct()
        .order_by(i.root)
        .limit(limit)
        .subquery("some")
    )
    day = day_column(o.c.at, spans_of(zone, 0, now)) / sa.literal_column(str(DAY))
    spent = sa.case((o.c.currency == currency, o.c.worth), else_=0)
    query = (
        sa.select(some.c.root, day.label("day"), sa.func.sum(spent))
        .select_from(
            some.join(mine.key.table, (mine.workspace == workspace) & (mine.root == some.c.root)).join(
                o, o.c.strand == mine.key
            )
        )
        .where(o.c.at < now, o.c.cancelled == 0)
        .group_by(some.c.root, sa.literal_column("2"))
        .order_by(some.c.root, sa.literal_column("2"))
    )
    found: dict[Key, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for key, number, minor in conn.execute(query):
        days, money = found[Key(bytes(key))]
        days.append(int(number))
        money.append(max(0, int(minor or 0)))
    return [Days(key, *lists) for key, lists in found.items()]


def bought_by(conn: Connection, workspace: WorkspaceId, roots: Iterable[Key], *, now: int) -> dict[Key, list[Bought]]:
    """The products that these customers bought, with the days."""
    zone = zone_of(conn, workspace)
    found: dict[Key, dict[str, tuple[str, set[int]]]] = defaultdict(dict)
    for row in product_days(conn, workspace, roots, now=now):
        _, days = found[Key(bytes(row.root))].setdefault(row.product_id, (row.name, set()))
        days.add(day_of(row.at, zone) // DAY)
    return {
        root: [Bought(product, name, sorted(days)) for product, (name, days) in products.items()]
        for root, products in found.items()
    }
