"""What segments bring to the server: addresses, pages, a card of the customer's page, and what Home warns of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import CustomerId, WorkspaceId
from rapport.remember import membership
from rapport.remember.segments.pages import PAGES
from rapport.remember.segments.routes import ROUTES
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.graph.store import roots_of
from rapport.web.alarms import Alarm, Watch
from rapport.web.cards import OfPerson, Panel
from rapport.web.part import WebPart

__all__ = ["WEB"]


def _segments(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    key = load_customer_ids(conn).key(CustomerId(asked.customer_id))
    root = roots_of(conn, asked.workspace, [key]).get(key, key)
    names = membership.names_by_root(conn, asked.workspace, [root]).get(root)
    return {"names": names} if names else None


def _unread(conn: Connection, workspace: WorkspaceId, now: int) -> Sequence[Alarm]:
    s = membership.segments.c
    query = sa.select(s.name, s.error).where(s.workspace == workspace, s.state == "failed").order_by(s.name).limit(5)
    return [
        Alarm(
            what=f"The segment {name!r} cannot be read any more: {error}", path="/console/segments",
            to_do="Change its condition. Its members are as they were last.",
        )
        for name, error in conn.execute(query)
    ]  # fmt: skip


WEB = WebPart(
    routes=ROUTES,
    pages=(PAGES,),
    panels=(
        Panel(
            name="segments.of_person", title="Segments", order=300, permission="segments:read",
            template="segments/segments_card.html", read=_segments,
        ),
    ),
    watches=(Watch(name="segments.unread", permission="segments:read", read=_unread),),
)  # fmt: skip
"""All of it; a worker never imports it."""
