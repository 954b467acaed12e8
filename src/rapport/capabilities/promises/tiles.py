"""What Home shows of promises: how many are in danger today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.promises.listing import counted
from rapport.web.cards import OfShop, Tile

__all__ = ["TILES"]


def _danger(conn: Connection, asked: OfShop) -> Mapping[str, Any] | None:
    numbers = counted(conn, asked.workspace, now=asked.now)
    return {"numbers": numbers} if any(numbers) else None


TILES: tuple[Tile, ...] = (
    Tile(
        name="promises.danger", title="Delivery promises", order=180, permission="promises:read",
        template="promises/tile.html", read=_danger,
    ),
)  # fmt: skip
