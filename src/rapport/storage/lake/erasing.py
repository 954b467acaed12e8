"""Forgetting in the lake: files are rewritten without the facts of a person, and the old ones removed at once.

Delta keeps the text of a delete in its own log, so strands are named there by their keys alone, which are opaque; the
log is then cut back to the checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.lake.archiver import add_rows
from rapport.storage.lake.lease import alone
from rapport.storage.lake.records import records_table
from rapport.storage.lake.table import Lake
from rapport.storage.lake.upkeep import sweep
from rapport.storage.log import StoredRow

__all__ = ["Forgotten", "forget", "refile"]


class Forgotten(NamedTuple):
    """What an erasure took out of the lake."""

    facts: int
    bytes_before: int
    bytes_after: int


def forget(
    db: Database, lake: Lake, workspace: WorkspaceId, strands: Collection[Key], *, upto: int = 2**62
) -> Forgotten:
    """Take the facts of these strands up to this `seq`, and their records, out of the lake, files, log and leftovers.

    Safe to repeat; a crash leaves the table as it was, or rewritten with old files that the next call removes. Cost:
    rewrites each file that holds a fact of them.
    """
    with alone(db, lake):
        table, records = lake.table(), records_table(lake)
        if table is None:
            return Forgotten(0, 0, 0)
        before, gone = lake.size_bytes(), 0
        for some in chunks(sorted(strands), 200):
            named = ", ".join(f"'{key.hex()}'" for key in some)
            if records is not None:  # whole, whatever came later: who came back is recorded again
                records.delete(f"workspace = {int(workspace)} AND root IN ({named})")
            told = table.delete(f"workspace = {int(workspace)} AND seq <= {int(upto)} AND strand IN ({named})")
            gone += int(told.get("num_deleted_rows") or 0)
        sweep(lake, keep_hours=0)
        return Forgotten(gone, before, lake.size_bytes())


def refile(db: Database, lake: Lake, workspace: WorkspaceId, seqs: Collection[int]) -> None:
    """Have the lake hold of these facts of a shop what the log holds of them now: nothing, where they were taken out.

    Safe to repeat: a crash leaves some of them out, until the next call. Cost: rewrites each file that holds one.
    """
    with alone(db, lake):
        table = lake.table()
        if table is None:
            return
        upto = lake.archived()  # later ones are archived in their turn
        for some in chunks(sorted(seq for seq in set(seqs) if seq <= upto), 2_000):
            table.delete(f"workspace = {int(workspace)} AND seq IN ({', '.join(str(int(seq)) for seq in some)})")
            rows = _in_log(db, workspace, some)
            if rows:
                add_rows(lake, rows)
                table.update_incremental()
        sweep(lake, keep_hours=0)


def _in_log(db: Database, workspace: WorkspaceId, seqs: Collection[int]) -> list[StoredRow]:
    f = log.facts.c
    query = sa.select(log.facts).where(f.workspace == workspace).order_by(f.seq)
    with db.read() as conn:
        return [
            StoredRow._make(row) for some in chunks(seqs, 500) for row in conn.execute(query.where(f.seq.in_(some)))
        ]
