"""To tell customers before they ask: one notice for each promise in danger, another when what it said is over."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from rapport.capabilities.messages import queue_transactional
from rapport.capabilities.promises import store
from rapport.capabilities.promises.links import order_path
from rapport.capabilities.promises.model import HISTORY, IN_DANGER, Known, Standing
from rapport.capabilities.promises.store import Row
from rapport.capabilities.promises.wording import WHY
from rapport.kernel.clock import DAY, zone_named
from rapport.kernel.errors import RapportError
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["TEMPLATE", "notice_about", "notice_key", "tell"]

TEMPLATE = "delay"
WRITE_AGAIN = 2 * DAY
"""Where no new date can be told we look again after so long."""
_LATEST = 30 * DAY
"""So long after a promise was broken nobody is written to about it again."""

_logger = logging.getLogger(__name__)


def tell(
    conn: Connection, workspace: WorkspaceId, judged: Sequence[tuple[Row, Standing]], known: Mapping[str, Known], *,
    now: int,
) -> list[tuple[Row, Standing]]:  # fmt: skip
    """Queue the notices that are due; answers the promises with what their customers have been told.

    Whoever has chosen already is not written to again about the same promise.
    """
    due = {row.order_id for row, _ in judged if _is_due(row, now)}
    chosen = store.chosen(conn, workspace, due)
    return [
        (_notified(conn, workspace, row, known[row.order_id], now=now), found)
        if row.order_id in due and (row.order_id, row.window_id) not in chosen
        else (row, found)
        for row, found in judged
    ]


def notice_key(row: Row) -> str:
    """The idempotency key of the next notice about a promise: one for each thing that was told."""
    return f"{notice_about(row)}:{row.told_to_at or 'first'}"


def notice_about(row: Row) -> str:
    """What the keys of all notices about a promise begin with."""
    order = blake2b(row.order_id.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"promise:{order}:{row.window_id}"


def _is_due(row: Row, now: int) -> bool:
    if row.status not in IN_DANGER or row.arrived_at is not None:
        return False
    if row.told_to_at is None:  # what ended so long before we heard of it is history
        return now <= row.to_at + HISTORY
    return row.told_to_at < now <= row.to_at + _LATEST


def _notified(conn: Connection, workspace: WorkspaceId, row: Row, order: Known, *, now: int) -> Row:
    """Whether the message can go is asked when it goes; that it was wanted is kept here, in the same transaction."""
    try:
        with conn.begin_nested():
            queue_transactional(
                conn, workspace, Key(row.strand), template=TEMPLATE, key=notice_key(row),
                data=_data(conn, workspace, row, order), now=now,
            )  # fmt: skip
    except RapportError as error:  # a template of the shop's own may want what nobody gives
        _logger.warning("no notice about an order in shop %d: %s", workspace, error.message)
    until = row.proposed.to_at if row.proposed is not None else now + WRITE_AGAIN
    return row._replace(told_to_at=max(until, now + 1))


def _data(conn: Connection, workspace: WorkspaceId, row: Row, order: Known) -> dict[str, Any]:
    zone = zone_named(order.zone)
    was, new = row.window.told(zone)["to"], row.proposed
    return {
        "order": {"id": row.order_id, "path": order_path(conn, workspace, row.order_id)},
        "promise": {"was": str(was)[:10], **({"until": new.told(zone)["to"]} if new is not None else {})},
        "why": {language: words[row.cause] for language, words in WHY.items() if row.cause in words},
    }
