"""The live feed: a shop's newest facts by source and event, and the way back through all the older ones."""

from __future__ import annotations

from sqlalchemy import Connection

from rapport.kernel.ids import WorkspaceId
from rapport.storage.log import StoredRow, latest
from rapport.storage.lookback import Look, look_back, named

__all__ = ["ROWS", "read_feed"]

ROWS = 60
"""Facts that one answer shows at most."""


def read_feed(
    conn: Connection,
    workspace: WorkspaceId,
    *,
    source: str = "",
    event: str = "",
    after: int = 0,
    before: int | None = None,
) -> Look:
    """The newest facts with after < seq < before, of one source and with `event` in their name where these are given.

    Cost: an index leads to a source's facts; those of an event are looked for among `lookback.MOST` facts a call.
    """

    def older(row: StoredRow | None, most: int) -> list[StoredRow]:
        end = before if row is None else row.seq
        return latest(conn, workspace, source=source or None, after=after, before=end, limit=most)

    return look_back(older, named(event) if event else None, limit=ROWS)
