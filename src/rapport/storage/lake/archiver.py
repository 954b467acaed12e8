"""Moves facts from the log into the lake, each exactly once.

The cursor is in the lake itself: the commit that adds files also says up to which `seq` the log is in the table. So a
crash leaves either both or neither; files of a commit that never happened belong to no table and are swept up by the
next compaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rapport.kernel.errors import Conflict
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lake.lease import alone
from rapport.storage.lake.table import ARCHIVED, PARTITION, Lake, arrow_of, writer
from rapport.storage.log import Horizon, StoredRow

__all__ = ["AT_ONCE", "Archived", "add_rows", "archive"]

AT_ONCE = 50_000
"""Facts of one commit: some 60 MB in memory, half a second."""


class Archived(NamedTuple):
    """What one call did."""

    facts: int
    upto: int
    """The log is in the lake up to this `seq`."""


def archive(
    db: Database,
    lake: Lake,
    *,
    most: int | None = None,
    at_once: int = AT_ONCE,
    horizon: Horizon | None = None,
    tell: Callable[[Archived], None] = lambda _: None,
) -> Archived:
    """Archive what the lake lacks of the log, at most `most` facts, a commit for every `at_once`.

    `tell` hears after each commit how far it came. Memory: one commit's facts.
    """
    horizon, done = horizon or Horizon(), 0
    with alone(db, lake):
        upto = lake.archived()
        _refuse_an_older_log(db, upto)
        while most is None or done < most:
            rows = _next(db, horizon, after=upto, limit=min(at_once, at_once if most is None else most - done))
            if not rows:
                break
            _append(lake, rows)
            done, upto = done + len(rows), rows[-1].seq
            tell(Archived(done, upto))
    return Archived(done, upto)


def _refuse_an_older_log(db: Database, upto: int) -> None:
    """A database that was restored from a backup gives the same numbers out again: they would pass for archived."""
    with db.look() as conn:
        newest = log.last_given(conn)
    if upto > newest:
        raise Conflict(
            f"the lake has facts up to {upto}, the log ends at {newest}: the database is older than the lake",
            hint="move the folder `lake` aside; what the log has is archived anew",
        )


def _next(db: Database, horizon: Horizon, *, after: int, limit: int) -> list[StoredRow]:
    with db.look() as conn:
        return log.read_after(conn, after=after, upto=horizon.advance(conn), buckets=None, limit=limit)


def _append(lake: Lake, rows: Sequence[StoredRow]) -> None:
    add_rows(lake, rows, upto=rows[-1].seq)


def add_rows(lake: Lake, rows: Sequence[StoredRow], *, upto: int | None = None) -> None:
    """Add facts in one commit, which says that the log is in the lake up to `upto`. For the lease's holder."""
    from deltalake import CommitProperties, Transaction, write_deltalake

    said = None if upto is None else CommitProperties(app_transactions=[Transaction(ARCHIVED, upto)])
    write_deltalake(
        lake.make(), arrow_of(rows), mode="append", partition_by=PARTITION, writer_properties=writer(),
        commit_properties=said,
    )  # fmt: skip
