"""What the customer's page shows of the goods somebody likes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]


def _likes(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    categories = asked.traits.get("categories")
    return {"categories": categories, "brands": asked.traits.get("brands") or []} if categories else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="catalog.likes", title="Likes", order=300, permission="customers:read", template="catalog/likes.html",
        read=_likes,
    ),
)  # fmt: skip
