"""A query of the lake reads this shop's facts and nothing else, within limits, and says when it is not all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rapport.capabilities.lake import service
from rapport.capabilities.lake.asking import LakeAnswer, Limits, ask, environment_of
from rapport.capabilities.lake.permitted import Asking
from rapport.capabilities.lake.query_process import beside_facts
from rapport.kernel.errors import InvalidInput
from rapport.kernel.gate import Permit, closed
from rapport.kernel.identifiers import Identifier, key_of
from rapport.kernel.ids import Key
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lake.table import lake_of
from rapport.storage.workspaces import create_workspace
from tests.databases import sqlite_database
from tests.shop import NOON, Shop


class Asked:
    """Two shops' archived facts, and questions of the first."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(sqlite_database(folder))
        self.db: Database = self.shop.db
        self.shop.send(*(self.shop.message("Product Viewed", at=NOON + n, user=f"u{n % 9}", n=n) for n in range(900)))
        with self.db.write() as conn:
            other = create_workspace(conn, slug="other", name="Other", now=NOON)
            row = log.latest(conn, self.shop.id, limit=1)[0]
            theirs = row._replace(workspace=other.id, message_id="theirs")
            log.append(conn, [log.LogRow(*theirs[1:])])
        service.archive(self.db)

    def ask(self, sql: str, **limits: Any) -> LakeAnswer:
        return ask(self.db, self.shop.id, sql, Limits(**({"seconds": 20.0, "memory_mb": 256} | limits)))

    def refused(self, sql: str, **limits: Any) -> InvalidInput:
        with pytest.raises(InvalidInput) as caught:
            self.ask(sql, **limits)
        return caught.value


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return Asked(tmp_path_factory.mktemp("asked"))


def test_rows_come_with_names_types_and_values_of_every_kind(lake: Asked) -> None:
    found = lake.ask(
        "SELECT name, count(*) AS n, min(occurred_at) AS first, 1/0 AS inf, NULL AS none, 1.50::decimal(9,2) AS d,"
        " {'a': [1, 2]} AS s, max((body->>'$.properties.n')::int) AS m FROM facts GROUP BY name"
    )
    assert found.columns == ["name", "n", "first", "inf", "none", "d", "s", "m"]
    assert found.types[1:3] == ["BIGINT", "TIMESTAMP WITH TIME ZONE"]
    assert found.rows == [["Product Viewed", 900, "2026-09-21 12:00:00+00:00", "inf", None, "1.50", {"a": [1, 2]}, 899]]
    assert (found.complete, found.note, found.upto) == (True, "", 901)


def test_an_answer_that_is_not_all_says_so(lake: Asked) -> None:
    assert lake.ask("SELECT seq FROM facts", rows=900).complete
    cut = lake.ask("SELECT seq FROM facts ORDER BY seq", rows=899)
    assert (len(cut.rows), cut.complete, cut.note) == (899, False, "There are more rows: these are the first 899.")
    big = lake.ask("SELECT repeat('x', 1000) FROM facts", bytes=10_020)
    assert (len(big.rows), big.complete, "There are more rows" in big.note) == (9, False, True)


def test_another_shops_facts_are_not_there(lake: Asked) -> None:
    theirs = next(file for file in lake_of(lake.db).files() if "workspace=2" in file)  # type: ignore[union-attr]
    assert lake.ask("SELECT count(*) FROM facts WHERE message_id = 'theirs'").rows == [[0]]
    assert "Cannot access file" in lake.refused(f"SELECT * FROM read_parquet('{theirs}')").message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/proc/self/environ')",
        "SELECT * FROM read_blob('{file}/../../../_delta_log/00000000000000000000.json')",
        "SELECT * FROM read_parquet('{file}*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM read_csv('https://example.com/x.csv')",
        "SELECT * FROM query('COPY facts TO ''/tmp/y''')",
        "COPY (SELECT 1) TO '{file}'",
        "COPY (SELECT 1) TO '/tmp/x'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '90GB'",
        "RESET enable_external_access",
        "PRAGMA enable_external_access = true",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW facts",
        "EXPORT DATABASE '/tmp/x'",
        "CALL pragma_version()",
        "SELECT 1; DROP VIEW facts",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT " + "(" * 6000 + "1" + ")" * 6000,
        "SELECT nothing FROM facts",
        "SELEC 1",
        "-- nothing",
        " ",
        "SELECT '\0'",
        "x" * 20_001,
    ],
)
def test_whatever_is_no_select_of_these_facts_is_refused_and_the_lake_stays_as_it_is(lake: Asked, sql: str) -> None:
    place = lake_of(lake.db)
    assert place is not None
    file = place.files(lake.shop.id)[0]
    before = {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()}
    assert lake.refused(sql.replace("{file}", file)).message
    assert {path: path.read_bytes() for path in place.folder.rglob("*") if path.is_file()} == before


def test_an_error_tells_its_place_in_the_text(lake: Asked) -> None:
    for sql in ("SELECT count(*)\nFRM facts\nWHERE seq > 1 AND 1", "SELECT 1,\n  noh FROM facts"):
        message = lake.refused(sql).message
        assert f"(at character {sql.find('facts' if 'FRM' in sql else 'noh') + 1})" in message


