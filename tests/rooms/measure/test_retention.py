"""Facts by the minute are let go after ninety days, shop by shop and in portions."""

from __future__ import annotations

import sqlalchemy as sa

from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.measure import store
from rapport.measure.metrics import MINUTES_KEPT_DAYS
from rapport.measure.retention import MINUTES_RETENTION
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace
from tests.jobs import turns

NOW = 1_790_000_000_000_000 // DAY * DAY
BOUND = NOW - MINUTES_KEPT_DAYS * DAY


def test_old_minutes_go_in_portions_and_the_rest_stays(db: Database) -> None:
    with db.write() as conn:
        shops = [create_workspace(conn, slug=slug, name=slug, now=NOW).id for slug in ("ada", "bo")]
        old = {
            (WorkspaceId(shop), BOUND - n * MINUTE, source): 1
            for shop in shops for n in range(1, 4) for source in ("web", "till")
        }  # fmt: skip
        store.add_minutes(conn, {**old, (shops[0], BOUND, "web"): 1, (shops[1], NOW, "web"): 1})
    done = turns(db, MINUTES_RETENTION, now=NOW, at_most=4)
    assert (sum(done), max(done)) == (12, 4)
    with db.read() as conn:
        left = conn.execute(sa.select(store.fact_minutes.c.workspace, store.fact_minutes.c.minute)).all()
    assert sorted(tuple(row) for row in left) == [(shops[0], BOUND), (shops[1], NOW)]
