"""Arriving facts by time, read off the log's numbers."""

from __future__ import annotations

from rapport.kernel.clock import MINUTE
from rapport.kernel.ids import WorkspaceId
from rapport.measure.arrivals import Arrivals
from rapport.storage.engine import Database
from rapport.storage.log import LogRow, append

NOW = 30_000_000 * MINUTE + 7


def land(db: Database, name: str, at: int, number: int) -> None:
    rows = [LogRow(WorkspaceId(1), "src", f"{name}{i}", b"k" * 16, 0, at, at, b"{}") for i in range(number)]
    with db.write() as conn:
        append(conn, rows)


def counts(db: Database, arrivals: Arrivals, *, now: int) -> list[int]:
    with db.read() as conn:
        return [number for _, number in arrivals.counts(conn, now=now, step=MINUTE, steps=4)]


def test_facts_are_counted_to_the_minute_in_which_they_came(db: Database) -> None:
    land(db, "old", NOW - 10 * MINUTE, 9)
    land(db, "a", NOW - 3 * MINUTE, 5)
    land(db, "b", NOW - 1 * MINUTE, 2)
    arrivals = Arrivals()
    assert counts(db, arrivals, now=NOW) == [5, 0, 2, 0]
    land(db, "c", NOW, 4)
    assert counts(db, arrivals, now=NOW) == [5, 0, 2, 4]
    assert counts(db, arrivals, now=NOW + MINUTE) == [0, 2, 4, 0]


def test_an_empty_log_has_no_arrivals(db: Database) -> None:
    assert counts(db, Arrivals(), now=NOW) == [0, 0, 0, 0]