def test_a_query_without_end_is_ended(lake: Asked) -> None:
    sql = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t"
    assert lake.refused(sql, seconds=1.0).message == "the query took longer than 1 seconds and was ended"


def test_a_query_that_needs_too_much_memory_is_ended(lake: Asked) -> None:
    refused = lake.refused("SELECT list(a.range) FROM range(1000000000) a", memory_mb=100)
    assert "memory" in refused.message or "more than 100 MB" in refused.message


def test_the_process_can_write_no_file_even_where_the_parser_would_let_it(tmp_path: Path) -> None:
    program = (
        "import sys; from rapport.capabilities.lake.query_process import Job, _limit\n"
        "_limit(Job(sql='', files=[], memory_mb=64, seconds=5, rows=1, bytes=1))\n"
        "import os; os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b'x')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "x")], check=False, capture_output=True)
    assert done.returncode != 0
    assert (tmp_path / "x").read_bytes() == b""


def test_no_secret_of_the_server_is_in_the_process() -> None:
    """DuckDB reads variables of the environment in some builds."""
    assert environment_of({"RAPPORT_DATABASE_URL": "postgresql://secret", "PATH": "/bin"}) == {"PATH": "/bin"}


class Refusing:
    """A gate at which some people allow nothing."""

    def __init__(self, lake: Asked, *users: str) -> None:
        self.refusing = {key_of(lake.shop.id, Identifier("user_id", user)) for user in users}

    def __call__(self, _: object, __: object, keys: Collection[Key], purpose: str, now: int) -> dict[Key, Permit]:
        return {key: Permit(key not in self.refusing, purpose) for key in keys}


def test_a_query_for_a_purpose_sees_no_fact_of_whoever_refuses_and_counts_them(lake: Asked) -> None:
    lake.shop.fold()
    asking = Asking(Refusing(lake, "u0", "u1"), "advertising")
    sql = "SELECT count(*), count(DISTINCT strand) FROM facts"
    found = ask(lake.db, lake.shop.id, sql, asking=asking)
    assert (found.rows, found.left_out, found.purpose) == ([[700, 7]], 200, "advertising")
    shut = ask(lake.db, lake.shop.id, "SELECT name FROM facts", asking=Asking(closed, "advertising"))
    assert (shut.rows, shut.left_out) == ([], 900)
    file = next(file for file in lake_of(lake.db).files() if "workspace=1" in file)  # type: ignore[union-attr]
    with pytest.raises(InvalidInput, match="read_parquet cannot be asked for a purpose"):
        ask(lake.db, lake.shop.id, f"SELECT * FROM read_parquet('{file}')", asking=asking)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM READ_PARQUET('/lake/f.parquet')",
        "SELECT * FROM '/lake/f.parquet'",
        "SELECT * FROM other.facts",
        "DESCRIBE '/lake/f.parquet'",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM parquet_metadata('/lake/f.parquet'))",
        "WITH x AS (SELECT body FROM read_parquet('/lake/f.parquet')) SELECT * FROM x",
        'SELECT (WITH "/lake/f.parquet" AS (SELECT 1) SELECT 1), * FROM "/lake/f.parquet"',
        "SELECT 1 UNION ALL SELECT seq FROM parquet_scan('/lake/f.parquet')",
        "SELECT * FROM seen",
        "SELECT * FROM duckdb_views()",
        "SELECT * FROM (PIVOT facts ON name USING count(*))",
        "SELECT * FROM query('FROM seen')",
        "SELECT * FROM (WITH seen AS (SELECT 1) SELECT 1), seen",
        "SELECT * FROM (WITH Seen AS (SELECT 1) SELECT 1), SEEN",
        'SELECT * FROM (WITH "pg_class" AS (SELECT 1) SELECT 1), pg_class',
        'SELECT (WITH "f.parquet" AS (SELECT 1) SELECT 1), * FROM "f.parquet"',
    ],
)
def test_nor_does_it_reach_them_by_another_way(sql: str) -> None:
    with duckdb.connect() as duck:
        duck.execute("CREATE TABLE seen AS SELECT 'k' AS strand")
        assert beside_facts(duck, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "WITH days AS (SELECT received_day AS d, count(*) AS n FROM facts GROUP BY d) SELECT sum(n) FROM days",
        "SELECT count(*) FROM facts AS f JOIN (SELECT * FROM range(1)) AS r(n) ON true",
        "FROM facts SELECT count(*)",
        "SELECT count(*) FROM (SUMMARIZE facts), unnest([1, 2])",
        "SELECT (SELECT count(*) FROM facts), json_extract(body, '$.a') FROM facts ORDER BY ALL LIMIT 3",
        "SELECT * FROM Facts",
        "WITH Days AS (SELECT 1) SELECT * FROM DAYS",
        'WITH "my orders" AS (SELECT * FROM FACTS) SELECT * FROM "my orders"',
        "WITH facts AS (SELECT * FROM facts WHERE name = 'x') SELECT * FROM facts",
    ],
)
def test_what_analysts_write_can_be_asked_for_a_purpose(sql: str) -> None:
    with duckdb.connect() as duck:
        assert beside_facts(duck, sql) == ""
