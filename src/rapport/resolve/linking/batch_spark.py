"""A whole table on Spark: nothing but a sample for training, and the count of what was found, comes to this process.

A row carries the texts of its aspects, and the executors make features of them with the code that scores live. Splink
weighs the pairs and finds which rows hang together at all; each such group is divided into persons on one executor.
What stands between the steps is kept in a folder beside `out` that is removed at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial, reduce
from hashlib import blake2b
from itertools import accumulate, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from rapport.kernel.ids import new_id
from rapport.resolve.linking.blocking import keys_of
from rapport.resolve.linking.clusters import WORTH_A_LOOK
from rapport.resolve.linking.comparer import Comparer
from rapport.resolve.linking.forming import CUTS, Group, form_persons, match_of
from rapport.resolve.linking.model import LearnedComparison, LinkModel, probability
from rapport.resolve.linking.prediction import (
    LARGEST_BLOCK,
    LEAST_PROBABILITY,
    Linked,
    require_libraries,
    settings_of,
)
from rapport.resolve.linking.spark import (
    PLACE,
    new_folder,
    read_placed,
    require_absent,
    require_master,
    session,
    telling_what_executors_lack,
)
from rapport.resolve.linking.training import MOST_ROWS, Progress

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from splink import SparkAPI

__all__ = ["SparkTable", "opened"]

_REMEMBERED = 20_000
"""Texts of one aspect whose features an executor keeps."""
_TOGETHER = 10_000
"""Rows that an executor hands back at once."""


@contextmanager
def opened(table: str, out: str, *, master: str) -> Iterator[SparkTable]:
    """A Spark session with the table in it. Raises InvalidInput and Unavailable, see `link_table`."""
    require_master(master)
    require_libraries("spark", "duckdb", "numpy", "pandas", "pyarrow", "pyspark", "splink")
    logging.getLogger("splink").setLevel(logging.ERROR)
    working = f"{out.rstrip('/')}.working-{new_id('run')}"
    with session(master) as spark:
        require_absent(spark, out)
        columns, rows = read_placed(spark, table)
        with new_folder(spark, working), telling_what_executors_lack():
            yield SparkTable(spark, columns, rows, out=out, working=working)


class SparkTable:
    """The rows of whatever Spark reads; the persons become a folder of Parquet files."""

    def __init__(self, spark: SparkSession, columns: Sequence[str], rows: DataFrame, *, out: str, working: str) -> None:
        self.columns = columns
        self._spark = spark
        self._rows = rows
        self._out = out
        self._working = working

    def sample(self) -> list[dict[str, Any]]:
        """At most about MOST_ROWS rows."""
        count = self._rows.count()
        some = self._rows if count <= MOST_ROWS else self._rows.sample(MOST_ROWS / count, seed=1)
        rows: list[dict[str, Any]] = (
            some.orderBy(*PLACE).drop(*PLACE).toArrow().rename_columns(self.columns).to_pylist()
        )
        return rows

    def link(self, model: LinkModel, *, largest_group: int, progress: Progress) -> Linked:
        """Compare, form persons and write them."""
        from splink import SparkAPI

        self._spark.sparkContext.setCheckpointDir(self._working)
        splink = SparkAPI(spark_session=self._spark, register_udfs_automatically=False)  # type: ignore[no-untyped-call]
        progress("preparing rows", 0.5)
        records = self._records(model)
        progress("comparing candidates", 0.6)
        if model.shop:
            pairs = self._kept("pairs", _judged(records, model))
        else:
            pairs = _weighed(self._spark, splink, records, model)
        progress("finding groups", 0.8)
        found = _groups(self._spark, splink, records.select("record"), pairs, largest=largest_group)
        groups = self._kept("groups", found)
        progress("forming persons", 0.9)
        _persons(records, pairs, groups, model).write.parquet(self._out)
        persons = self._spark.read.parquet(self._out)
        return Linked(
            persons.count(),
            pairs.where(pairs["match_weight"] >= model.thresholds.pair).count(),
            persons.select("person").distinct().count(),
        )

    def _records(self, model: LinkModel) -> DataFrame:
        """The rows by number, with aspects and keys."""
        types = "".join(f", aspect_{at} array<string>" for at in range(len(model.comparisons)))
        prepared = self._kept(
            "prepared",
            self._rows.mapInArrow(
                partial(_prepare, model, self.columns),
                f"file string, block bigint, at bigint{types}, keys array<bigint>",
            ),
        )
        return self._kept("records", _with_telling_keys(_numbered(self._spark, prepared)))

    def _kept(self, name: str, frame: DataFrame) -> DataFrame:
        """The same rows, written once instead of made anew by every step that reads them."""
        path = f"{self._working}/{name}"
        frame.write.parquet(path)
        return self._spark.read.parquet(path)


def _numbered(spark: SparkSession, placed: DataFrame) -> DataFrame:
    """With `record`, the number of the row among all: files in the order of their names, rows as they stand in them."""
    from pyspark.sql import functions as sql

    blocks = placed.groupBy("file", "block").agg(sql.min("at").alias("first"), sql.count("*").alias("rows"))
    found = blocks.orderBy("file", "block").collect()
    before = accumulate((block["rows"] for block in found), initial=0)
    shifts = [(block["file"], block["block"], n - block["first"]) for block, n in zip(found, before, strict=False)]
    shift = spark.createDataFrame(shifts, "file string, block bigint, shift bigint")
    numbered = placed.join(sql.broadcast(shift), ["file", "block"])
    return numbered.withColumn("record", numbered["at"] + numbered["shift"]).drop(*PLACE, "shift")


def _with_telling_keys(records: DataFrame) -> DataFrame:
    """Of each record only the keys that some other has, too, and not too many."""
    from pyspark.sql import functions as sql

    filed = records.select("record", sql.explode("keys").alias("key"))
    sizes = filed.groupBy("key").agg(sql.count("*").alias("size"))
    telling = filed.join(sizes.where(sizes["size"].between(2, LARGEST_BLOCK)), "key")
    keys = telling.groupBy("record").agg(sql.collect_list("key").alias("keys"))
    joined = records.drop("keys").join(keys, "record", "left")
    return joined.withColumn("keys", sql.coalesce("keys", sql.array().cast("array<bigint>")))


def _weighed(spark: SparkSession, splink: SparkAPI, records: DataFrame, model: LinkModel) -> DataFrame:
    """The pairs that are worth a look, with their weights."""
    from pyspark.sql.types import ByteType
    from splink import Linker

    for at, comparison in enumerate(model.comparisons):
        spark.udf.register(f"level_{at}", _Level(comparison), ByteType())
    linker = Linker(splink.register(records, table_name="people"), settings_of(model), log_level=None)
    predicted = linker.inference.predict(threshold_match_probability=LEAST_PROBABILITY)
    return spark.table(predicted.physical_name)


def _judged(records: DataFrame, model: LinkModel) -> DataFrame:
    """The same by the very judge that scores live, on the executors."""
    from pyspark.sql import functions as sql

    def side(name: str) -> DataFrame:
        texts = [sql.col(f"aspect_{at}").alias(f"{name}_{at}") for at in range(len(model.comparisons))]
        return records.select(sql.col("record").alias(f"record_{name}"), *texts)

    filed = records.select("record", sql.explode("keys").alias("key"))
    left, right = (filed.withColumnRenamed("record", f"record_{name}") for name in "lr")
    pairs = left.join(right, "key").where("record_l < record_r").select("record_l", "record_r").distinct()
    both = pairs.join(side("l"), "record_l").join(side("r"), "record_r")
    return both.mapInArrow(
        partial(_score, model), "record_l bigint, record_r bigint, match_weight double, match_probability double"
    )


def _groups(spark: SparkSession, splink: SparkAPI, records: DataFrame, pairs: DataFrame, *, largest: int) -> DataFrame:
    """`record`, `group` and its `cut`: what `groups_of` does, with Splink's connected components."""
    from pyspark.sql import functions as sql
    from splink.clustering import cluster_pairwise_predictions_at_threshold

    done = []
    for cut in CUTS:
        tied = cluster_pairwise_predictions_at_threshold(
            records, pairs, splink, "record", threshold_match_probability=probability(cut)
        )
        groups = spark.table(tied.physical_name).select("record", sql.col("cluster_id").alias("group"))
        sizes = groups.groupBy("group").agg(sql.count("*").alias("size"))
        large = sizes.where((sizes["size"] > largest) & sql.lit(cut != CUTS[-1]))
        done.append(groups.join(large, "group", "left_anti").withColumn("cut", sql.lit(cut)))
        records = groups.join(large, "group", "left_semi").select("record")
        if records.isEmpty():
            break
        pairs = _between(records, pairs)
    return reduce(lambda some, more: some.union(more), done)


