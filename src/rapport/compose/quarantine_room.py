"""How much of what could not be read is kept: beyond a shop's megabytes the oldest go.

What was replayed or given up goes first; what nobody has settled is counted as it goes, and told on Home.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.collect.settings import COLLECT_SETTINGS
from rapport.collect.store import COUNTERS, add_health, quarantine
from rapport.kernel.clock import HOUR
from rapport.kernel.ids import WorkspaceId
from rapport.storage import settings

__all__ = ["QUARANTINE_ROOM"]

_q = quarantine.c
_MB = 1024 * 1024


class _Excess(NamedTuple):
    """What a shop has too much of, in bytes: of one source, or of all where it is None."""

    workspace: WorkspaceId
    source: str | None
    size: int


def _excess(conn: Connection) -> list[_Excess]:
    """What is too much, one entry a shop. Cost: an index entry for each message in quarantine."""
    sizes: dict[WorkspaceId, dict[str, int]] = {}
    query = sa.select(_q.workspace, _q.source, sa.func.sum(_q.size)).group_by(_q.workspace, _q.source)
    for workspace, source, size in conn.execute(query):
        sizes.setdefault(WorkspaceId(workspace), {})[source] = int(size)
    found = []
    for workspace, of_source in sorted(sizes.items()):
        if sum(of_source.values()) <= _MB:  # the least that can be set
            continue
        wanted = settings.load(conn, workspace, COLLECT_SETTINGS).value
        source, largest = max(of_source.items(), key=lambda one: (one[1], one[0]))
        over, over_all = (
            largest - wanted.quarantine_mb_of_a_source * _MB, sum(of_source.values()) - wanted.quarantine_mb * _MB,
        )  # fmt: skip
        if over > 0:
            found.append(_Excess(workspace, source, over))
        elif over_all > 0:
            found.append(_Excess(workspace, None, over_all))
    return found


def _due(conn: Connection, turn: Turn) -> bool:
    return bool(_excess(conn))


def _run(turn: Turn) -> int:
    with turn.write() as conn:
        found = _excess(conn)
        if not found:
            return 0
        turn.again()
        workspace = found[0].workspace
        ids = _to_let_go(conn, found[0], most=turn.at_most)
        going = quarantine.delete().where(_q.workspace == workspace, _q.id.in_(ids)).returning(_q.source, _q.state)
        dropped = Counter(row.source for row in conn.execute(going) if row.state == "open")
        hour = turn.now - turn.now % HOUR
        nothing = dict.fromkeys(COUNTERS, 0)
        add_health(conn, [
            {"workspace": workspace, "source": name, "hour": hour, **nothing, "dropped": number}
            for name, number in sorted(dropped.items())
        ])  # fmt: skip
        return len(ids)


def _to_let_go(conn: Connection, excess: _Excess, *, most: int) -> list[str]:
    """Those that were settled, then the oldest of the others; as many as are too much, at most so many.

    Cost: an entry of the index for each, in whose order the settled ones are taken.
    """
    gone, left = list[str](), excess.size
    for state in ("replayed", "discarded", "open"):
        oldest = sa.select(_q.id, _q.size).where(_q.workspace == excess.workspace, _q.state == state)
        if excess.source is not None:
            oldest = oldest.where(_q.source == excess.source)
        order = (_q.id,) if state == "open" else (_q.source, _q.id)
        for row in conn.execute(oldest.order_by(*order).limit(most - len(gone))):
            if left <= 0:
                break
            gone.append(row.id)
            left -= row.size
    return gone


QUARANTINE_ROOM = Job(
    name="collect.quarantine",
    title="Messages nobody could read are let go where there are too many",
    due=_due,
    run=_run,
    at_most=500,
    pause_seconds=20.0,
)
