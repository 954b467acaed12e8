"""Orders that were folded before the decision they followed: another device's facts may be another worker's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from rapport.decide import people
from rapport.kernel.clock import DAY
from rapport.kernel.facts import Fact, name_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.measure.metrics import BOUGHT_WITHIN_DAYS
from rapport.measure.store import ItemRow
from rapport.storage import log
from rapport.storage.bulk import chunks
from rapport.storage.lookup import select_among

__all__ = ["orders_after"]

_STRANDS, PAGE = 100, 1_000
"""Strands a statement, and facts it reads at most."""


def orders_after(
    conn: Connection, workspace: WorkspaceId, shown: Sequence[ItemRow], *, ordered: str, page: int = PAGE
) -> Iterator[tuple[Key, Fact]]:
    """The facts of this name in the log that happened within the days in which an order counts after one of these
    items was shown, of the customers they were shown to; each with its strand.

    What no worker has folded yet is told as well: another one may be folding it now, without seeing these items.
    Cost: two statements for 500 strands and one for 100, and the facts that these customers told since, of which a
    page is held at a time. A worker that keeps up finds a handful.
    """
    if not shown:
        return
    roots = people.roots_of(conn, workspace, {Key(item.strand) for item in shown})
    strands = {one for some in people.strands_by_root(conn, workspace, roots.values()).values() for one in some}
    since = min(item.at for item in shown)
    until = max(item.at for item in shown) + BOUGHT_WITHIN_DAYS * DAY
    for some in chunks(sorted(strands), _STRANDS):
        for row in _rows(conn, workspace, some, since, until, page):
            if name_of(row.body) == ordered:
                yield Key(row.strand), log.to_fact(row)


def _rows(
    conn: Connection, workspace: WorkspaceId, strands: Sequence[Key], since: int, until: int, size: int
) -> Iterator[log.StoredRow]:
    """What these strands told from `since` to `until`, a page after the other."""
    f, after, is_more = log.facts.c, (since, 0), True
    while is_more:
        place = sa.tuple_(sa.literal(after[0]), sa.literal(after[1]))
        query = (
            sa.select(log.facts)
            .where(f.occurred_at >= after[0], f.occurred_at <= until, sa.tuple_(f.occurred_at, f.seq) > place)
            .order_by(f.occurred_at, f.seq)
            .limit(size)
        )
        page = [log.StoredRow(*row) for row in select_among(conn, query, workspace, f.strand, strands)]
        yield from page
        is_more = len(page) == size
        if is_more:
            after = (page[-1].occurred_at, page[-1].seq)
