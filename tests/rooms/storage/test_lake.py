"""The lake has every fact of the log once, whatever is killed in between, and forgets who is erased."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from rapport.kernel.clock import DAY, HOUR, MINUTE, now_us
from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key
from rapport.storage import log
from rapport.storage.lake import archiver, erasing, upkeep
from rapport.storage.lake.lease import alone
from rapport.storage.lake.records import (
    LONGEST_APART,
    RecordRow,
    add_records,
    crowded_slices,
    join_slice,
    records_table,
)
from rapport.storage.lake.table import Lake
from tests.running import ROOT
from tests.shop import NOON, Shop


@pytest.fixture
def shop(any_shop: Shop, tmp_path: Path) -> Shop:
    """A shop with three days of facts of ten people, one of whom writes in an odd way."""
    any_shop.db.folder = tmp_path
    views(any_shop, 0, 300)
    return any_shop


def views(shop: Shop, first: int, last: int) -> None:
    shop.send(
        *(
            shop.message("Product Viewed", at=NOON + n * HOUR // 4, user=f"u{n % 10}", product_id=f"Weiß \0 '{n}")
            for n in range(first, last)
        )
    )


def lake_of(shop: Shop) -> Lake:
    assert shop.db.folder is not None
    return Lake(shop.db.folder / "lake")


def is_whole(shop: Shop) -> bool:
    found = upkeep.verify(shop.db, lake_of(shop))
    with shop.db.read() as conn:
        facts = conn.execute(sa.select(sa.func.count()).select_from(log.facts)).scalar_one()
    return found.is_whole and (found.facts, found.only_in_lake) == (facts, 0)


def test_every_fact_is_in_the_lake_once_however_often_one_archives(shop: Shop) -> None:
    lake = lake_of(shop)
    assert archiver.archive(shop.db, lake, at_once=70, most=100).facts == 100
    assert archiver.archive(shop.db, lake, at_once=70).facts == 200
    assert archiver.archive(shop.db, lake).facts == 0
    views(shop, 290, 310)
    assert archiver.archive(shop.db, lake).facts == 20
    assert is_whole(shop)


def test_anybody_can_read_it_by_shop_and_day(shop: Shop) -> None:
    archiver.archive(shop.db, lake_of(shop))
    days = duckdb.execute(
        f"SELECT workspace, received_day::text, count(*), any_value(body->>'$.properties.product_id')"
        f" FROM read_parquet('{lake_of(shop).facts}/**/*.parquet', hive_partitioning = true) GROUP BY ALL ORDER BY 2"
    ).fetchall()
    assert [day[:3] for day in days] == [
        (shop.id, "2026-09-21", 48), (shop.id, "2026-09-22", 96), (shop.id, "2026-09-23", 96),
        (shop.id, "2026-09-24", 60),
    ]  # fmt: skip
    assert all(day[3].startswith("Weiß") for day in days)


def test_joining_files_changes_no_fact(shop: Shop) -> None:
    lake = lake_of(shop)
    for n in range(20):
        views(shop, 300 + n, 301 + n)
        archiver.archive(shop.db, lake)
    assert upkeep.crowded(lake)
    done = upkeep.compact(shop.db, lake)
    assert (done.before > 20, done.after <= 5, upkeep.crowded(lake), is_whole(shop)) == (True, True, False, True)


def test_who_is_erased_is_in_no_file_of_the_lake_any_more_and_others_are(shop: Shop) -> None:
    """Parquet is compressed: what is left in each file on disk is read, not searched for."""
    lake = lake_of(shop)
    archiver.archive(shop.db, lake, at_once=40)
    with shop.db.read() as conn:
        strand = Key(log.read_after(conn, after=0, upto=1, buckets=None, limit=1)[0].strand)
    gone = erasing.forget(shop.db, lake, shop.id, [strand])
    assert (gone.facts, gone.bytes_after < gone.bytes_before) == (30, True)
    left = [
        row[0]
        for file in lake.facts.glob("workspace=*/**/*.parquet")
        for row in duckdb.execute("SELECT DISTINCT strand FROM read_parquet(?)", [str(file)]).fetchall()
    ]
    assert (strand.hex() in left, len(set(left))) == (False, 9)
    assert not [file for file in (lake.facts / "_delta_log").iterdir() if b"u0" in file.read_bytes()]
    assert (upkeep.verify(shop.db, lake).missing, archiver.archive(shop.db, lake).facts) == (30, 0)
    assert erasing.forget(shop.db, lake, shop.id, [strand]).facts == 0


def test_sweeping_touches_nothing_that_lies_beside_the_tables(shop: Shop) -> None:
    """A clean-up that takes whatever it does not know has cost others their files."""
    lake = lake_of(shop)
    archiver.archive(shop.db, lake)
    strange = lake.folder / "of-an-analyst.parquet"
    strange.write_bytes(b"mine")
    with alone(shop.db, lake):
        upkeep.sweep(lake, keep_hours=0)
    assert strange.read_bytes() == b"mine"
    assert is_whole(shop)


def test_any_engine_can_open_the_tables(shop: Shop) -> None:
    """The oldest protocol there is: no vectors of deleted rows, and no time without a zone, which Spark refuses."""
    lake = lake_of(shop)
    archiver.archive(shop.db, lake)
    add_records(lake, [RecordRow(1, "a", "ab", "cus_1", "s", "[]", "{}", NOON)])
    for table in (lake.table(), records_table(lake)):
        assert table is not None
        protocol, types = table.protocol(), {str(field.type) for field in table.schema().fields}
        assert (protocol.min_reader_version, protocol.min_writer_version <= 2) == (1, True)
        assert types <= {f'PrimitiveType("{one}")' for one in ("long", "integer", "string", "date", "timestamp")}
        assert table.metadata().configuration.get("delta.enableDeletionVectors", "false") == "false"


def recorded(lake: Lake) -> set[tuple[str, str | None]]:
    """What is left of records in any file on disk, whether the table still knows it or not."""
    return {
        row
        for file in lake.records.glob("workspace=*/**/*.parquet")
        for row in duckdb.execute("SELECT root, record FROM read_parquet(?)", [str(file)]).fetchall()
    }


ADA, BO, CY = "aa" * 16, "bb" * 16, "cc" * 16


def row(workspace: int, root: str, record: str, *strands: str, at: int = NOON) -> RecordRow:
    return RecordRow(workspace, root[0], root, "cus_1", record, json.dumps([root, *strands]), record, at)


@pytest.mark.parametrize("has_facts", [True, False])
def test_old_records_of_others_go_with_whoever_was_once_part_of_them(shop: Shop, *, has_facts: bool) -> None:
    """Ada and Bo were one, were told apart, and Bo is erased: what was recorded of both says things of Bo."""
    lake = lake_of(shop)
    if has_facts:
        archiver.archive(shop.db, lake)
    add_records(lake, [row(shop.id, ADA, "both", BO), row(shop.id, CY, "Cy"), row(shop.id + 1, ADA, "abroad", BO)])
    add_records(lake, [row(shop.id, ADA, "Ada", at=NOON + 1), row(shop.id, BO, "Bo", at=NOON + 1)])
    assert (shop.id, Key(bytes.fromhex(BO))) in {one for some in upkeep.read_strands(lake) for one in some}
    erasing.forget(shop.db, lake, shop.id, [Key(bytes.fromhex(BO))])
    assert recorded(lake) == {(CY, "Cy"), (ADA, "abroad")}, "Ada is recorded again by the next pass"


@pytest.mark.parametrize("is_gone", [True, False])
def test_records_go_with_the_facts_that_were_redacted_or_taken_back(shop: Shop, *, is_gone: bool) -> None:
    """Old rows stay in files until they are joined: they would keep what the log no longer says."""
    lake = lake_of(shop)
    archiver.archive(shop.db, lake)
    with shop.db.read() as conn:
        fact = log.read_after(conn, after=0, upto=1, buckets=None, limit=1)[0]
    person = fact.strand.hex()
    add_records(lake, [row(shop.id, person, "old"), row(shop.id, CY, "Cy")])
    add_records(lake, [row(shop.id, person, "new", at=NOON + 1)])
    if is_gone:
        with shop.db.write() as conn:
            conn.execute(log.facts.delete().where(log.facts.c.seq == fact.seq))
    erasing.refile(shop.db, lake, shop.id, [fact.seq])
    assert recorded(lake) == {(CY, "Cy")}
    assert is_whole(shop)


def test_what_a_record_was_leaves_the_disk_within_days_however_few_files_there_are(shop: Shop) -> None:
    lake = lake_of(shop)
    add_records(lake, [row(shop.id, ADA, "old")])
    add_records(lake, [row(shop.id, ADA, "new", at=NOON + 1)])
    assert crowded_slices(lake, now=now_us()) == []
    assert crowded_slices(lake, now=now_us() + LONGEST_APART + MINUTE) == [(shop.id, "a")]
    with alone(shop.db, lake):
        join_slice(lake, shop.id, "a")
        upkeep.sweep(lake, keep_hours=0)
    assert recorded(lake) == {(ADA, "new")}
    assert crowded_slices(lake, now=now_us() + LONGEST_APART + MINUTE) == []


def test_what_came_after_an_erasure_stays(shop: Shop) -> None:
    lake = lake_of(shop)
    upto = archiver.archive(shop.db, lake).upto
    with shop.db.read() as conn:
        strand = Key(log.read_after(conn, after=0, upto=1, buckets=None, limit=1)[0].strand)
    shop.send(shop.message("Product Viewed", at=NOON + 9 * DAY, user="u0", product_id="back"))
    archiver.archive(shop.db, lake)
    assert erasing.forget(shop.db, lake, shop.id, [strand], upto=upto).facts == 30
    assert [row.seq for row in upkeep.read_rows(lake) if row.strand == strand] == [301]


def test_one_at_a_time_writes_to_the_lake(shop: Shop) -> None:
    lake = lake_of(shop)
    archiver.archive(shop.db, lake)
    with (
        alone(shop.db, lake),
        pytest.raises(Conflict, match="somebody else is writing"),
        alone(shop.db, lake, wait=False),
    ):
        pass
    upkeep.compact(shop.db, lake, wait=False)


def test_a_database_older_than_the_lake_is_refused(shop: Shop, tmp_path: Path) -> None:
    """After a backup was restored, numbers are given out again: new facts would pass for archived."""
    lake = lake_of(shop)
    archiver.archive(shop.db, lake)
    other = Shop(f"sqlite:///{tmp_path / 'other' / 'rapport.db'}", slices=shop.pipeline.slices)
    with pytest.raises(Conflict, match="the log ends at 0: the database is older than the lake"):
        archiver.archive(other.db, lake)
    other.close()


KILLED = """
import os, sys
from pathlib import Path
from rapport.storage.engine import Database
from rapport.storage.lake import archiver, upkeep
from rapport.storage.lake.table import Lake

url, folder, step, after = sys.argv[1:]
seen = 0

def trace(frame, event, arg):
    global seen
    if event == "call" and "storage/lake" in frame.f_code.co_filename:
        seen += 1
        if seen == int(after):
            os.kill(os.getpid(), 9)

db, lake = Database.open(url), Lake(Path(folder))
sys.setprofile(trace)
archiver.archive(db, lake, at_once=60) if step == "archive" else upkeep.compact(db, lake)
"""


@pytest.mark.parametrize("step", ["archive", "compact"])
def test_whatever_is_killed_no_fact_is_twice_and_none_is_missing(shop: Shop, step: str) -> None:
    lake, died = lake_of(shop), 0
    url = shop.db.engine.url
    text = make_url(url).set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
    if step == "compact":
        for _ in range(2):
            archiver.archive(shop.db, lake, at_once=50)
    for after in (3, 9, 14, 19, 26, 33):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, text, str(lake.folder), step, str(after)],
            cwd=ROOT, check=False, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, capture_output=True,
        )  # fmt: skip
        died += done.returncode == -signal.SIGKILL
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
    assert died >= 2
    archiver.archive(shop.db, lake)
    upkeep.compact(shop.db, lake)
    assert is_whole(shop)
