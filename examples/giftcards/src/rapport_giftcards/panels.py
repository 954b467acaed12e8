"""What the customer's page shows of somebody's gift cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.web.cards import OfPerson, Panel
from rapport_giftcards import store

__all__ = ["PANELS"]


def _cards(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    cards = store.cards_of(conn, asked.workspace, asked.strands)
    return {"cards": cards} if cards else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="giftcards.cards", title="Gift cards", order=250, permission="giftcards:read",
        template="giftcards/panel.html", read=_cards,
    ),
)  # fmt: skip
