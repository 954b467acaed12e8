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
from rapport.storage.lake.records import drop_records
from rapport.storage.lake.table import Lake
from rapport.storage.lake.upkeep import strands_of, sweep
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
    rewrites each file that holds a fact of them, and each that holds a record they were ever in.
    """
    with alone(db, lake):
        before, gone = lake.size_bytes(), 0
        drop_records(lake, workspace, strands)  # whole, whatever came later: who came back is recorded again
        table = lake.table()
        for some in chunks(sorted(strands), 200):
            if table is None:
                break
            named = ", ".join(f"'{key.hex()}'" for key in some)
            told = table.delete(f"workspace = {int(workspace)} AND seq <= {int(upto)} AND strand IN ({named})")
            gone += int(told.get("num_deleted_rows") or 0)
        sweep(lake, keep_hours=0)
        return Forgotten(gone, before, lake.size_bytes())


def refile(db: Database, lake: Lake, workspace: WorkspaceId, seqs: Collection[int]) -> None:
    """Have the lake hold of these facts of a shop what the log holds of them now: nothing, where they were taken out.

    Records of the customers they were of leave it, old and new ones: the next pass records anew what is left of them.
    Safe to repeat: a crash leaves some of them out, until the next call. Cost: rewrites each file that holds one.
    """
    wanted = sorted(set(seqs))
    with alone(db, lake):
        # Before the facts go, which lead to whose records they are in.
        drop_records(lake, workspace, _strands_of(db, lake, workspace, wanted))
        table, upto = lake.table(), lake.archived()  # later ones are archived in their turn
        for some in chunks([seq for seq in wanted if seq <= upto], 2_000):
            if table is None:
                break
            table.delete(f"workspace = {int(workspace)} AND seq IN ({', '.join(str(int(seq)) for seq in some)})")
            rows = _in_log(db, workspace, some)
            if rows:
                add_rows(lake, rows)
                table.update_incremental()
        sweep(lake, keep_hours=0)


def _strands_of(db: Database, lake: Lake, workspace: WorkspaceId, seqs: Collection[int]) -> set[Key]:
    """Whose these facts were when they were archived, and whose they are now."""
    found = strands_of(lake, workspace, seqs)
    f = log.facts.c
    with db.read() as conn:
        for some in chunks(seqs, 500):
            query = sa.select(f.strand).where(f.workspace == workspace, f.seq.in_(some)).distinct()
            found.update(Key(bytes(strand)) for strand in conn.execute(query).scalars())
    return found


def _in_log(db: Database, workspace: WorkspaceId, seqs: Collection[int]) -> list[StoredRow]:
    f = log.facts.c
    query = sa.select(log.facts).where(f.workspace == workspace).order_by(f.seq)
    with db.read() as conn:
        return [
            StoredRow._make(row) for some in chunks(seqs, 500) for row in conn.execute(query.where(f.seq.in_(some)))
        ]
