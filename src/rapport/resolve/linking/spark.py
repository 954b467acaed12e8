"""Spark for one command: a session that says what it lacks, a table read with the place of each row, and folders."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from rapport.kernel.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = [
    "PLACE",
    "new_folder",
    "read_placed",
    "require_absent",
    "require_master",
    "session",
    "telling_what_executors_lack",
]

PLACE = ("file", "block", "at")
"""Columns that say where a row was read: its file, the part of the file, a number that grows within the part."""

_MASTER = re.compile(r"local(\[.+\])?|local-cluster\[.+\]|spark://.+|yarn|k8s://.+")


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """A session of our own, stopped at the end. Raises Unavailable where there is no Java or the master is silent."""
    _require_java()
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("rapport").master(master)
    builder = builder.config("spark.log.level", "FATAL").config("spark.ui.showConsoleProgress", "false")
    try:
        spark = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    except (Py4JError, PySparkException) as error:
        raise Unavailable(
            f"Spark does not start at {master}: {_said(error)}",
            hint="is the master reachable from here, and Java 17 or 21?",
        ) from error
    try:
        if master.startswith("local"):
            # The default of 200 is for clusters: here a step of a thousand rows would be 200 tasks.
            spark.conf.set("spark.sql.shuffle.partitions", str(2 * spark.sparkContext.defaultParallelism))
        yield spark
    finally:
        spark.stop()


def require_master(master: str) -> None:
    """Raise InvalidInput for what names no kind of master, which Spark would find out much later."""
    if not _MASTER.fullmatch(master):
        raise InvalidInput(f"{master!r} is no Spark master", hint="local[4], spark://HOST:7077, yarn or k8s://…")


def read_placed(spark: SparkSession, table: str) -> tuple[list[str], DataFrame]:
    """The names of the columns, and the rows with columns `c0`, `c1` … and PLACE, so that no name can be in the way.

    `.csv` is read as text with a header, anything else as Parquet. Raises InvalidInput where it cannot be read.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.sql import functions as sql

    try:
        if PurePosixPath(table).suffix == ".csv":
            frame = spark.read.csv(table, header=True, multiLine=True, escape='"')
        else:
            frame = spark.read.parquet(table)
        names = [name.strip() for name in frame.columns]
        placed = frame.select(
            "*", "_metadata.file_path", "_metadata.file_block_start", sql.monotonically_increasing_id()
        ).toDF(*[f"c{at}" for at in range(len(names))], *PLACE)
        if placed.isEmpty():
            raise InvalidInput(f"{table} holds no rows")
    except (Py4JError, PySparkException) as error:
        raise InvalidInput(
            f"{table} cannot be read: {_said(error)}", hint="Parquet, or .csv in UTF-8, that every executor reaches"
        ) from error
    return names, placed


@contextmanager
def new_folder(spark: SparkSession, path: str) -> Iterator[None]:
    """A folder on whatever file system the path names, removed at the end. Raises InvalidInput where it cannot be."""
    from py4j.protocol import Py4JError

    try:
        system, folder = _hadoop(spark, path)
        made = system.mkdirs(folder)
    except Py4JError as error:
        raise InvalidInput(f"{path} cannot be written: {_said(error)}") from error
    if not made:
        raise InvalidInput(f"{path} cannot be written")
    try:
        yield
    finally:
        system.delete(folder, True)


def require_absent(spark: SparkSession, path: str) -> None:
    """Raise InvalidInput where something is there already: Spark writes new folders."""
    from py4j.protocol import Py4JError

    try:
        system, folder = _hadoop(spark, path)
        exists = system.exists(folder)
    except Py4JError as error:
        raise InvalidInput(f"{path} cannot be written: {_said(error)}") from error
    if exists:
        raise InvalidInput(f"{path} exists already", hint="Spark writes a new folder; name another, or remove this one")


@contextmanager
def telling_what_executors_lack() -> Iterator[None]:
    """Turn a missing module on the executors into Unavailable; every other failure is left as it is."""
    from pyspark.errors import PythonException

    try:
        yield
    except PythonException as error:
        missing = re.search(r"No module named '(\w+)", str(error))
        if missing is None:
            raise
        raise Unavailable(
            f"Spark's executors lack {missing[1]}",
            hint="install rapport[spark] of this version for their Python, and set PYSPARK_PYTHON to it",
        ) from error


def _require_java() -> None:
    home = os.environ.get("JAVA_HOME")
    found = (Path(home) / "bin" / "java").exists() if home else shutil.which("java") is not None
    if not found:
        raise Unavailable(
            "Spark needs Java, and there is none" + (f" in JAVA_HOME={home}" if home else ""),
            hint="install Java 17 or 21 (Debian, Ubuntu: apt-get install default-jre-headless), or set JAVA_HOME",
        )


def _hadoop(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """The file system of a path, and the path, as Spark knows them."""
    folder = spark._jvm.org.apache.hadoop.fs.Path(path)
    return folder.getFileSystem(spark._jsc.hadoopConfiguration()), folder


def _said(error: Exception) -> str:
    """The first line of what Java said."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() or java) if java is not None else str(error)
    return text.strip().partition("\n")[0]
