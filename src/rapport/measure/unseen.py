"""Orders that were folded before the decision they followed: another device's facts may be another worker's."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from rapport.decide import people
from rapport.kernel.clock import DAY
from rapport.kernel.facts import Fact, name_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.measure.metrics import BOUGHT_WITHIN_DAYS
from rapport.measure.store import ItemRow
from rapport.storage import log
from rapport.storage.lookup import select_among

__all__ = ["orders_after"]


def orders_after(
    conn: Connection, workspace: WorkspaceId, shown: Sequence[ItemRow], *, ordered: str
) -> list[tuple[Key, Fact]]:
    """The facts of this name in the log that happened within the days in which an order counts after one of these
    items was shown, of the customers they were shown to; each with its strand.

    Cost: three statements for 500 strands, and the facts that these customers told since. A worker that keeps up
    finds a handful.
    """
    if not shown:
        return []
    roots = people.roots_of(conn, workspace, {Key(item.strand) for item in shown})
    strands = {one for some in people.strands_by_root(conn, workspace, roots.values()).values() for one in some}
    since = min(item.at for item in shown)
    until = max(item.at for item in shown) + BOUGHT_WITHIN_DAYS * DAY
    f = log.facts.c
    query = sa.select(log.facts).where(f.occurred_at >= since, f.occurred_at <= until)
    rows = (log.StoredRow(*row) for row in select_among(conn, query, workspace, f.strand, strands))
    return [(Key(row.strand), log.to_fact(row)) for row in rows if name_of(row.body) == ordered]
