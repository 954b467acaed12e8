"""Orders and refunds one by one as the metrics count them, for whoever groups them otherwise than by day or country."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from rapport.capabilities.orders.store import (
    UNREPORTED,
    currency_of_order,
    left_of,
    orders,
    refunds,
    worth_of_order,
)
from rapport.kernel.ids import WorkspaceId

__all__ = ["given_back", "sold"]

_o, _r = orders.c, refunds.c


def sold(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Each order once: `order_id, fact, strand, at, country, currency`, `worth` before refunds, `left`, `cancelled`.

    `left` is what its refunds left of it, and is lost, too, where it is `cancelled` (1, else 0).
    """
    currency = currency_of_order()
    return sa.select(
        _o.order_id, _o.fact, _o.strand, _o.at, _o.country, currency.label("currency"),
        worth_of_order().label("worth"), left_of(refunds.alias("given"), currency).label("left"),
        sa.case((_o.cancelled_at.is_(None), 0), else_=1).label("cancelled"),
    ).where(_o.workspace == workspace, _o.rank < UNREPORTED)  # fmt: skip


def given_back(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Each refund: `order_id, fact, strand, country` of its order, `at` of its own, `currency` and `amount`.

    The amount is what it takes of its order, earlier ones first; where that is not known, or is in another currency,
    what it says.
    """
    earlier = refunds.alias("earlier")
    # `+ 0`: found by their order. By their time, SQLite would go through all that came before.
    earlier_only = sa.tuple_(earlier.c.at + sa.literal_column("0"), earlier.c.fact) < sa.tuple_(_r.at, _r.fact)
    left = left_of(earlier, _r.currency, earlier_only)
    capped = sa.case((_r.amount_minor < left, _r.amount_minor), else_=left)
    of_its_order = (_o.rank < UNREPORTED) & (_r.currency == currency_of_order())
    country = sa.func.coalesce(sa.func.nullif(_o.country, ""), _r.country)
    return (
        sa.select(
            _r.order_id, _o.fact, _o.strand, _r.at, country.label("country"), _r.currency,
            sa.case((of_its_order, capped), else_=sa.func.coalesce(_r.amount_minor, 0)).label("amount"),
        )
        .select_from(refunds.outerjoin(orders, (_o.workspace == _r.workspace) & (_o.order_id == _r.order_id)))
        .where(_r.workspace == workspace)
    )  # fmt: skip
