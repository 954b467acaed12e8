"""Customers won in a period, and what they have left since, by how long after their first order."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.asking import label_of, placed
from rapport.capabilities.insights.service.money import left_columns
from rapport.capabilities.insights.service.people import first_orders, of_all_time, period_column
from rapport.kernel.clock import DAY
from rapport.measure.model import Question
from rapport.measure.periods import PERIODS

__all__ = ["Aged", "Won", "won_in"]


class Aged(NamedTuple):
    """What orders of one age left, in minor units of one currency."""

    age: int
    """Whole days after their customers' first orders."""
    kept: int
    margin: int
    """Of the orders whose cost is known, after returns."""
    unknown: int
    """Revenue kept of the orders whose cost is not."""


class Won(NamedTuple):
    """The customers of one group whose first order lies in the period."""

    group: str
    customers: int
    left: dict[str, list[Aged]]
    """By currency: all their orders until now."""


def won_in(conn: Connection, question: Question) -> list[Won]:
    """New customers by group (a period of their first order, or anything customers are grouped by), and what they left.

    Cost: the shop's orders, twice; a row comes back for each group, currency and age.
    """
    ever, by_time = of_all_time(question), question.by in PERIODS
    every = placed(conn, ever, by="" if by_time else question.by, ever=True)
    first = first_orders(conn, ever)
    key = period_column(conn, ever, first.c.at) if by_time else every.c.key
    rows = every.join(first, first.c.root == every.c.root)
    is_new = (first.c.at >= question.since, first.c.at < question.until)
    counted = sa.select(key, sa.func.count(every.c.root.distinct())).select_from(rows).where(*is_new)
    customers = {
        label_of(question.by, group): number
        for group, number in conn.execute(counted.group_by(sa.literal_column("1")))
    }  # fmt: skip
    # Whole days: what `/` gives has a row for each order.
    age = (every.c.at - first.c.at) // sa.literal_column(str(DAY), sa.BigInteger)
    kept, margin, _, unknown = left_columns(every.c)
    sums = (sa.func.sum(one) for one in (kept, margin, unknown))
    query = sa.select(key, every.c.currency, age, *sums).select_from(rows).where(*is_new)
    left: dict[str, dict[str, list[Aged]]] = defaultdict(lambda: defaultdict(list))
    for group, currency, days, *minor in conn.execute(query.group_by(sa.literal_column("1"), every.c.currency, age)):
        left[label_of(question.by, group)][currency].append(Aged(int(days), *map(int, minor)))
    return [Won(group, number, dict(left[group])) for group, number in sorted(customers.items())]
