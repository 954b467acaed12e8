"""All rows of a table at once, with Splink on DuckDB: the same levels, weights and keys as live, pairs by SQL.

DuckDB joins the blocking keys and lets Splink weigh every pair; the persons are then formed by the same mean weights.
The features stay in memory, some 2 kilobytes a row; pairs do not.
"""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.blocking import keys_of
from rapport.resolve.linking.clusters import WORTH_A_LOOK, Clusters
from rapport.resolve.linking.kinds import detect, read_map
from rapport.resolve.linking.model import Comparer, LinkModel, Prepared, probability
from rapport.resolve.linking.scorer import Match
from rapport.resolve.linking.training import Progress, connection, register_records, splink_comparison, train

if TYPE_CHECKING:
    import duckdb

__all__ = ["BatchReport", "link_table"]

_LARGEST_BLOCK = 100
"""Rows under one key; a key of more is not looked at."""


class BatchReport(NamedTuple):
    """What was linked."""

    records: int
    pairs: int
    """As likely as not to be one person, or likelier."""
    persons: int
    seconds: float


def link_table(
    table: Path, out: Path, *, model_path: Path | None, map_path: Path | None, progress: Progress
) -> BatchReport:
    """Link the rows of a Parquet or CSV file; writes Parquet with `record` (row number) and `person`.

    Raises InvalidInput for a table or model that cannot be read, Unavailable without the extra `identity`.
    """
    started = time.monotonic()
    rows = _read(table)
    model = _model(rows, model_path, map_path, progress)
    comparer = Comparer.of_model(model)
    prepared = [comparer.prepare(row) for row in rows]
    matches = _matches(model, comparer, prepared, progress)
    clusters = Clusters(
        lambda a, b, *, above: comparer.score(prepared[a], prepared[b], above=above), threshold=model.thresholds.link
    )
    progress("forming persons", 0.9)
    for record in range(len(rows)):
        clusters.add(record, sorted(matches.pop(record, []), key=lambda match: -match.score))
    persons = [clusters.person_of(record) for record in range(len(rows))]
    _write(out, persons)
    return BatchReport(len(rows), matches.likely, len(set(persons)), time.monotonic() - started)


class _Matches(defaultdict[int, list[Match]]):
    """Of each record the matches among those before it."""

    likely = 0


def _matches(model: LinkModel, comparer: Comparer, prepared: Sequence[Prepared], progress: Progress) -> _Matches:
    found = _Matches(list)
    with connection() as conn:
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on

        register_records(conn, comparer, prepared, {"keys": _keys(comparer, prepared)})
        table = DuckDBAPI(connection=conn).register("records", table_name="people")
        settings = SettingsCreator(
            link_type="dedupe_only",
            unique_id_column_name="record",
            comparisons=[splink_comparison(at, c.m, c.u) for at, c in enumerate(model.comparisons)],
            probability_two_random_records_match=probability(model.prior),
            blocking_rules_to_generate_predictions=[block_on("keys", arrays_to_explode=["keys"])],
            retain_matching_columns=False,
        )
        progress("comparing candidates", 0.5)
        linker = Linker(table, settings, log_level=None)
        predicted = linker.inference.predict(threshold_match_probability=probability(WORTH_A_LOOK))
        for a, b, odds in _pairs(conn, predicted.physical_name):
            found[max(a, b)].append(Match(min(a, b), odds))
            found.likely += odds >= model.thresholds.pair
    return found


def _pairs(conn: duckdb.DuckDBPyConnection, table: str) -> Iterator[tuple[int, int, float]]:
    answer = conn.execute(f"SELECT record_l, record_r, match_weight FROM {table}")
    while rows := answer.fetchmany(100_000):
        yield from rows


def _keys(comparer: Comparer, prepared: Sequence[Prepared]) -> list[list[int]]:
    """Of each record the keys that some other has, too, and not too many."""
    keys = [keys_of(comparer.aspects, record) for record in prepared]
    sizes = Counter(key for several in keys for key in several)
    return [[key for key in several if 1 < sizes[key] <= _LARGEST_BLOCK] for several in keys]


def _model(
    rows: Sequence[Mapping[str, Any]], model_path: Path | None, map_path: Path | None, progress: Progress
) -> LinkModel:
    if model_path is None:
        layout = detect(rows, given=read_map(map_path) if map_path else None)
        return train(rows, layout, progress=lambda doing, share: progress(doing, share / 2))
    try:
        return LinkModel.from_json(model_path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"{model_path} is no model: {error}", hint="rapport identity card VERSION --json") from error


def _read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{(name or "").strip(): text for name, text in row.items()} for row in csv.DictReader(file)]


def _write(out: Path, persons: Sequence[int]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"record": pa.array(range(len(persons)), pa.int64()), "person": pa.array(persons, pa.int64())}
    pq.write_table(pa.table(columns), out)
