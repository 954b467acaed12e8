"""The lake in an installation: archived by a job, forgotten with the person, and Golden Records made anew from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rapport.act.jobs import Moment, Turn
from rapport.app.cli import main
from rapport.capabilities.lake import jobs, rebuilding, recording, saved, service
from rapport.capabilities.lake.asking import Limits, ask
from rapport.capabilities.lake.charting import chart_of
from rapport.capabilities.lake.jobs import ARCHIVING, COMPACTING, FORGETTING, RECORDING
from rapport.capabilities.lake.permitted import Asking
from rapport.capabilities.lake.recording import record_all
from rapport.capabilities.lake.store import lake_forgettings, lake_home
from rapport.compose.person import erase_person
from rapport.compose.upkeep import summaries
from rapport.decide import people
from rapport.kernel.clock import HOUR, MINUTE
from rapport.kernel.errors import Conflict, InvalidInput, Misconfigured
from rapport.kernel.identifiers import BUCKETS
from rapport.kernel.ids import Key
from rapport.remember.golden import find_root
from rapport.remember.membership import records
from rapport.storage import log, suppression
from rapport.storage.lake import upkeep
from rapport.storage.lake.records import SLICES, RecordRow, add_records
from rapport.storage.lake.table import Lake
from rapport.storage.leases import Leases
from rapport.storage.tidying import found_in
from tests.jobs import turns
from tests.shop import NOON, Shop


@pytest.fixture
def shop(any_shop: Shop, tmp_path: Path) -> Shop:
    any_shop.db.folder = tmp_path
    for n in range(60):
        any_shop.send(
            any_shop.message("Order Completed", at=NOON + n * HOUR, user=f"u{n % 6}", order_id=f"o{n}", total=n)
        )
    any_shop.fold()
    return any_shop


def keys_of(shop: Shop, user: str) -> list[Key]:
    with shop.db.read() as conn:
        root = find_root(conn, shop.id, f"user_id:{user}")
        return people.strands_by_root(conn, shop.id, [root])[root]


def in_lake(shop: Shop) -> int:
    return sum(1 for _ in upkeep.read_rows(service.our_lake(shop.db)))


def rapport(*arguments: str, exit_code: int = 0) -> Any:
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == exit_code, done.output
    return json.loads(done.stdout)


def test_few_facts_wait_for_others_and_not_for_ever(shop: Shop) -> None:
    """One file for each fact of a quiet night would be many."""
    Leases(shop.db, "tests").maintain()
    moment, memory = Moment(owner="tests", buckets=tuple(range(BUCKETS))), dict[object, Any]()
    for minutes, expected in ((0, False), (9, False), (10, True)):
        turn = Turn(shop.db, ARCHIVING, moment, now=NOON + minutes * MINUTE, kept=memory)
        with shop.db.read() as conn:
            assert ARCHIVING.due(conn, turn) is expected
    assert (ARCHIVING.run(turn), in_lake(shop)) == (60, 60)
    with shop.db.read() as conn:
        assert not ARCHIVING.due(conn, turn)


def test_who_is_erased_is_forgotten_in_the_lake_and_may_come_back(shop: Shop) -> None:
    service.archive(shop.db)
    keys = keys_of(shop, "u0")
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, keys)
    shop.send(shop.message("Order Completed", at=NOON + 99 * HOUR, user="u0", order_id="back", total=1))
    service.archive(shop.db)
    assert in_lake(shop) == 61
    assert turns(shop.db, FORGETTING, now=NOON) == [len(keys)]
    assert (in_lake(shop), shop.rows(lake_forgettings)) == (51, [])


def test_an_erasure_that_was_cut_off_is_done_again(shop: Shop) -> None:
    """The note of whom to forget goes after the lake has forgotten, never before."""
    service.archive(shop.db)
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, keys_of(shop, "u1"))
    noted = shop.rows(lake_forgettings)
    service.forget_waiting(shop.db, limit=10)
    with shop.db.write() as conn:
        conn.execute(lake_forgettings.insert(), noted)  # as if killed before the note went
    assert service.forget_waiting(shop.db, limit=10) == len(noted)
    assert (in_lake(shop), shop.rows(lake_forgettings)) == (50, [])


def test_where_nothing_was_ever_archived_nobody_is_noted(shop: Shop) -> None:
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, keys_of(shop, "u1"))
    assert (shop.rows(lake_forgettings), shop.rows(lake_home)) == ([], [])


def test_a_lake_that_a_restore_put_aside_forgets_whom_no_note_leads_to(shop: Shop, tmp_path: Path) -> None:
    """One was noted in the database that was replaced; the other is erased before the new lake is archived to."""
    service.archive(shop.db)
    noted, unnoted = keys_of(shop, "u1"), keys_of(shop, "u2")
    with shop.db.write() as conn:
        conn.execute(lake_home.delete())
        suppression.suppress(conn, shop.id, noted, now=NOON)
    aside = Lake((tmp_path / "lake").rename(tmp_path / "lake.before-20261101T100000"))
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, unnoted)
        suppression.suppress(conn, shop.id, unnoted, now=NOON)
    told = service.forget_in_asides(shop.db)
    assert told == (["all who were erased for good are gone from lake.before-20261101T100000"], [])
    assert {row.strand for row in upkeep.read_rows(aside)}.isdisjoint({*noted, *unnoted})
    assert sum(1 for _ in upkeep.read_rows(aside)) == 40
    assert found_in(aside.folder.rglob("*.parquet"), [key.hex() for key in (*noted, *unnoted)]) == []
    next((aside.facts / "_delta_log").glob("*.checkpoint.parquet")).write_bytes(b"broken")
    assert service.forget_in_asides(shop.db).left


def test_what_was_put_aside_is_forgotten_whatever_its_number(shop: Shop, tmp_path: Path) -> None:
    """The log of a restored database begins again below what the lake put aside holds."""
    service.archive(shop.db)
    shutil.copytree(tmp_path / "lake", tmp_path / "lake.before-20261101T100000")
    with shop.db.write() as conn:
        conn.execute(
            lake_forgettings.insert(),
            [{"workspace": shop.id, "strand": key, "upto": 1} for key in keys_of(shop, "u3")],
        )
    turns(shop.db, FORGETTING, now=NOON)
    assert sum(1 for _ in upkeep.read_rows(Lake(tmp_path / "lake.before-20261101T100000"))) == 50


def test_another_lake_than_the_databases_own_is_refused(shop: Shop, tmp_path: Path) -> None:
    """A second machine without the shared folder would keep a second lake, and forget in neither."""
    service.archive(shop.db)
    shop.db.folder = tmp_path / "elsewhere"
    with pytest.raises(Misconfigured, match="is not the lake that this database's facts were archived to"):
        service.archive(shop.db)


def test_crowded_days_are_joined_by_a_job(shop: Shop) -> None:
    for n in range(20):
        shop.send(shop.message("Product Viewed", at=NOON, user="u1", product_id=f"p{n}"))
        service.archive(shop.db)
    assert len(turns(shop.db, COMPACTING, now=NOON)) == 1


def test_the_commands_archive_verify_compact_and_rebuild_to_the_same_digest(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert CliRunner().invoke(main, ["keys", *data]).exit_code == 0
    shop = Shop(f"sqlite:///{tmp_path / 'data' / 'rapport.db'}")
    for n in range(80):
        shop.send(
            shop.message("Product Viewed", at=NOON + n, user=f"u{n % 7}", browser=f"b{n % 9}", product_id=f"p{n}"),
            shop.message("Order Completed", at=NOON + n * HOUR, user=f"u{n % 7}", order_id=f"o{n % 70}", total=n),
        )
    shop.close()
    assert rapport("lake", "archive", *data)["facts"] == 160
    assert rapport("lake", "verify", *data) == {
        "upto": 160, "facts": 160, "missing": 0, "twice": 0, "differing": 0, "only_in_lake": 0, "whole": True,
    }  # fmt: skip
    assert rapport("lake", "compact", *data)["after"] >= 1
    told = rapport("rebuild", *data, "--into", str(tmp_path / "anew"))
    assert (told["equal"], told["served"]["customers"]) == (True, 7)
    assert told["rebuilt"] == told["served"]
    assert "exists" in CliRunner().invoke(main, ["rebuild", *data, "--into", str(tmp_path / "anew")]).stderr


def test_sql_is_asked_from_the_command_line(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert CliRunner().invoke(main, ["keys", *data]).exit_code == 0
    shop = Shop(f"sqlite:///{tmp_path / 'data' / 'rapport.db'}")
    shop.send(*(shop.message("Product Viewed", at=NOON + n, user="u", product_id=f"p{n}") for n in range(3)))
    shop.close()
    rapport("lake", "archive", *data)
    assert rapport("sql", *data, "SELECT name, count(*) AS n FROM facts GROUP BY 1")["rows"] == [["Product Viewed", 3]]
    shown = CliRunner().invoke(main, ["sql", *data, "--rows", "2", "SELECT seq FROM facts ORDER BY seq"])
    assert (shown.stdout, shown.stderr) == ("seq\n1\n2\n", "There are more rows: these are the first 2.\n")
    nobody = CliRunner().invoke(main, ["sql", *data, "--purpose", "email_marketing", "SELECT seq FROM facts"])
    assert nobody.stdout == "seq\n"
    assert "3 facts are left out" in nobody.stderr
    unknown = CliRunner().invoke(main, ["sql", *data, "--purpose", "mind_reading", "SELECT seq FROM facts"])
    assert (unknown.exit_code, "no policy knows the purpose" in unknown.stderr) == (1, True)
    refused = CliRunner().invoke(main, ["sql", *data, "DROP VIEW facts"])
    assert (refused.exit_code, "DROP is not allowed" in refused.stderr) == (1, True)


def customers_in_lake(shop: Shop) -> dict[str, dict[str, Any]]:
    """By what each record says, as an analyst reads it in SQL."""
    found = ask(shop.db, shop.id, "SELECT customer_id, record FROM customers").rows
    return {str(customer): json.loads(record) for customer, record in found}


def settle(shop: Shop) -> None:
    """The worker's pipeline keeps records with the lines of customers."""
    turns(shop.db, summaries(shop.pipeline.slices.remembered), now=NOON + 99 * HOUR)


