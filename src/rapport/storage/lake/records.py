"""The table of Golden Records in the lake: a row each time a customer's record was seen to have changed.

A Delta table `records` beside that of facts, partitioned by workspace and by *slice*: the first digit of the customer's
key, which is a hash, so slices are of one size. The newest row of a customer counts; one without a record says that
there is no such customer any more (erased, or merged into another). Joining files leaves the newest rows alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from rapport.kernel.clock import DAY, SECOND
from rapport.kernel.ids import Key
from rapport.storage.bulk import chunks
from rapport.storage.lake.table import CONFIGURATION, Lake, arrow_table, delta_schema, deltalake, writer

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = [
    "SLICES", "RecordRow", "add_records", "crowded_slices", "drop_records", "join_slice", "records_table", "seals_of",
]  # fmt: skip

SLICES = "0123456789abcdef"
_PARTITION = ["workspace", "slice"]
MOST_FILES = 8
"""Of one shop and slice; with more it is time to join them."""
LONGEST_APART = DAY
"""Files that are apart for longer are joined however few they are: what was replaced leaves the disk."""

_COLUMNS = {
    "workspace": "int32",
    "slice": "string",
    "root": "string",
    "customer_id": "string",
    "seal": "string",
    "strands": "string",
    "record": "string?",
    "as_of": "timestamp",
}
"""`strands` is a JSON list of the customer's strands, by which facts are joined; `record` is flat JSON."""


class RecordRow(NamedTuple):
    """A customer's record as it was at a time."""

    workspace: int
    slice: str
    root: str
    customer_id: str
    seal: str
    """A hash of record and strands, by which a change is seen; empty where there is no such customer any more."""
    strands: str
    record: str | None
    as_of: int


def records_table(lake: Lake) -> DeltaTable | None:
    """The table as it is now; None where nothing was ever recorded. Raises Misconfigured."""
    return lake.open(lake.records)


def add_records(lake: Lake, rows: Sequence[RecordRow]) -> None:
    """Add rows in one commit. For the lease's holder."""
    if rows:
        deltalake().write_deltalake(
            _made(lake), _arrow(rows), mode="append", partition_by=_PARTITION, writer_properties=writer()
        )


def seals_of(lake: Lake, workspace: int, slice_: str) -> dict[str, str]:
    """What the lake holds of the customers of a slice, by root; those that are no more have no seal."""
    files = lake.record_files(workspace, slice_)
    if not files:
        return {}
    import duckdb

    with closing(duckdb.connect()) as duck:
        newest = "SELECT root, arg_max(seal, as_of) FROM read_parquet(?, hive_partitioning = true) GROUP BY root"
        return dict(duck.execute(newest, [files]).fetchall())


def crowded_slices(lake: Lake, *, now: int) -> list[tuple[int, str]]:
    """Shops and slices that lie in so many files, or for so long in more than one, that they are to be joined."""
    table = records_table(lake)
    if table is None:
        return []
    made: dict[tuple[int, str], list[int]] = {}
    told = table.get_add_actions(flatten=True)
    names = ("partition.workspace", "partition.slice", "modification_time")
    for workspace, slice_, at in zip(*(told.column(name).to_pylist() for name in names), strict=True):
        made.setdefault((int(workspace), str(slice_)), []).append(at * SECOND // 1_000)  # milliseconds
    return sorted(
        one for one, at in made.items() if len(at) > MOST_FILES or (len(at) > 1 and sorted(at)[1] < now - LONGEST_APART)
    )


def drop_records(lake: Lake, workspace: int, keys: Collection[Key]) -> None:
    """Delete all rows of customers that any of these keys were ever part of. For the lease's holder, who sweeps.

    Old rows too, and those of others from whom they were split since: who is still a customer is recorded again.
    """
    table, files = records_table(lake), lake.record_files(workspace)
    if table is None or not files or not keys:
        return
    import duckdb

    query = (
        "WITH keys AS (SELECT unnest(?::VARCHAR[]) AS key),"
        " named AS (SELECT root, unnest(from_json(strands, '[\"VARCHAR\"]')) AS key"
        " FROM read_parquet(?, hive_partitioning = true) UNION ALL"
        " SELECT root, root FROM read_parquet(?, hive_partitioning = true))"
        " SELECT DISTINCT root FROM named SEMI JOIN keys USING (key) ORDER BY root"
    )
    with closing(duckdb.connect(config={"memory_limit": "1GB"})) as duck:
        found = [str(root) for (root,) in duck.execute(query, [[key.hex() for key in keys], files, files]).fetchall()]
    for some in chunks(found, 2_000):
        slices = ", ".join(f"'{one}'" for one in sorted({root[0] for root in some}))
        named = ", ".join(f"'{root}'" for root in some)
        table.delete(f"workspace = {int(workspace)} AND slice IN ({slices}) AND root IN ({named})")


def join_slice(lake: Lake, workspace: int, slice_: str) -> None:
    """Leave the newest row of each customer of a slice, in one file. For the lease's holder. Memory: a slice."""
    import duckdb

    names = [name for name in RecordRow._fields if name not in _PARTITION and name != "as_of"]
    newest = (
        f"SELECT {', '.join(names)}, epoch_us(as_of) FROM read_parquet(?, hive_partitioning = true)"
        " QUALIFY row_number() OVER (PARTITION BY root ORDER BY as_of DESC) = 1 AND record IS NOT NULL ORDER BY root"
    )
    with closing(duckdb.connect(config={"memory_limit": "1GB"})) as duck:
        found = duck.execute(newest, [lake.record_files(workspace, slice_)]).fetchall()
    where = f"workspace = {int(workspace)} AND slice = '{slice_}'"
    if not found:
        _made(lake).delete(where)
        return
    rows = [RecordRow(workspace, slice_, *row) for row in found]
    deltalake().write_deltalake(
        _made(lake), _arrow(rows), mode="overwrite", predicate=where, partition_by=_PARTITION,
        writer_properties=writer(),
    )  # fmt: skip


def _made(lake: Lake) -> DeltaTable:
    if not lake.is_there(lake.records):
        lake.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        deltalake().DeltaTable.create(
            str(lake.records), schema=delta_schema(_COLUMNS), partition_by=_PARTITION,
            configuration={**CONFIGURATION, "delta.dataSkippingStatsColumns": "as_of"},
        )  # fmt: skip
    found: DeltaTable = deltalake().DeltaTable(str(lake.records))
    return found


def _arrow(rows: Sequence[RecordRow]) -> Any:
    return arrow_table(_COLUMNS, {name: [getattr(row, name) for row in rows] for name in _COLUMNS})
