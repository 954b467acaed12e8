"""What the customer's page shows of promises: orders that are late first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from rapport.capabilities.promises.listing import in_danger_of
from rapport.capabilities.promises.pages import window_words
from rapport.capabilities.promises.store import known_of
from rapport.capabilities.promises.wording import CAUSES
from rapport.kernel.clock import now_us, zone_named
from rapport.kernel.language import gettext
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS"]


def _promises(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    rows = in_danger_of(conn, asked.workspace, list(asked.strands), now=now_us())
    known = known_of(conn, asked.workspace, [row.order_id for row in rows])
    shown = [
        (row, window_words(row.window, zone_named(known[row.order_id].zone)), gettext(CAUSES.get(row.cause, "")))
        for row in rows
        if row.order_id in known
    ]
    return {"promises": shown} if shown else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="promises.theirs", title="Promises", order=190, permission="promises:read",
        template="promises/panel.html", read=_promises,
    ),
)  # fmt: skip
