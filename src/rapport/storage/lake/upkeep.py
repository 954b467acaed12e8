"""Keeping the lake small and true: compaction, sweeping up, and holding it against the log."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from rapport.kernel.clock import now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lake.lease import alone
from rapport.storage.lake.records import crowded_slices, join_slice, records_table
from rapport.storage.lake.table import Lake, writer
from rapport.storage.log import StoredRow

__all__ = ["Compacted", "Verified", "compact", "crowded", "read_rows", "read_strands", "strands_of", "sweep", "verify"]

FILE_BYTES = 128 * 1024 * 1024
"""What small files are joined to."""

MOST_FILES = 16
"""Of one shop and day; with more it is time to join them."""

READER_HOURS = 1
"""So long a file that was joined with others stays for whoever still reads it."""

_CHUNK = 100_000


class Compacted(NamedTuple):
    """Files before and after."""

    before: int
    after: int


class Verified(NamedTuple):
    """The lake held against the log, up to where the log was archived."""

    upto: int
    facts: int
    """In the lake."""
    missing: int
    """In the log and not in the lake."""
    twice: int
    """In the lake more than once."""
    differing: int
    """In both, and not the same."""
    only_in_lake: int
    """Not in the log any more. None of it is wrong where the log lets old facts go."""

    @property
    def is_whole(self) -> bool:
        """Each fact once and as it was."""
        return not (self.missing or self.twice or self.differing)


def crowded(lake: Lake) -> bool:
    """Whether some shop's day lies in so many files that joining them is worth it."""
    folders = Counter(file.rsplit("/", 1)[0] for file in lake.files())
    return max(folders.values(), default=0) > MOST_FILES or bool(crowded_slices(lake, now=now_us()))


def compact(db: Database, lake: Lake, *, wait: bool = True) -> Compacted:
    """Join small files and remove those that nobody can still be reading. Memory: one joined file."""
    with alone(db, lake, wait=wait):
        before, table = len(lake.files()), lake.table()
        if table is not None:
            table.optimize.compact(target_size=FILE_BYTES, writer_properties=writer())
        for workspace, slice_ in crowded_slices(lake, now=now_us()):
            join_slice(lake, workspace, slice_)
        sweep(lake, keep_hours=READER_HOURS)
        return Compacted(before, len(lake.files()))


def sweep(lake: Lake, *, keep_hours: int) -> None:
    """Remove files that no longer belong to the table, and what its own log says of them. For the lease's holder.

    Full, because files that a checkpoint has forgotten, or that a crash left, are in no log.
    """
    for table in filter(None, (lake.table(), lake.open(lake.records))):
        table.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False, full=True)
        table.create_checkpoint()
        table.cleanup_metadata()


def verify(db: Database, lake: Lake) -> Verified:
    """Compare every fact of log and lake. Cost: reads both once; memory: 100,000 facts."""
    with alone(db, lake):
        upto, counts = lake.archived(), Counter[str]()
        ours, theirs = _log_rows(db, upto), read_rows(lake)
        left, right = next(ours, None), next(theirs, None)
        seq = -1
        while left is not None or right is not None:
            if right is not None and right.seq == seq:
                counts["twice"] += 1
                right = next(theirs, None)
            elif right is None or (left is not None and left.seq < right.seq):
                counts["missing"] += 1
                left = next(ours, None)
            else:
                seq = right.seq
                counts["facts"] += 1
                if left is None or left.seq > right.seq:
                    counts["only_in_lake"] += 1
                else:
                    counts["differing"] += _seal(left) != _seal(right)
                    left = next(ours, None)
                right = next(theirs, None)
    return Verified(
        upto, counts["facts"] + counts["twice"], counts["missing"], counts["twice"], counts["differing"],
        counts["only_in_lake"],
    )  # fmt: skip


def read_rows(lake: Lake, *, workspace: int | None = None, after: int = 0) -> Iterator[StoredRow]:
    """Every fact of the lake (of one shop) in the order of the log. Memory: sorted within 512 MB, then on disk."""
    import duckdb

    from rapport.kernel.identifiers import bucket_of

    files = lake.files(workspace)
    if not files:
        return
    with duckdb.connect(config={"memory_limit": "512MB", "temp_directory": str(lake.folder / "sorting")}) as duck:
        found = duck.execute(
            "SELECT seq, workspace, source, message_id, strand, epoch_us(occurred_at), epoch_us(received_at), body"
            " FROM read_parquet(?, hive_partitioning = true) WHERE seq > ? ORDER BY seq",
            [files, after],
        )
        while some := found.fetchmany(_CHUNK // 10):
            yield from (_row(row, bucket_of) for row in some)


def read_strands(lake: Lake) -> Iterator[list[tuple[WorkspaceId, Key]]]:
    """Every strand that has a fact in the lake or is named by a record, some thousand at a time; twice where both do.

    Reads a column of each table; memory as `read_rows`.
    """
    import duckdb

    records = records_table(lake)
    named = "SELECT DISTINCT workspace, {} AS strand FROM read_parquet(?, hive_partitioning = true)"
    held = (
        (lake.files(), named.format("strand")),
        (
            records.file_uris() if records is not None else [],
            named.format("unnest(list_append(from_json(strands, '[\"VARCHAR\"]'), root))"),
        ),
    )
    with duckdb.connect(config={"memory_limit": "512MB", "temp_directory": str(lake.folder / "sorting")}) as duck:
        for files, query in held:
            found = duck.execute(query, [files]) if files else None
            while found is not None and (some := found.fetchmany(_CHUNK // 10)):
                yield [(WorkspaceId(int(workspace)), Key(bytes.fromhex(strand))) for workspace, strand in some]


def strands_of(lake: Lake, workspace: int, seqs: Collection[int]) -> set[Key]:
    """Whose these facts of a shop are in the lake."""
    import duckdb

    files = lake.files(workspace)
    if not files or not seqs:
        return set()
    with duckdb.connect(config={"memory_limit": "512MB"}) as duck:
        query = "SELECT DISTINCT strand FROM read_parquet(?, hive_partitioning = true) WHERE seq IN (SELECT unnest(?))"
        return {Key(bytes.fromhex(strand)) for (strand,) in duck.execute(query, [files, list(seqs)]).fetchall()}


def _row(row: Sequence[Any], bucket_of: Any) -> StoredRow:
    seq, workspace, source, message_id, strand, occurred_at, received_at, body = row
    key = bytes.fromhex(strand)
    return StoredRow(seq, workspace, source, message_id, key, bucket_of(key), occurred_at, received_at, body.encode())


def _log_rows(db: Database, upto: int) -> Iterator[StoredRow]:
    after = 0
    while True:
        with db.read() as conn:
            rows = log.read_after(conn, after=after, upto=upto, buckets=None, limit=_CHUNK // 10)
        if not rows:
            return
        yield from rows
        after = rows[-1].seq


def _seal(row: StoredRow) -> bytes:
    plain = (row.workspace, row.source, row.message_id, row.strand, row.bucket, row.occurred_at, row.received_at)
    return hashlib.blake2b(repr(plain).encode() + row.body, digest_size=16).digest()
