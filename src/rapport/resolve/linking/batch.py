"""All rows of a table at once, with Splink on DuckDB or on Spark: the levels, weights and keys of live, pairs by SQL.

Splink weighs every pair that shares a blocking key; the persons are then formed by the same mean weights as live. The
engines differ in where rows and pairs are: in this process, or spread over a cluster. They find the same persons.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from rapport.kernel.errors import InvalidInput
from rapport.resolve.linking.forming import LARGEST_GROUP
from rapport.resolve.linking.kinds import detect, read_map
from rapport.resolve.linking.model import LinkModel
from rapport.resolve.linking.prediction import WholeTable
from rapport.resolve.linking.shop_judge import ASKED
from rapport.resolve.linking.training import Progress, train

__all__ = ["BatchReport", "Engine", "link_table"]


class Engine(StrEnum):
    """Where the work is done."""

    DUCKDB = "duckdb"
    """In this process: up to some millions of rows."""
    SPARK = "spark"
    """On a cluster, or on all cores of this machine."""


class BatchReport(NamedTuple):
    """What was linked."""

    records: int
    pairs: int
    """As likely as not to be one person, or likelier."""
    persons: int
    seconds: float


def link_table(
    table: str,
    out: str,
    *,
    engine: Engine = Engine.DUCKDB,
    master: str = "local[*]",
    model_path: Path | None = None,
    map_path: Path | None = None,
    precision: float = ASKED,
    largest_group: int = LARGEST_GROUP,
    progress: Progress = lambda doing, share: None,
) -> BatchReport:
    """Link the rows of Parquet or CSV; writes Parquet with `record` (row number) and `person` (that of the first row).

    On DuckDB `table` and `out` are files, on Spark anything it can reach, `out` a new folder. `master` is Spark's;
    `precision`, where a shop's model is trained, the share of links that is to be right.
    Raises InvalidInput for a table, model or master that cannot be read, and where the table lacks a column that the
    model compares; Unavailable where a library, Java or the master is missing.
    """
    started = time.monotonic()
    with _opened(table, out, engine, master) as rows:
        model = _model(rows, model_path, map_path, precision, progress)
        _require_columns(table, rows, model)
        linked = rows.link(model, largest_group=largest_group, progress=progress)
    return BatchReport(*linked, seconds=time.monotonic() - started)


@contextmanager
def _opened(table: str, out: str, engine: Engine, master: str) -> Iterator[WholeTable]:
    if engine is Engine.DUCKDB:
        from rapport.resolve.linking.batch_duckdb import DuckDBTable

        yield DuckDBTable(table, out)
    else:
        from rapport.resolve.linking.batch_spark import opened

        with opened(table, out, master=master) as rows:
            yield rows


def _model(
    rows: WholeTable, model_path: Path | None, map_path: Path | None, precision: float, progress: Progress
) -> LinkModel:
    if model_path is None:
        sample = rows.sample()
        layout = detect(sample, given=read_map(map_path) if map_path else None)
        return train(sample, layout, precision=precision, progress=lambda doing, share: progress(doing, share / 2))
    try:
        return LinkModel.from_json(model_path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"{model_path} is no model: {error}", hint="rapport identity card VERSION --json") from error


def _require_columns(table: str, rows: WholeTable, model: LinkModel) -> None:
    compared = [column for comparison in model.comparisons for column in comparison.aspect.columns]
    missing = sorted(set(compared) - set(rows.columns))
    if missing:
        raise InvalidInput(
            f"{table} lacks columns that the model compares: {', '.join(missing)}",
            hint="name them as in the records it was trained on; a column may be empty",
        )
