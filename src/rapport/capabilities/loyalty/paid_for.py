"""What memberships are paid for, without the times they rest. Reads by many keys at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.earning import Paid
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.lookup import select_among

__all__ = ["paid_periods", "pauses_of"]

_m, _p = store.memberships.c, store.periods.c


def paid_periods(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key]
) -> dict[Key, list[tuple[str, Paid]]]:
    """What memberships of these strands are paid for and not paused, each with its programme."""
    joined = store.memberships.join(store.periods, (_p.workspace == _m.workspace) & (_p.membership == _m.id))
    query = sa.select(_m.id, _m.strand, _m.programme, _m.plan, _p.since, _p.until).select_from(joined)
    rows = list(select_among(conn, query, workspace, _m.strand, strands))
    paused = pauses_of(conn, workspace, {row.id for row in rows})
    found: dict[Key, list[tuple[str, Paid]]] = {}
    for row in rows:
        for since, until in _without(row.since, row.until, paused.get(row.id, [])):
            found.setdefault(Key(row.strand), []).append((row.programme, Paid(row.plan, since, until)))
    return found


def pauses_of(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> dict[str, list[tuple[int, int]]]:
    """The pauses of these memberships, each since when and until when, the first first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in select_among(conn, sa.select(store.pauses), workspace, store.pauses.c.membership, ids) if ids else ():
        found.setdefault(row.membership, []).append((row.since, row.until))
    return {membership: sorted(several) for membership, several in found.items()}


def _without(since: int, until: int, paused: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for begins, ends in paused:
        if begins < until and ends > since:
            if begins > since:
                yield since, begins
            since = ends
    if since < until:
        yield since, until