def test_changed_golden_records_come_to_the_lake_once_and_join_the_facts(shop: Shop) -> None:
    settle(shop)
    service.archive(shop.db)
    lake = service.our_lake(shop.db)
    assert (record_all(shop.db, lake), record_all(shop.db, lake)) == (6, 0)
    shop.send(shop.message("Order Completed", at=NOON + 99 * HOUR, user="u1", order_id="new", total=1))
    shop.fold()
    settle(shop)
    service.archive(shop.db)
    assert record_all(shop.db, lake) == 1
    assert sorted(record["orders"] for record in customers_in_lake(shop).values()) == [10, 10, 10, 10, 10, 11]
    joined = "SELECT customer_id, count(*) FROM facts JOIN people USING (strand) GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    ((_, most),) = ask(shop.db, shop.id, joined).rows
    assert most == 11


def test_records_are_committed_some_at_a_time_and_what_fails_of_one_keeps_no_other_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    settle(shop)
    service.archive(shop.db)
    lake, commits = service.our_lake(shop.db), list[int]()

    def added(lake: Lake, rows: list[RecordRow]) -> None:
        commits.append(len(rows))
        add_records(lake, rows)

    monkeypatch.setattr(recording, "add_records", added)
    monkeypatch.setattr(recording, "AT_ONCE", 1)
    assert (record_all(shop.db, lake), commits, record_all(shop.db, lake)) == (6, [1] * 6, 0)
    assert len(customers_in_lake(shop)) == 6
    tried = list[str]()

    def fails_once(db: object, lake: object, slice_: str) -> int:
        tried.append(slice_)
        if tried == ["0"]:
            raise OSError("the disk is full")
        return 1

    monkeypatch.setattr(jobs, "record_slice", fails_once)
    turn = Turn(shop.db, RECORDING, Moment(owner="tests", buckets=()), now=NOON, kept={})
    with pytest.raises(OSError, match="full"):
        RECORDING.run(turn)
    for _ in range(len(SLICES)):
        RECORDING.run(turn)
    assert tried == ["0", *SLICES[1:], "0"]


