"""Orders, refunds and carts of facts that are taken out of the log; what others say of the same ones is told again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa

from rapport.capabilities.orders import kept_sums
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import UNREPORTED, carts, orders
from rapport.collect.statements import order_statements
from rapport.kernel.work import Connection, Unsaid
from rapport.storage.bulk import chunks
from rapport.storage.lookup import change_among

__all__ = ["unsay"]

_o, _r = orders.c, refunds.c


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take them away; the days they lay on are summed anew. Counts what nobody else has stated."""
    found: Counter[str] = Counter()
    of_shop = _o.workspace == unsaid.workspace
    for some in chunks(sorted(unsaid.alone), 500):
        query = sa.select(_o.currency, sa.func.count(), sa.func.sum(_o.revenue_minor))
        of_them = (of_shop, _o.order_id.in_(some), _o.rank < UNREPORTED, _o.kept_until.is_(None))
        for currency, number, minor in conn.execute(query.where(*of_them).group_by(_o.currency)):
            found["orders"] += number
            found[f"revenue_minor:{currency}"] += int(minor or 0)
    for some in chunks(unsaid.facts, 500):
        found["refunds"] += _drop(conn, refunds, _r.workspace == unsaid.workspace, _r.fact.in_(some))
    for some in chunks(sorted(unsaid.orders), 500):
        # What is kept for the books no fact says any more.
        _drop(conn, refunds, _r.workspace == unsaid.workspace, _r.order_id.in_(some), _r.kept_until.is_(None))
        _drop(conn, orders, of_shop, _o.order_id.in_(some), _o.kept_until.is_(None))
    change_among(conn, sa.delete(order_statements), unsaid.workspace, order_statements.c.fact, unsaid.facts)
    # Whose an order is, is judged anew by what is left; what nobody disputes any more is told again as it was.
    words = sa.update(order_statements).values(disputed=False)
    change_among(conn, words, unsaid.workspace, order_statements.c.order_id, unsaid.orders)
    c = carts.c
    for strands in chunks(sorted({one.strand for one in unsaid.said}), 500):
        conn.execute(carts.delete().where(c.workspace == unsaid.workspace, c.strand.in_(strands)))
    return found


def _drop(conn: Connection, table: sa.Table, *which: sa.ColumnElement[bool]) -> int:
    kept_sums.mark_of_orders(conn, *which, table=table)
    return int(conn.execute(table.delete().where(*which)).rowcount)
