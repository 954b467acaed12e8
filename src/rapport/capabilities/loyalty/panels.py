"""What the customer's page shows of loyalty: points, tier, membership, history in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.loyalty.wallet import wallet_of
from rapport.kernel.clock import now_us
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import CustomerId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]


def _wallet(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    key = load_customer_ids(conn).key(CustomerId(asked.customer_id))
    try:
        wallet = wallet_of(conn, asked.workspace, key, now=now_us())
    except NotFound:
        return None
    return {"wallet": wallet, "customer_id": asked.customer_id} if wallet.history or wallet.tier else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="loyalty.wallet", title="Loyalty", order=220, permission="loyalty:read",
        template="loyalty/panel.html", read=_wallet,
    ),
)  # fmt: skip
