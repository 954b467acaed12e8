"""Cards that were not used in time are worth nothing: looked for every hour, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.kernel.clock import DAY
from rapport.storage import settings
from rapport.storage.workspaces import all_workspaces
from rapport_giftcards import store
from rapport_giftcards.settings import CARD_SETTINGS
from rapport_giftcards.store import Movement

__all__ = ["EXPIRY"]


def _expired(conn: Connection, turn: Turn) -> Iterator[Movement]:
    """What takes the rest off the cards that are too old."""
    for shop in all_workspaces(conn):
        days = settings.load(conn, shop.id, CARD_SETTINGS).value.valid_days
        yield from store.expired(conn, shop.id, sold_before=turn.now - days * DAY, limit=turn.at_most)


def _due(conn: Connection, turn: Turn) -> bool:
    return next(_expired(conn, turn), None) is not None


def _run(turn: Turn) -> int:
    with turn.write() as conn:
        rows = list(_expired(conn, turn))[: turn.at_most]
        store.save(conn, rows)
    return len(rows)


EXPIRY = Job(
    name="giftcards.expiry", title="Gift cards expire", due=_due, run=_run, at_most=500, pause_seconds=3_600.0
)  # fmt: skip