def _between(records: DataFrame, pairs: DataFrame) -> DataFrame:
    """The pairs whose both records are among these."""
    for side in ("record_l", "record_r"):
        pairs = pairs.join(records.withColumnRenamed("record", side), side, "left_semi")
    return pairs


def _persons(records: DataFrame, pairs: DataFrame, groups: DataFrame, model: LinkModel) -> DataFrame:
    """`record` and `person`: each group on one executor, which sees one group at a time."""
    from pyspark.sql import functions as sql

    match = sql.struct(sql.least("record_l", "record_r").alias("earlier"), "match_weight")
    matches = pairs.groupBy(sql.greatest("record_l", "record_r").alias("record")).agg(
        sql.collect_list(match).alias("matches")
    )
    together = records.drop("keys").join(groups, "record").join(matches, "record", "left")
    together = together.repartition("group").sortWithinPartitions("group")
    return together.mapInArrow(partial(_divide, model), "record bigint, person bigint")


# --- on the executors ----------------------------------------------------------------------------------------------


def _prepare(model: LinkModel, columns: Sequence[str], batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Of rows as they were read: their place, the texts of each aspect that says something, and their keys."""
    import pyarrow as pa

    comparer = Comparer.of_model(model)
    texts_type = pa.list_(pa.string())
    for batch in batches:
        aspects: list[list[list[str] | None]] = [[] for _ in comparer.aspects]
        keys = []
        for row in batch.rename_columns([*columns, *PLACE]).to_pylist():
            texts = comparer.texts(row)
            record = tuple([comparer.feature(at, said) for at, said in enumerate(texts)])
            for column, said, feature in zip(aspects, texts, record, strict=True):
                column.append(None if feature is None else said)
            keys.append(keys_of(comparer.aspects, record, number=_stable_number))
        place = batch.columns[len(columns) :]
        arrays = [*place, *[pa.array(column, texts_type) for column in aspects], pa.array(keys, pa.list_(pa.int64()))]
        names = [*PLACE, *[f"aspect_{at}" for at in range(len(aspects))], "keys"]
        yield pa.RecordBatch.from_arrays(arrays, names)


def _stable_number(parts: tuple[str, ...]) -> int:
    """A key as a number that means the same in every process."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _score(model: LinkModel, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Of pairs with the texts of both those that are worth a look, with their odds."""
    import pyarrow as pa

    comparer = Comparer.of_model(model)
    feature = lru_cache(maxsize=_REMEMBERED)(lambda at, texts: comparer.feature(at, texts))
    numbers = range(len(comparer.aspects))
    names = ["record_l", "record_r", "match_weight", "match_probability"]
    for batch in batches:
        found: tuple[list[Any], ...] = ([], [], [], [])
        for row in batch.to_pylist():
            one, other = (
                tuple([feature(at, tuple(row[f"{side}_{at}"] or ())) for at in numbers]) for side in "lr"
            )  # fmt: skip
            odds = comparer.score(one, other)
            if odds >= WORTH_A_LOOK:
                said = (row["record_l"], row["record_r"], odds, probability(odds))
                for column, value in zip(found, said, strict=True):
                    column.append(value)
        types = (pa.int64(), pa.int64(), pa.float64(), pa.float64())
        arrays = [pa.array(column, kind) for column, kind in zip(found, types, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names)


class _Level:
    """The function `level_N`: how alike the texts are that two rows have for one aspect."""

    def __init__(self, comparison: LearnedComparison) -> None:
        comparer = Comparer([comparison.aspect], [comparison.frequencies])
        self._comparison = comparison
        self._compare = comparer.compare_at(0)
        self._feature = lru_cache(maxsize=_REMEMBERED)(lambda texts: comparer.feature(0, texts))

    def __reduce__(self) -> tuple[type[_Level], tuple[LearnedComparison]]:
        return _Level, (self._comparison,)

    def __call__(self, left: Sequence[str] | None, right: Sequence[str] | None) -> int | None:
        if left is None or right is None:
            return None
        return self._compare(self._feature(tuple(left)), self._feature(tuple(right)))


def _divide(model: LinkModel, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Of groups of rows, one after the other: `record` and `person`."""
    comparer = Comparer.of_model(model)
    rows = (row for batch in batches for row in batch.to_pylist())
    persons: dict[int, int] = {}
    for _, group in groupby(rows, key=itemgetter("group")):
        persons |= _divide_group(model, comparer, group)
        if len(persons) >= _TOGETHER:
            yield _persons_batch(persons)
            persons = {}
    yield _persons_batch(persons)


def _divide_group(model: LinkModel, comparer: Comparer, rows: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    prepared, matches, cut = {}, {}, 0.0
    for row in rows:
        record, cut = row["record"], row["cut"]
        texts = (row[f"aspect_{at}"] or () for at in range(len(comparer.aspects)))
        prepared[record] = tuple([comparer.feature(at, said) for at, said in enumerate(texts)])
        matches[record] = [match_of(match["earlier"], match["match_weight"]) for match in row["matches"] or ()]
    return form_persons(model, comparer, prepared, Group(list(prepared), cut), matches)


def _persons_batch(persons: Mapping[int, int]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = [pa.array(persons.keys(), pa.int64()), pa.array(persons.values(), pa.int64())]
    return pa.RecordBatch.from_arrays(arrays, ["record", "person"])
