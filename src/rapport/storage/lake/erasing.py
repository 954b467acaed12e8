"""Forgetting in the lake: files are rewritten without the facts of a person, and the old ones removed at once.

Delta keeps the text of a delete in its own log, so strands are named there by their keys alone, which are opaque; the
log is then cut back to the checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage.bulk import chunks
from rapport.storage.engine import Database
from rapport.storage.lake.lease import alone
from rapport.storage.lake.table import Lake
from rapport.storage.lake.upkeep import sweep

__all__ = ["Forgotten", "forget"]


class Forgotten(NamedTuple):
    """What an erasure took out of the lake."""

    facts: int
    bytes_before: int
    bytes_after: int


def forget(
    db: Database, lake: Lake, workspace: WorkspaceId, strands: Collection[Key], *, upto: int = 2**62
) -> Forgotten:
    """Take the facts of these strands up to this `seq` out of the lake, files, log and leftovers.

    Safe to repeat; a crash leaves the table as it was, or rewritten with old files that the next call removes. Cost:
    rewrites each file that holds a fact of them.
    """
    with alone(db, lake):
        table = lake.table()
        if table is None:
            return Forgotten(0, 0, 0)
        before, gone = lake.size_bytes(), 0
        for some in chunks(sorted(strands), 200):
            named = ", ".join(f"'{key.hex()}'" for key in some)
            told = table.delete(f"workspace = {int(workspace)} AND seq <= {int(upto)} AND strand IN ({named})")
            gone += int(told.get("num_deleted_rows") or 0)
        sweep(lake, keep_hours=0)
        return Forgotten(gone, before, lake.size_bytes())
