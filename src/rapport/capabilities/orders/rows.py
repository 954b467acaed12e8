"""Orders and refunds one by one as the metrics count them, for whoever groups them otherwise than by day or country."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import (
    UNREPORTED,
    currency_of_order,
    is_corrected,
    left_of,
    orders,
    taken_by_refunds,
    worth_of_order,
)
from rapport.kernel.ids import WorkspaceId
from rapport.storage.lookup import select_among

__all__ = ["given_back", "paid_back_at", "sold"]

_o = orders.c


def sold(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Each order once: `order_id, fact, strand, at, country, currency`, `worth` before refunds, `left`, `cancelled`.

    `fact` reports it, `told` says what it is by now: its latest correction, or else the report.
    `left` is what its refunds left of it, and is lost, too, where it is `cancelled` (1, else 0).
    """
    currency = currency_of_order()
    return sa.select(
        _o.order_id, _o.fact, _o.strand, _o.at, _o.country, currency.label("currency"),
        worth_of_order().label("worth"), left_of(refunds.alias("given"), currency).label("left"),
        sa.case((_o.cancelled_at.is_(None), 0), else_=1).label("cancelled"),
        sa.case((is_corrected(), _o.updated_fact), else_=_o.fact).label("told"),
    ).where(_o.workspace == workspace, _o.rank < UNREPORTED)  # fmt: skip


def given_back(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Each refund: `order_id, fact, strand, country` of its order, `at` of its own, `currency` and `amount`.

    The amount is what it takes of its order, earlier ones first; where that is not known, or is in another currency,
    what it says.
    """
    t = taken_by_refunds(workspace).c
    country = sa.func.coalesce(sa.func.nullif(t.order_country, ""), t.country)
    return sa.select(t.order_id, t.fact, t.strand, t.at, country.label("country"), t.currency, t.amount)


def paid_back_at(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> Mapping[str, int]:
    """When the last of these orders' worth was given back, microseconds; those of which something is left are missing.

    One statement for each 500 orders. Refunds in another currency take nothing.
    """
    r, worth = refunds.c, worth_of_order()
    says = sa.case((r.amount_minor < worth, r.amount_minor), else_=worth)
    query = (
        sa.select(_o.order_id, worth.label("worth"), r.at, says.label("says"))
        .join(refunds, (r.workspace == _o.workspace) & (r.order_id == _o.order_id))
        .where(_o.rank < UNREPORTED, worth > 0, r.currency == currency_of_order())
        .order_by(r.at, r.fact)
    )
    back: Counter[str] = Counter()
    found: dict[str, int] = {}
    for row in select_among(conn, query, workspace, _o.order_id, order_ids):
        back[row.order_id] += row.says
        if back[row.order_id] >= row.worth:
            found.setdefault(row.order_id, row.at)
    return found
