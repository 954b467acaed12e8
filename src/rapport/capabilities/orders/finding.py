"""Orders by their numbers: whose they are, in the list of customers and in the palette."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.store import orders
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import format_minor
from rapport.web.finder import Finder, Hit, Lookup, Sought, Wanted

__all__ = ["BY_NUMBER", "ORDERS"]

SHORTEST = 3
"""Characters from which the beginning of an order number finds it; a whole one does at any length."""


class _Order(NamedTuple):
    order_id: str
    strand: bytes
    currency: str
    revenue_minor: int


def numbered(conn: Connection, workspace: WorkspaceId, text: str, most: int) -> list[_Order]:
    """Orders whose number is the text or begins so; `#` may stand before it, small letters for capitals."""
    o = orders.c
    number = text.removeprefix("#").strip().replace("\x00", "")
    if not number:
        return []
    spellings = dict.fromkeys((number, number.upper()))
    found: dict[str, _Order] = {}
    for spelling in spellings:
        until = spelling + "\U0010ffff" if len(number) >= SHORTEST else spelling
        query = (
            sa.select(o.order_id, o.strand, o.currency, o.revenue_minor)
            .where(o.workspace == workspace, o.order_id >= spelling, o.order_id <= until, o.kept_until.is_(None))
            .order_by(o.order_id)
            .limit(most)
        )
        found.update((row.order_id, _Order._make(row)) for row in conn.execute(query))
    return list(found.values())[:most]


def _sought(conn: Connection, workspace: WorkspaceId, text: str, most: int) -> Sequence[Sought]:
    whole = text.removeprefix("#").strip().casefold()
    return [Sought(one.strand, one.order_id.casefold() == whole) for one in numbered(conn, workspace, text, most)]


def _hits(conn: Connection, wanted: Wanted) -> Sequence[Hit]:
    return [
        Hit(f"/console/customers/of/{one.strand.hex()}", f"Order {one.order_id[:60]}",
            format_minor(one.revenue_minor, one.currency) if one.currency else "", "bag")
        for one in numbered(conn, wanted.workspace, wanted.text, wanted.most)
    ]  # fmt: skip


BY_NUMBER = Lookup(name="orders.number", title="order number", find=_sought)
ORDERS = Finder(name="orders.orders", title="Orders", order=20, permission="customers:read", find=_hits)
