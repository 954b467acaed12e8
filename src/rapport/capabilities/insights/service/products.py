"""Products by what was sold of them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.insights.service.asking import placed
from rapport.capabilities.insights.store import sale_lines
from rapport.measure.model import Question

__all__ = ["MOST_PRODUCTS", "PRODUCT_COLUMNS", "product_rows", "who_bought"]

MOST_PRODUCTS = 500
PRODUCT_COLUMNS = (
    "product_id", "name", "currency", "orders", "customers", "pieces", "sold_minor", "returned_orders",
)  # fmt: skip


def product_rows(conn: Connection, question: Question, *, most: int = MOST_PRODUCTS) -> list[dict[str, Any]]:
    """The products that were ordered in the period, by currency, those that brought most first.

    By the lines of the orders: `sold_minor` is before refunds and discounts on the whole order; `returned_orders` are
    orders with such a product of which money was given back, for whatever of it. Cancelled orders are left out.
    """
    o = placed(conn, question, by="").c
    line, own = sale_lines.c, (sale_lines.c.workspace == question.workspace) & (sale_lines.c.fact == o.lines)
    # An order may have a product on several lines.
    each = (
        sa.select(
            o.order_id, o.root, o.currency, line.product_id, sa.func.max(line.name).label("name"),
            sa.func.sum(line.pieces).label("pieces"), sa.func.sum(line.minor).label("minor"),
            sa.func.max(sa.case((o.left < o.worth, 1), else_=0)).label("back"),
        )
        .select_from(o.key.table.join(sale_lines, own))
        .where(o.cancelled == 0, line.product_id != "")
        .group_by(o.order_id, o.root, o.currency, line.product_id)
        .subquery("each")
    ).c  # fmt: skip
    sold = sa.func.coalesce(sa.func.sum(each.minor), 0).label("sold")
    query = (
        sa.select(
            each.product_id, sa.func.max(each.name), each.currency, sa.func.count(),
            sa.func.count(each.root.distinct()), sa.func.sum(each.pieces), sold, sa.func.sum(each.back),
        )
        .group_by(each.product_id, each.currency)
        .order_by(sold.desc(), each.product_id, each.currency)
        .limit(most)
    )  # fmt: skip
    return [
        {"product_id": product, "name": name, "currency": currency}
        | {column: int(number) for column, number in zip(PRODUCT_COLUMNS[3:], numbers, strict=True)}
        for product, name, currency, *numbers in conn.execute(query)
    ]


def who_bought(
    conn: Connection, question: Question, product_id: str, *, currency: str
) -> sa.Select[*tuple[Any, ...]]:  # fmt: skip
    """The roots of the customers who ordered a product in the period, in this currency."""
    o = placed(conn, question, by="").c
    own = (sale_lines.c.workspace == question.workspace) & (sale_lines.c.fact == o.lines)
    return (
        sa.select(o.root)
        .select_from(o.key.table.join(sale_lines, own))
        .where(o.cancelled == 0, o.currency == currency, sale_lines.c.product_id == product_id)
        .distinct()
    )
