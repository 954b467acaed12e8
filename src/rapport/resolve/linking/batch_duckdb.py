"""A whole table on DuckDB, in this process: pairs by SQL, features in memory, some 2 kilobytes a row."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.blocking import keys_of
from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.comparer import Comparer, Prepared
from rapport.resolve.linking.forming import form_persons, groups_of, match_of
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.prediction import (
    LARGEST_BLOCK,
    LEAST_PROBABILITY,
    Linked,
    require_libraries,
    settings_of,
)
from rapport.resolve.linking.scorer import Match
from rapport.resolve.linking.training import Progress, connection, register_records

if TYPE_CHECKING:
    import duckdb

__all__ = ["DuckDBTable"]


class DuckDBTable:
    """The rows of a Parquet or CSV file; the persons become one Parquet file."""

    def __init__(self, table: str, out: str) -> None:
        require_libraries("identity", "duckdb", "numpy", "pyarrow", "splink")
        self._out = Path(out)
        self._rows = _read(Path(table))
        if not self._rows:
            raise InvalidInput(f"{table} holds no rows")

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        return list(self._rows[0])

    def sample(self) -> list[dict[str, Any]]:
        """All rows; training takes what it needs."""
        return self._rows

    def link(self, model: LinkModel, *, largest_group: int, progress: Progress) -> Linked:
        """Compare, form persons and write them."""
        comparer = Comparer.of_model(model)
        prepared = [comparer.prepare(row) for row in self._rows]
        progress("comparing candidates", 0.5)
        matches, likely = _matches(model, comparer, prepared)
        progress("forming persons", 0.9)
        persons: dict[int, int] = {}
        for group in groups_of(range(len(prepared)), matches, largest=largest_group):
            persons |= form_persons(model, comparer, prepared, group, matches)
        _write(self._out, [persons[record] for record in range(len(prepared))])
        return Linked(len(persons), likely, len(set(persons.values())))


def _matches(model: LinkModel, comparer: Comparer, prepared: Sequence[Prepared]) -> tuple[dict[int, list[Match]], int]:
    """Of each record the matches among those before it; and how many are likely."""
    found: defaultdict[int, list[Match]] = defaultdict(list)
    likely = 0
    with connection() as conn:
        register_records(conn, comparer, prepared, {"keys": _keys(comparer, prepared)})
        for a, b, odds in _judged(conn, comparer, prepared) if model.shop else _predicted(conn, model):
            found[max(a, b)].append(match_of(min(a, b), odds))
            likely += odds >= model.thresholds.pair
    return found, likely


def _predicted(conn: duckdb.DuckDBPyConnection, model: LinkModel) -> Iterator[tuple[int, int, float]]:
    """By Splink, whose weights the model's are."""
    from splink import DuckDBAPI, Linker

    table = DuckDBAPI(connection=conn).register("records", table_name="people")
    linker = Linker(table, settings_of(model), log_level=None)
    predicted = linker.inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    yield from _rows(conn, f"SELECT record_l, record_r, match_weight FROM {predicted.physical_name}")


def _judged(
    conn: duckdb.DuckDBPyConnection, comparer: Comparer, prepared: Sequence[Prepared]
) -> Iterator[tuple[int, int, float]]:
    """By the very judge that scores live; DuckDB finds who is to be compared."""
    filed = "SELECT record, unnest(keys) AS key FROM records"
    both = f"({filed}) l JOIN ({filed}) r USING (key) WHERE l.record < r.record"
    pairs = f"SELECT DISTINCT l.record, r.record FROM {both}"
    for a, b in _rows(conn, pairs):
        odds = comparer.score(prepared[a], prepared[b])
        if odds >= WORTH_A_LOOK:
            yield a, b, odds


def _rows(conn: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, ...]]:
    answer = conn.execute(query)
    while rows := answer.fetchmany(100_000):
        yield from rows


def _keys(comparer: Comparer, prepared: Sequence[Prepared]) -> list[list[int]]:
    """Of each record the keys that some other has, too, and not too many."""
    keys = [keys_of(comparer.aspects, record) for record in prepared]
    sizes = Counter(key for several in keys for key in several)
    return [[key for key in several if 1 < sizes[key] <= LARGEST_BLOCK] for several in keys]


def _read(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.is_dir() or path.suffix == ".parquet":
            read = pq.read_table(path)
            rows: list[dict[str, Any]] = read.rename_columns([name.strip() for name in read.column_names]).to_pylist()
            return rows
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [{(name or "").strip(): text for name, text in row.items()} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise InvalidInput(f"{path} cannot be read: {error}", hint="a .parquet or a .csv file in UTF-8") from error


def _write(out: Path, persons: Sequence[int]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"record": pa.array(range(len(persons)), pa.int64()), "person": pa.array(persons, pa.int64())}
    pq.write_table(pa.table(columns), out)
