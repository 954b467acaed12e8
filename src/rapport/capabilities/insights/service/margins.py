"""Orders one by one with their margin, for whoever compares people by what they left."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from rapport.capabilities.insights.service.money import left_columns
from rapport.capabilities.insights.store import sales
from rapport.capabilities.orders import sold
from rapport.kernel.ids import WorkspaceId

__all__ = ["with_margins"]


def with_margins(workspace: WorkspaceId) -> sa.Select[*tuple[Any, ...]]:
    """Each order once: `strand, at, currency, cancelled`, `kept` (revenue after returns) and `margin` after returns,
    0 where its cost is not known. Minor units.
    """
    o, s, corrected = sold(workspace).subquery("sold"), sales.c, sales.alias("corrected").c
    anew = sa.select(corrected.margin_minor).where(
        corrected.workspace == workspace, corrected.fact == o.c.told, o.c.told != o.c.fact
    )
    margin = sa.func.coalesce(anew.scalar_subquery(), s.margin_minor).label("margin")
    of_order = o.outerjoin(sales, (s.workspace == workspace) & (s.fact == o.c.fact))
    columns = (o.c.strand, o.c.at, o.c.currency, o.c.worth, o.c.left, o.c.cancelled, margin)
    p = sa.select(*columns).select_from(of_order).subquery("with_costs").c
    kept, left, *_ = left_columns(p)
    return sa.select(p.strand, p.at, p.currency, p.cancelled, kept.label("kept"), left.label("margin"))