def test_who_is_erased_or_merged_away_is_no_customer_of_the_lake(shop: Shop) -> None:
    settle(shop)
    service.archive(shop.db)
    lake = service.our_lake(shop.db)
    record_all(shop.db, lake)
    keys = keys_of(shop, "u0")
    with shop.db.write() as conn:
        erase_person(conn, shop.pipeline.slices, shop.id, keys)
    service.forget_waiting(shop.db, limit=10)
    texts = [file.read_bytes() for file in lake.folder.rglob("*") if file.is_file()]
    assert not any(key.hex().encode() in text for key in keys for text in texts)
    assert (len(customers_in_lake(shop)), record_all(shop.db, lake)) == (5, 0)
    with shop.db.write() as conn:  # as a merge leaves it
        conn.execute(records.delete().where(records.c.root == keys_of(shop, "u1")[0]))
    assert record_all(shop.db, lake) == 1
    assert len(customers_in_lake(shop)) == 4


def test_joining_the_files_of_records_leaves_the_newest_alone(shop: Shop) -> None:
    settle(shop)
    service.archive(shop.db)
    lake = service.our_lake(shop.db)
    for n in range(10):
        with shop.db.write() as conn:
            conn.execute(records.update().values(record=json.dumps({"orders": n})))
        assert record_all(shop.db, lake) == 6
    upkeep.compact(shop.db, lake)
    assert len(lake.record_files(shop.id)) <= 6
    assert [record["orders"] for record in customers_in_lake(shop).values()] == [9] * 6
    assert record_all(shop.db, lake) == 0


