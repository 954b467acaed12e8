"""What time alone does: points become available or expire, holds end, tiers and memberships run out. In bounded turns.

Nobody has to wait for it: whoever reads or redeems counts by the clock. The job writes what the clock has done and
states the facts.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.ageing import age
from rapport.capabilities.loyalty.members import refresh
from rapport.capabilities.loyalty.membership import end_those_over
from rapport.capabilities.loyalty.redeeming import let_go
from rapport.capabilities.loyalty.settling import Stating, settle
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log

__all__ = ["TIME"]

_l, _r, _s, _m = store.lots.c, store.redemptions.c, store.standings.c, store.memberships.c


def _over(now: int) -> list[sa.Select[Any]]:
    """Who has something whose time has come: workspace and strand, by index each."""
    return [
        sa.select(_l.workspace, _l.strand, _l.lot).where(_l.pending > 0, _l.available_at <= now),
        sa.select(_l.workspace, _l.strand, _l.lot).where(_l.available > 0, _l.expires_at <= now),
        sa.select(_r.workspace, _r.strand, _r.id).where(_r.state == "held", _r.expires_at <= now),
        sa.select(_m.workspace, _m.strand, _m.id).where(_m.ended_at.is_(None), _m.until <= now),
        sa.select(_s.workspace, _s.strand, _s.tier).where(_s.until > 0, _s.until <= now),
    ]


def _due(conn: Connection, turn: Turn) -> bool:
    return any(conn.execute(query.limit(1)).first() is not None for query in _over(turn.now))


def _run(turn: Turn) -> int:
    done = 0
    with turn.write() as conn:
        pending, expiring, held, ended, lapsed = (
            conn.execute(query.limit(turn.at_most)).all() for query in _over(turn.now)
        )
        for workspace in sorted({row.workspace for rows in (pending, expiring, held, ended, lapsed) for row in rows}):
            strands = {Key(row.strand) for rows in (pending, expiring, held, ended) for row in rows
                       if row.workspace == workspace}  # fmt: skip
            store.lock_people(conn, strands)
            stating = Stating(workspace, turn.now)
            for row in held:
                if row.workspace == workspace:
                    done += _release(conn, workspace, row.id, stating, turn.now)
            names = [row.lot for rows in (pending, expiring) for row in rows if row.workspace == workspace]
            done += _age(conn, workspace, names, stating, turn.now)
            done += end_those_over(conn, workspace, [r.id for r in ended if r.workspace == workspace], stating,
                                   now=turn.now)  # fmt: skip
            rows = stating.rows(conn)
            roots = {Key(row.strand): f"time:{turn.now}" for row in lapsed if row.workspace == workspace}
            rows += settle(conn, workspace, set(roots), cause=roots, now=turn.now)
            _look_no_more(conn, workspace, roots, turn.now)
            refresh(conn, workspace, strands, now=turn.now)
            done += len(roots)
            log.append(conn, rows)
    return done


def _release(conn: Connection, workspace: WorkspaceId, id: str, stating: Stating, now: int) -> int:
    row = conn.execute(sa.select(store.redemptions).where(_r.workspace == workspace, _r.id == id)).first()
    if row is None or row.state != "held":
        return 0
    let_go(conn, workspace, row, stating, now=now)
    return 1


def _age(conn: Connection, workspace: WorkspaceId, names: list[str], stating: Stating, now: int) -> int:
    """Lots as the clock has made them, each with its facts."""
    lots = list(store.lots_named(conn, workspace, set(names)).values()) if names else []
    for lot in lots:
        age(stating, lot, now=now)
    store.save_lots(conn, workspace, [lot for lot in lots if lot.new])
    return len(lots)


def _look_no_more(conn: Connection, workspace: WorkspaceId, roots: dict[Key, str], now: int) -> None:
    """A standing whose customer is gone into another, or stays as it was, is not looked at again."""
    if roots:
        conn.execute(
            sa.update(store.standings).values(until=0)
            .where(_s.workspace == workspace, _s.strand.in_(sorted(roots)), _s.until > 0, _s.until <= now)
        )  # fmt: skip


TIME = Job(
    name="loyalty.time", title="Points become available and expire", due=_due, run=_run, at_most=2_000,
    pause_seconds=30.0,
)  # fmt: skip
