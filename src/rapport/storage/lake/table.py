"""The table of facts in the lake: where it lies, its columns, and how it is opened.

A Delta table `facts` below the installation's `lake` folder, partitioned by workspace and by the day a fact was
received: the server's own clock, so that no client can scatter a batch over thousands of folders. Within a file facts
lie in the order of the log, and both times have bounds in the table's own log, so a period is found without reading
the rest. Ids are texts, times are UTC, the body is one JSON document. Delta keeps the bounds of no column that names a
person (`CONFIGURATION`), so that a rewritten table forgets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapport.kernel.clock import DAY
from rapport.kernel.errors import Misconfigured
from rapport.kernel.facts import name_of
from rapport.kernel.ids import new_id
from rapport.storage.engine import Database
from rapport.storage.log import StoredRow

if TYPE_CHECKING:
    from deltalake import DeltaTable, WriterProperties

__all__ = [
    "ARCHIVED", "COLUMNS", "CONFIGURATION", "PARTITION", "Lake", "arrow_of", "arrow_table", "delta_schema", "deltalake",
    "is_installed", "lake_of", "writer",
]  # fmt: skip

PARTITION = ["workspace", "received_day"]

COLUMNS = {
    "seq": "int64",
    "workspace": "int32",
    "received_day": "date32",
    "message_id": "string",
    "source": "string",
    "strand": "string",
    "name": "string",
    "occurred_at": "timestamp",
    "received_at": "timestamp",
    "body": "string",
}
"""By name, with what it holds. `strand` is hexadecimal; `body` is the JSON of the fact."""

ARCHIVED = "rapport.facts"
"""Under this name each commit of the table carries the `seq` up to which the log is in it."""

CONFIGURATION = {
    "delta.dataSkippingStatsColumns": "seq,occurred_at,received_at",
    "delta.logRetentionDuration": "interval 0 days",
    "delta.deletedFileRetentionDuration": "interval 0 hours",
    "delta.checkpointInterval": "50",
}


class Lake:
    """The lake of one installation. Cheap to make; it is read anew whenever it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = folder / "facts"
        self.records = folder / "records"

    def exists(self) -> bool:
        """Whether anything was ever archived."""
        return self.is_there(self.facts)

    def is_there(self, table: Path) -> bool:
        """Whether one of its tables was ever written to."""
        return (table / "_delta_log").is_dir()

    def open(self, table: Path) -> DeltaTable | None:
        """One of its tables as it is now; None where it was never written to. Raises Misconfigured."""
        if not self.is_there(table):
            return None
        found: DeltaTable = deltalake().DeltaTable(str(table))
        return found

    def table(self) -> DeltaTable | None:
        """The table of facts as it is now; None where nothing was ever archived. Raises Misconfigured."""
        return self.open(self.facts)

    def make(self) -> DeltaTable:
        """The table of facts, made where it is missing."""
        if not self.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            deltalake().DeltaTable.create(
                str(self.facts), schema=delta_schema(COLUMNS), partition_by=PARTITION, configuration=CONFIGURATION
            )
        found: DeltaTable = deltalake().DeltaTable(str(self.facts))
        return found

    def name(self) -> str:
        """What the lake is called, by which a database knows its own; made where it has none yet."""
        file = self.folder / "name"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with suppress(FileExistsError), file.open("x") as made:
                made.write(new_id("lake"))
        return file.read_text().strip()

    def archived(self) -> int:
        """The `seq` up to which the log is in the lake."""
        table = self.table()
        return 0 if table is None else int(table.transaction_version(ARCHIVED) or 0)

    def files(self, workspace: int | None = None) -> list[str]:
        """The Parquet files that hold the facts of a shop (of all where None) now; a path each."""
        table = self.table()
        if table is None:
            return []
        return table.file_uris(None if workspace is None else [("workspace", "=", str(workspace))])

    def record_files(self, workspace: int, slice_: str = "") -> list[str]:
        """The Parquet files that hold the Golden Records of a shop, or of a slice of them, now; a path each."""
        table = self.open(self.records)
        if table is None:
            return []
        where = [("workspace", "=", str(workspace)), *([("slice", "=", slice_)] if slice_ else [])]
        return table.file_uris(where)

    def size_bytes(self) -> int:
        """Bytes of all its tables on disk, their own logs included."""
        tables = (table for table in (self.facts, self.records) if self.is_there(table))
        return sum(file.stat().st_size for table in tables for file in table.rglob("*") if file.is_file())


def lake_of(db: Database) -> Lake | None:
    """The lake of the installation that has this database; None where it has no data folder."""
    return None if db.folder is None else Lake(db.folder / "lake")


def is_installed() -> bool:
    """Whether the optional packages of the lake are here."""
    from importlib.util import find_spec

    return all(find_spec(name) is not None for name in ("deltalake", "arro3", "duckdb"))


def arrow_of(rows: Sequence[StoredRow]) -> Any:
    """The rows as an Arrow table with `COLUMNS`."""
    values: dict[str, list[Any]] = {
        "seq": [row.seq for row in rows],
        "workspace": [row.workspace for row in rows],
        "received_day": [row.received_at // DAY for row in rows],
        "message_id": [row.message_id for row in rows],
        "source": [row.source for row in rows],
        "strand": [row.strand.hex() for row in rows],
        "name": [name_of(row.body) for row in rows],
        "occurred_at": [row.occurred_at for row in rows],
        "received_at": [row.received_at for row in rows],
        "body": [row.body.decode() for row in rows],
    }
    return arrow_table(COLUMNS, values)


def arrow_table(columns: Mapping[str, str], values: Mapping[str, list[Any]]) -> Any:
    """An Arrow table of columns by name and type, as `COLUMNS` has them; one that ends with `?` may be empty."""
    from arro3.core import Array, DataType, Field, Schema, Table

    held = {"int64": DataType.int64(), "int32": DataType.int32(), "string": DataType.string()}
    kinds = held | {"date32": DataType.date32(), "timestamp": DataType.timestamp("us", tz="UTC")}
    through = {"date32": DataType.int32(), "timestamp": DataType.int64()}
    arrays, fields = [], []
    for name, said in columns.items():
        kind = said.rstrip("?")
        arrays.append(Array(values[name], through.get(kind) or kinds[kind]).cast(kinds[kind]))
        fields.append(Field(name, kinds[kind], nullable=said.endswith("?")))
    return Table.from_arrays(arrays, schema=Schema(fields))


def writer() -> WriterProperties:
    """How files are written: compressed as well as is still quick."""
    made: WriterProperties = deltalake().WriterProperties(compression="ZSTD", compression_level=3)
    return made


def delta_schema(columns: Mapping[str, str]) -> Any:
    """The same columns as Delta names them."""
    types = {"int64": "long", "int32": "integer", "date32": "date"}
    delta = deltalake()
    fields = [
        delta.Field(
            name, delta.schema.PrimitiveType(types.get(kind.rstrip("?"), kind.rstrip("?"))), nullable=kind.endswith("?")
        )
        for name, kind in columns.items()
    ]
    return delta.Schema(fields)


def deltalake() -> Any:
    """The package, imported where it is needed: it is an optional one. Raises Misconfigured."""
    try:
        import deltalake as package
        import deltalake.schema as _schema  # noqa: F401 - `package.schema` is there from here on
    except ModuleNotFoundError as missing:
        raise Misconfigured(
            f"the lake needs {missing.name}", hint="install rapport with its extra: pip install 'rapport[lake]'"
        ) from missing
    return package
