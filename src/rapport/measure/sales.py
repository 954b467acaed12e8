"""What was sold after a decision had shown it: the money, each product of an order once however often it was shown."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from rapport.decide.products import LINES
from rapport.kernel.clock import to_iso
from rapport.kernel.facts import Fact
from rapport.kernel.money import MAX_MINOR
from rapport.kernel.work import Connection
from rapport.measure.model import Question
from rapport.measure.service import Paid
from rapport.measure.store import days_asked, decision_outcomes, decisions
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["paid_for", "sales_by"]


def paid_for(fact: Fact, settings: ReadingSettings) -> dict[str, Paid]:
    """By product what an order took for its pieces, by the prices it states; a product without one is missing."""
    found: dict[str, Paid] = {}
    currency = inputs.currency(fact.properties, settings)
    for product in inputs.products(fact.properties)[:LINES] or [fact.properties]:
        product_id, total = inputs.product_id(product), inputs.line_total(product, currency)
        if product_id is not None and total is not None:
            before = found.get(product_id, Paid(0, currency)).minor
            found[product_id] = Paid(max(-MAX_MINOR, min(before + total, MAX_MINOR)), currency)
    return found


def sales_by(conn: Connection, question: Question) -> list[dict[str, Any]]:
    """Rows of the metric `decision_sales`: one for each group and currency.

    Cost: the bought products of the period, each with one look for its click.
    """
    o, d = decision_outcomes.c, decisions.c
    click = decision_outcomes.alias()
    keys: dict[str, sa.ColumnElement[Any]] = {
        "currency": o.currency, "placement": d.placement, "policy": d.policy, "day": days_asked(o.at, question),
    }  # fmt: skip
    sold = sa.select(keys[question.by].label("key"), o.order_id, o.product_id, o.minor, o.currency)
    if question.by in ("placement", "policy"):
        sold = sold.join(decisions, (d.workspace == o.workspace) & (d.id == o.decision_id))
    each = (
        sold.where(
            o.workspace == question.workspace, sa.literal_column("decision_outcomes.kind = 'bought'"),
            o.at >= question.since, o.at < question.until, o.minor.is_not(None),
            sa.exists().where(
                click.c.workspace == o.workspace, click.c.decision_id == o.decision_id, click.c.kind == "clicked",
                click.c.product_id == o.product_id,
            ),
        )
        .distinct()
        .subquery()
    )  # fmt: skip
    e = each.c
    query = (
        sa.select(e.key, e.currency, sa.func.count(e.order_id.distinct()), sa.func.count(), sa.func.sum(e.minor))
        .group_by(e.key, e.currency)
        .order_by(e.key, e.currency)
    )
    return [
        {
            question.by: to_iso(int(key))[:10] if question.by == "day" else key, "currency": currency,
            "orders": orders, "products": products, "revenue_minor": int(minor),
        }
        for key, currency, orders, products, minor in conn.execute(query)
    ]  # fmt: skip
