"""The table of Golden Records in the lake: a row each time a customer's record was seen to have changed.

A Delta table `records` beside that of facts, partitioned by workspace and by *slice*: the first digit of the customer's
key, which is a hash, so slices are of one size. The newest row of a customer counts; one without a record says that
there is no such customer any more (erased, or merged into another). Joining files leaves the newest rows alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

from rapport.storage.lake.table import CONFIGURATION, Lake, arrow_table, delta_schema, deltalake, writer

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = ["SLICES", "RecordRow", "add_records", "crowded_slices", "join_slice", "records_table", "seals_of"]

SLICES = "0123456789abcdef"
_PARTITION = ["workspace", "slice"]
MOST_FILES = 8
"""Of one shop and slice; with more it is time to join them."""

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


def crowded_slices(lake: Lake) -> list[tuple[int, str]]:
    """Shops and slices that lie in so many files that joining them is worth it."""
    table = records_table(lake)
    folders = Counter(file.rsplit("/", 1)[0] for file in table.file_uris()) if table is not None else Counter[str]()
    found = []
    for folder, files in folders.items():
        if files > MOST_FILES:
            parts = dict(part.split("=", 1) for part in folder.split("/") if "=" in part)
            found.append((int(parts["workspace"]), parts["slice"]))
    return sorted(found)


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