def test_asked_for_a_purpose_the_records_are_no_way_around_it(shop: Shop) -> None:
    service.archive(shop.db)
    record_all(shop.db, service.our_lake(shop.db))
    for text in ("SELECT * FROM customers", "SELECT * FROM people"):
        with pytest.raises(InvalidInput, match="cannot be asked for a purpose"):
            ask(shop.db, shop.id, text, asking=Asking(shop.pipeline.slices.gate, "analytics"))


def test_properties_that_differ_by_case_or_are_called_like_a_column_are_all_there(shop: Shop) -> None:
    odd: dict[str, Any] = {
        "Email": "A",
        "email": "b",
        "seq": "mine",
        "strand": "x",
        "workspace": 9,
        "received_day": "never",
    }
    shop.send(shop.message("Thing Odd", at=NOON, user="u1", **odd))
    service.archive(shop.db)
    ((told,),) = ask(shop.db, shop.id, "SELECT body->'$.properties' FROM facts WHERE name = 'Thing Odd'").rows
    assert json.loads(told) == odd
    made = rebuilding.new_database(service.our_lake(shop.db).folder.parent / "anew", shop.pipeline.slices)
    rebuilding.fill_from_lake(made, service.our_lake(shop.db))
    with made.read() as conn:
        (again,) = [
            fact for row in log.latest(conn, shop.id, limit=99) if (fact := log.to_fact(row)).name == "Thing Odd"
        ]
    made.close()
    assert again.properties == odd


def test_an_answer_is_drawn_where_it_is_a_chart_and_not_where_it_would_mislead(shop: Shop) -> None:
    service.archive(shop.db)
    by_day = (
        "SELECT occurred_at::date AS day, count(*) AS orders, sum(1.5) AS worth FROM facts GROUP BY 1 ORDER BY 1 DESC"
    )
    chart = chart_of(ask(shop.db, shop.id, by_day))
    assert chart is not None
    assert (chart["kind"], [line["name"] for line in chart["series"]]) == ("line", ["orders", "worth"])
    assert chart["steps"] == sorted(chart["steps"]), "in the order of time, whatever that of the rows"
    assert chart["series"][1]["points"][0] == 1.5 * chart["series"][0]["points"][0]
    for sql in ("SELECT count(*) AS n, 1 AS one FROM facts", "SELECT name, count(*) FROM facts GROUP BY 1",
                "SELECT name, seq FROM facts", "SELECT name, message_id FROM facts LIMIT 2"):  # fmt: skip
        assert chart_of(ask(shop.db, shop.id, sql)) is None, sql
    assert chart_of(ask(shop.db, shop.id, by_day, Limits(rows=2))) is None, "cut"


def test_two_who_change_one_saved_query_do_not_overwrite_each_other(shop: Shop) -> None:
    def keep(sql: str, *, seen: int = 0) -> int:
        with shop.db.write() as conn:
            return saved.save_query(
                conn, shop.id, name="Orders", sql=sql, purpose="", by="Mia", now=NOON, seen=seen
            ).version  # fmt: skip

    assert (keep("SELECT 1"), keep("SELECT 2", seen=1)) == (1, 2)
    for again in ({}, {"seen": 1}):
        with pytest.raises(Conflict):
            keep("SELECT 3", **again)
    with shop.db.write() as conn, pytest.raises(Conflict, match="Mia has changed"):
        saved.remove_query(conn, shop.id, "Orders", seen=1)
    with shop.db.write() as conn:
        saved.remove_query(conn, shop.id, "Orders", seen=2)
        assert saved.list_queries(conn, shop.id) == []
