"""Whoever connects a source sees which fields could not be read, how often, and what came."""

from __future__ import annotations

import json

from rapport.app.wiring import installed
from rapport.collect.unread import unread_of_source
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.wording import FactKind, Wording
from rapport.storage.engine import Database
from rapport.storage.log import LogRow, append

SHOP = WorkspaceId(1)


def test_the_fields_of_a_source_that_cannot_be_read_are_counted_by_event(db: Database) -> None:
    amounts = ["1,234", "24.90", "free", 12]
    bodies = [
        {"id": "m", "type": "track", "name": "Order Completed", "properties": {"revenue": one}} for one in amounts
    ]
    rows = [
        LogRow(SHOP, source, f"{source}-{n}", b"k" * 16, 0, n, n, json.dumps(body).encode())
        for source in ("src_web", "src_till")
        for n, body in enumerate(bodies if source == "src_web" else bodies[1:2])
    ]
    with db.write() as conn:
        append(conn, rows)
    with db.read() as conn:
        found = unread_of_source(conn, SHOP, "src_web", installed().wording)
        assert unread_of_source(conn, SHOP, "src_till", installed().wording) == []
    assert [(one.event, one.field, one.example, one.facts, one.of, one.seq > 0) for one in found] == [
        ("Order Completed", "revenue", "“free” is no number", 2, 4, True)
    ]


def test_a_slice_that_fails_at_a_fact_leaves_the_page_standing(db: Database) -> None:
    def broken(fact: object) -> dict[str, str]:
        raise KeyError("x")

    wording = Wording([FactKind(name="Rain Fell", meaning="it rained", icon="x", unread=broken)])
    body = json.dumps({"id": "m", "type": "track", "name": "Rain Fell"}).encode()
    with db.write() as conn:
        append(conn, [LogRow(SHOP, "src_web", "m", b"k" * 16, 0, 1, 1, body)])
    with db.read() as conn:
        assert unread_of_source(conn, SHOP, "src_web", wording) == []
