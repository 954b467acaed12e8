"""The messages of a customer on their page: what was sent, what was not, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.messages import store
from rapport.capabilities.messages.model import TITLES
from rapport.kernel.ids import CustomerId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.linking.units import certain_identifiers
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]


def _messages(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    key = load_customer_ids(conn).key(CustomerId(asked.customer_id))
    keys = certain_identifiers(conn, asked.workspace, key) or [key]
    found = store.listed(conn, asked.workspace, strands=keys, limit=6)
    return {"messages": found, "titles": TITLES} if found else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="messages.latest", title="Messages", order=450, permission="messages:read",
        template="messages/messages_card.html", read=_messages,
    ),
)  # fmt: skip
