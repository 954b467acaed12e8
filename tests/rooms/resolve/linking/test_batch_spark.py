"""On Spark the same persons are found as on DuckDB; and what it lacks is said before anything is done."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rapport.kernel.errors import InvalidInput, Unavailable
from rapport.resolve.linking.batch import BatchReport, Engine, link_table
from tests.rooms.resolve.linking.people import Crowd, crowd, model, write_csv

MASTER = "local[2]"
HAS_SPARK = find_spec("pyspark") is not None

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # py4j leaves sockets open


@pytest.fixture(scope="module")
def java() -> Iterator[None]:
    """Spark and Java, or a skip with the reason; a failure where RAPPORT_TEST_SPARK says that they must be there."""
    reason = "" if HAS_SPARK else "no pyspark: make spark"
    reason = reason or ("" if shutil.which("java") or os.environ.get("JAVA_HOME") else "no Java")
    if reason and os.environ.get("RAPPORT_TEST_SPARK"):
        pytest.fail(f"{reason} (a failure because RAPPORT_TEST_SPARK is set)")
    if reason:
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")  # starts in half the time
        yield


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A model as JSON."""
    path = tmp_path / "model.json"
    path.write_bytes(model().to_json())
    return path


def same_persons(table: str, folder: Path, *, model_path: Path | None = None, largest_group: int) -> BatchReport:
    """Link on both engines, compare all there is to compare, and answer Spark's report."""
    on_duckdb = link_table(table, str(folder / "file.parquet"), model_path=model_path, largest_group=largest_group)
    on_spark = link_table(
        table,
        str(folder / "spark"),
        engine=Engine.SPARK,
        master=MASTER,
        model_path=model_path,
        largest_group=largest_group,
    )
    expected, found = pq.read_table(folder / "file.parquet"), pq.read_table(folder / "spark")
    assert found.schema.names == expected.schema.names
    assert found.sort_by("record").to_pydict() == expected.to_pydict()
    assert on_spark[:3] == on_duckdb[:3]
    return on_spark


@pytest.mark.spark
@pytest.mark.usefixtures("java")
def test_a_file_of_text_is_learned_from_and_linked_as_on_duckdb(tmp_path: Path) -> None:
    """With all that text can hold: a byte order mark, quotes, commas, backslashes, line ends, accents, blank names."""
    people = crowd(150, seed=31)
    odd = ['say "hello"', "a, b", "back\\slash\\", "two\nlines", "Åsa  ", ""]
    names = sorted({name for row in people.rows for name in row})
    with (tmp_path / "people.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([" Town ", *names])
        writer.writerows(
            [odd[at % len(odd)], *(row.get(name, "") for name in names)] for at, row in enumerate(people.rows)
        )
    report = same_persons(str(tmp_path / "people.csv"), tmp_path, largest_group=20_000)
    assert report.records == len(people.rows)
    assert 0.9 * 150 <= report.persons <= 1.1 * 150
    assert [path.name for path in tmp_path.iterdir() if "working" in path.name] == []


@pytest.mark.spark
@pytest.mark.usefixtures("java")
def test_a_folder_of_files_is_linked_as_on_duckdb_and_large_groups_are_cut_alike(tmp_path: Path, saved: Path) -> None:
    write_folder(tmp_path / "people", crowd(200, seed=5), files=3)
    report = same_persons(str(tmp_path / "people"), tmp_path, model_path=saved, largest_group=3)
    assert report.pairs > 200


@pytest.mark.spark
@pytest.mark.usefixtures("java")
def test_what_spark_cannot_do_is_said(tmp_path: Path, saved: Path) -> None:
    table = write_csv(tmp_path / "people.csv", crowd(5).rows)
    (tmp_path / "broken.parquet").write_bytes(b"last_name\nadams\n")
    (tmp_path / "empty.csv").write_text("last_name\n", encoding="utf-8")
    (tmp_path / "there").mkdir()
    for wrong, out, says in (
        ("missing.parquet", "out", r"missing\.parquet cannot be read: .*[Pp]ath does not exist"),
        ("broken.parquet", "out", r"broken\.parquet cannot be read"),
        ("empty.csv", "out", "holds no rows"),
        ("people.csv", "there", "there exists already"),
        ("people.csv", "people.csv/out", "cannot be written"),
    ):
        with pytest.raises(InvalidInput, match=says):
            on_spark(str(tmp_path / wrong), tmp_path / out, model_path=saved)
    few = write_csv(tmp_path / "few.csv", [{"last_name": "adams", "notes": "x"}])
    with pytest.raises(InvalidInput, match="lacks columns that the model compares: birthday"):
        on_spark(few, tmp_path / "out", model_path=saved)
    with pytest.raises(Unavailable, match="Spark does not start at local-cluster"):
        on_spark(table, tmp_path / "out", model_path=saved, master="local-cluster[1]")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir() if "working" in path.name] == []


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.data
@pytest.mark.usefixtures("java")
def test_febrl3_is_linked_as_on_duckdb(tmp_path: Path, shared_data: Path) -> None:
    report = same_persons(str(shared_data / "identity" / "febrl3.csv"), tmp_path, largest_group=20_000)
    assert report.records == 5_000
    assert abs(report.persons - 2_000) <= 2


@pytest.mark.spark
@pytest.mark.usefixtures("java")
def test_without_java_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Unavailable, match="needs Java") as said:
        on_spark("people.csv", tmp_path / "out")
    assert "default-jre-headless" in said.value.hint


@pytest.mark.skipif(HAS_SPARK, reason="pyspark is installed")
def test_without_pyspark_it_is_said_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"needs .*pyspark") as said:
        on_spark("people.csv", tmp_path / "out")
    assert "rapport[spark]" in said.value.hint


@pytest.mark.parametrize("master", ["", "locale", "local[", "http://127.0.0.1:7077", "spark://"])
def test_what_is_no_master_is_refused(master: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no Spark master"):
        on_spark("people.csv", tmp_path / "out", master=master)


def on_spark(table: str, out: Path, *, model_path: Path | None = None, master: str = MASTER) -> BatchReport:
    return link_table(table, str(out), engine=Engine.SPARK, master=master, model_path=model_path)


def write_folder(folder: Path, people: Crowd, *, files: int) -> None:
    """Parquet files that the rows are dealt to in order."""
    folder.mkdir()
    names = sorted({name for row in people.rows for name in row})
    size = -(-len(people.rows) // files)
    for number in range(files):
        rows = people.rows[number * size : (number + 1) * size]
        columns = {name: [row.get(name) for row in rows] for name in names}
        pq.write_table(pa.table(columns), folder / f"part-{number:05}.parquet")
