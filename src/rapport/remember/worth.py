"""What a customer is worth being known rightly: what they buy, whether they may be written to, how lately they came."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import customers
from rapport.storage.lookup import select_among

__all__ = ["worth_of", "worths"]

_LATELY = ((30 * DAY, 30), (90 * DAY, 15))
"""Seen within so long, and what it adds."""

_MOST_ORDERS = 20


def worths(
    conn: Connection, workspace: WorkspaceId, roots: Collection[Key], *, now: int
) -> Mapping[Key, int]:  # fmt: skip
    """Customer → worth, in points; one set-based read for each 500."""
    c = customers.c
    query = sa.select(c.root, c.orders, c.revenue_minor, c.consent, c.last_seen_at)
    return {Key(row.root): worth_of(row, now=now) for row in select_among(conn, query, workspace, c.root, roots)}


def worth_of(row: Any, *, now: int) -> int:
    """Points of a customer's row: ten an order, ten each time the revenue doubles, consent, how lately they were seen.

    Points, not money: shops have several currencies, and one order of thousands is not to hide all others.
    """
    points = 10 * min(row.orders, _MOST_ORDERS) + 10 * max(0, row.revenue_minor // 100).bit_length()
    points += 20 if "=yes," in row.consent else 0
    return int(points + max((more for span, more in _LATELY if row.last_seen_at > now - span), default=0))
