"""What Home shows of gift cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.web.cards import OfShop, Tile
from rapport_giftcards import store

__all__ = ["TILES"]


def _left(conn: Connection, asked: OfShop) -> Mapping[str, Any] | None:
    amounts = store.left(conn, asked.workspace)
    return {"amounts": amounts} if amounts else None


TILES: tuple[Tile, ...] = (
    Tile(
        name="giftcards.left", title="Left on gift cards", order=500, permission="giftcards:read",
        template="giftcards/tile.html", read=_left,
    ),
)  # fmt: skip
