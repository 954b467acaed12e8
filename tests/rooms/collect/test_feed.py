"""The live feed finds what is asked for in the whole log, in bounded looks, and goes on where it ended."""

from __future__ import annotations

import json

from rapport.collect.feed import ROWS, read_feed
from rapport.kernel.ids import WorkspaceId
from rapport.storage.engine import Database
from rapport.storage.log import LogRow, append
from rapport.storage.lookback import MOST

SHOP, OTHER = WorkspaceId(1), WorkspaceId(2)


def land(
    db: Database, name: str, number: int = 1, *, source: str = "src_web", workspace: WorkspaceId = SHOP
) -> list[int]:
    """So many facts, one after the other; their numbers."""
    with db.read() as conn:
        last = conn.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM facts").scalar_one()
    body = json.dumps({"id": "m", "type": "track", "name": name}).encode()
    rows = [LogRow(workspace, source, f"m-{last}-{n}", b"k" * 16, 0, n, n, body) for n in range(number)]
    with db.write() as conn:
        append(conn, rows)
    with db.read() as conn:
        return list(conn.exec_driver_sql(f"SELECT seq FROM facts WHERE seq > {last} ORDER BY seq DESC").scalars())


def test_the_newest_come_first_and_the_way_back_reaches_the_first_fact(db: Database) -> None:
    mine = land(db, "Page Viewed", 150)
    land(db, "Page Viewed", 200, workspace=OTHER)
    seen: list[int] = []
    before = None
    with db.read() as conn:
        while True:
            look = read_feed(conn, SHOP, before=before)
            seen += [row.seq for row in look.rows]
            if look.last is None:
                break
            before = look.last.seq
    assert seen == mine


def test_a_quiet_source_is_found_behind_any_number_of_other_facts(db: Database) -> None:
    """At once: it has an index, so nothing of the others is looked at."""
    till = land(db, "Order Completed", 3, source="src_till")
    land(db, "Page Viewed", MOST + 1_000)
    with db.read() as conn:
        look = read_feed(conn, SHOP, source="src_till")
    assert [row.seq for row in look.rows] == till
    assert (look.looked_at, look.last) == (3, None)


def test_a_rare_event_is_found_by_looking_further_back(db: Database) -> None:
    gift = land(db, "Gift Wrapped")
    land(db, "Page Viewed", MOST + 1_000)
    with db.read() as conn:
        first = read_feed(conn, SHOP, event="gift")
        assert first.last is not None
        assert (first.rows, first.looked_at) == ([], MOST)
        second = read_feed(conn, SHOP, event="gift", before=first.last.seq)
    assert [row.seq for row in second.rows] == gift
    assert second.last is None


def test_what_landed_since_is_filtered_and_the_next_question_starts_after_all_of_it(db: Database) -> None:
    (known,) = land(db, "Order Completed")
    refund = land(db, "Order Refunded")
    newest = land(db, "Page Viewed", 700)
    with db.read() as conn:
        look = read_feed(conn, SHOP, event="ORDER", after=known)
    assert [row.seq for row in look.rows] == refund
    assert look.first is not None
    assert look.first.seq == newest[0]


def test_an_answer_is_never_longer_than_a_page(db: Database) -> None:
    land(db, "Order Completed", ROWS + 1)
    with db.read() as conn:
        assert len(read_feed(conn, SHOP, event="order").rows) == ROWS
        assert read_feed(conn, OTHER).first is None
