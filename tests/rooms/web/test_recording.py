"""What was shown reaches the audit trail, whatever stands beside it."""

from __future__ import annotations

import anyio

from rapport.kernel.clock import now_us
from rapport.kernel.ids import new_id
from rapport.storage.audit.entries import Entry, entries
from rapport.storage.engine import Database
from rapport.storage.workspaces import create_workspace
from rapport.web.recording import Recorder


def test_an_entry_that_no_database_takes_stops_none_of_the_others(shared_db: Database) -> None:
    with shared_db.write() as conn:
        shop = create_workspace(conn, slug=new_id("shop").replace("_", "-"), name="Shop", now=1).id
    recorder = Recorder(shared_db, pause_seconds=600)
    for about in ("GET /one", "GET /\ud800", "GET /two"):
        recorder.put(Entry(shop, "customer.viewed", about, {}, (), "usr_1", "Ada", now_us()))
    anyio.run(recorder.close)
    with shared_db.read() as conn:
        told = sorted(one.about for one in entries(conn, shop, limit=10))
    assert told == ["GET /one", "GET /two"]
    recorder.require_room()
