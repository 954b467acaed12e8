from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rapport.adapters.files.commands import import_group
from rapport.adapters.files.progress import shown_progress
from rapport.app.wiring import installed
from rapport.kernel.errors import NotFound
from rapport.kernel.wording import Wording
from rapport.storage.engine import Database
from rapport.storage.workspaces import all_workspaces, create_workspace
from tests.databases import sqlite_database
from tests.rooms.adapters import exports

Run = Callable[..., Result]

MAP = """
name = "visits"
[[fact]]
event = "Visited"
id = ["number"]
time = "at"
user_id = "who"
properties.pages = { column = "pages", as = "integer" }
"""
TABLE = "number,who,at,pages\n1,ada,2024-01-01,3\n2,bo,2024-01-02,few\n3,bo,2024-01-02,4\n"


@dataclass
class TwoShops:
    """An installation with two shops that waits for its worker by `fold`."""

    fold: Callable[[Database], None]

    @property
    def wording(self) -> Wording:
        return Wording(())

    vocabulary = installed().vocabulary

    def folder(self, data_dir: Path) -> Path:
        return data_dir

    @contextmanager
    def open(self, data_dir: Path) -> Iterator[Database]:
        db = Database.open(f"sqlite:///{data_dir / 'rapport.db'}")
        with db.write() as conn:
            if not all_workspaces(conn):
                create_workspace(conn, slug="shop", name="Shop", now=0)
                create_workspace(conn, slug="second", name="Second", now=0)
        yield db
        db.close()


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The arguments that import a small table by its map into a data folder of the test."""
    sqlite_database(tmp_path)
    (tmp_path / "visits.csv").write_text(TABLE)
    (tmp_path / "visits.toml").write_text(MAP)
    return ["csv", str(tmp_path / "visits.csv"), "--map", str(tmp_path / "visits.toml"), "--data", str(tmp_path)]


@pytest.fixture
def folded() -> list[int]:
    """How many facts the log held, for every time the command waited for the worker."""
    return []


@pytest.fixture
def run(folded: list[int]) -> Run:
    """A function that runs `rapport import` with these arguments."""

    def fold(db: Database) -> None:
        with db.read() as conn:
            folded.append(conn.exec_driver_sql("SELECT count(*) FROM facts").scalar_one())

    return lambda *arguments: CliRunner().invoke(import_group, list(arguments), obj=TwoShops(fold))


def test_the_command_says_what_it_did_and_where_refused_rows_are(run: Run, files: list[str], tmp_path: Path) -> None:
    done = run(*files)

    assert done.exit_code == 0, done.output
    assert "3 rows, 2 facts: 2 new, 0 known already." in done.output
    assert "visits.csv, line 3: pages: 'few' is no number" in done.output
    (listed,) = (tmp_path / "imports").glob("*.csv")
    assert str(listed) in done.output
    assert list(csv.reader(io.StringIO(listed.read_text()))) == [
        ["file", "line", "reason", "row"],
        ["visits.csv", "3", "pages: 'few' is no number", '["2","bo","2024-01-02","few"]'],
    ]


def test_a_file_of_which_nothing_could_be_imported_is_a_failure(run: Run, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("number,who,at,pages\n2,bo,2024-01-02,few\n")

    assert [run(*files).exit_code, run(*files).exit_code] == [1, 1]


def test_an_address_that_names_nobody_is_listed_and_the_rest_of_the_row_stands(run: Run, tmp_path: Path) -> None:
    sqlite_database(tmp_path)
    (tmp_path / "visits.csv").write_text("number,who,at,pages\n1,ada,2024-01-01,none\n2,bo,2024-01-02,bo@x.example\n")
    (tmp_path / "visits.toml").write_text(MAP.replace('properties.pages = { column = "pages", as = "integer" }',
                                                      'traits.email = "pages"'))  # fmt: skip
    done = run("csv", str(tmp_path / "visits.csv"), "--map", str(tmp_path / "visits.toml"), "--data", str(tmp_path))

    assert done.exit_code == 0
    assert "2 rows, 2 facts: 2 new" in done.output
    assert "0 rows refused, 0 facts in quarantine, 1 e-mail addresses or telephone numbers left out:" in done.output
    assert "visits.csv, line 2: its e-mail address names nobody" in done.output


def test_the_time_told_is_that_of_the_whole_command(files: list[str]) -> None:
    """Also of the worker's remembering, for which the command waits."""
    done = CliRunner().invoke(import_group, files, obj=TwoShops(lambda _: time.sleep(0.15)))

    assert float(done.output.partition("visits.csv in ")[2].partition(" s")[0]) >= 0.1


def test_the_command_returns_after_the_worker_has_folded(run: Run, files: list[str], folded: list[int]) -> None:
    run(*files)

    assert folded == [2]


def test_a_second_time_there_is_nothing_to_do_unless_asked(run: Run, files: list[str]) -> None:
    run(*files)

    assert "imported before" in run(*files).output
    assert "2 facts: 0 new, 2 known already." in run(*files, "--again").output


def test_facts_go_to_the_shop_that_is_named(run: Run, files: list[str]) -> None:
    first, second = run(*files), run(*files, "--workspace", "second")

    assert "2 new" in first.output
    assert "2 new" in second.output
    assert isinstance(run(*files, "--workspace", "third").exception, NotFound)


def test_the_list_of_refused_rows_can_be_put_elsewhere(run: Run, files: list[str], tmp_path: Path) -> None:
    run(*files, "--report", str(tmp_path / "bad.csv"))

    assert (tmp_path / "bad.csv").exists()
    assert not (tmp_path / "imports").exists()


def test_ctrl_c_says_how_to_go_on(files: list[str]) -> None:
    def interrupted(db: Database) -> None:
        raise KeyboardInterrupt

    done = CliRunner().invoke(import_group, files, obj=TwoShops(interrupted))

    assert done.exit_code == 130
    assert "Run the same command again" in done.output


@pytest.mark.parametrize("command", ["olist", "online-retail", "csv"])
def test_each_import_explains_its_options(run: Run, command: str) -> None:
    shown = run(command, "--help").output

    assert all(option in shown for option in ("--data", "--workspace", "--report", "--again"))


def test_a_path_that_is_not_there_is_a_usage_error(run: Run) -> None:
    assert run("olist", "/no/such/folder").exit_code == 2
    assert run("online-retail", "/no/such/file").exit_code == 2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_a_bar_for_each_thing_done() -> None:
    stream = Terminal()

    with shown_progress(stream) as progress:
        progress("reading", 50, 100)
        progress("reading", 100, 100)
        progress("folding", 0, 0)

    assert "reading" in stream.getvalue()
    assert "100%" in stream.getvalue()


def test_elsewhere_a_plain_line_is_written_now_and_then() -> None:
    stream = io.StringIO()
    seconds = iter([0.0, 0.5, 3.0, 3.1, 3.2])

    with shown_progress(stream, clock=lambda: next(seconds)) as progress:
        progress("reading", 1, 100)
        progress("reading", 30, 100)
        progress("reading", 40, 100)
        progress("reading", 100, 100)

    assert stream.getvalue() == "reading: 30 %\nreading: 100 %\n"


SHOPIFY = exports.SHOPIFY_CUSTOMERS


def test_a_file_is_imported_by_the_map_that_its_first_line_tells(run: Run, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(SHOPIFY)

    done = run(str(tmp_path / "people.csv"), "--data", str(tmp_path))

    assert done.exit_code == 0, done.output
    assert "people.csv is read as Shopify: customers (shopify-customers)" in done.output
    assert "2 facts: 2 new" in done.output


def test_a_map_can_be_named(run: Run, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(SHOPIFY)
    arguments = [str(tmp_path / "people.csv"), "--data", str(tmp_path), "--map"]

    assert "2 new" in run(*arguments, "shopify-customers").output
    assert "no column 'Name'" in str(run(*arguments, "shopify-orders").exception)


def test_a_preview_tells_the_facts_and_stores_nothing(run: Run, files: list[str], tmp_path: Path) -> None:
    shown = run(*files, "--preview").output

    assert "line 2: Visited" in shown
    assert "2024-01-01 00:00 UTC, user_id:ada" in shown
    assert "3 rows looked at, 2 facts; nothing was stored." in shown
    assert "line 3: pages: 'few' is no number" in shown
    assert "2 facts: 2 new" in run(*files).output


def test_a_preview_refuses_what_the_import_would(run: Run, files: list[str], tmp_path: Path) -> None:
    """An order's amount that cannot be read, and a fact that Rapport alone states, though the file can be read."""
    (tmp_path / "visits.csv").write_text("number,who,at,pages,said\n1,ada,2024-01-01,3,1.234\n")
    said = MAP.replace("Visited", "Order Completed") + 'properties.revenue = "said"\n'
    (tmp_path / "visits.toml").write_text(said.replace("properties.pages", "properties.order_id"))

    assert "1 rows looked at, 0 facts" in run(*files, "--preview").output
    assert "0 facts: 0 new" in run(*files).output

    (tmp_path / "visits.toml").write_text(MAP.replace("Visited", "Points Earned"))
    assert "a fact that Rapport alone states" in run(*files, "--preview").output


def test_the_maps_are_listed_and_printed_to_be_copied(run: Run, files: list[str], tmp_path: Path) -> None:
    listed = run("maps").output
    (tmp_path / "mine.toml").write_text(run("maps", "shopify-customers").output)
    (tmp_path / "people.csv").write_text(SHOPIFY)

    assert "Shopify: orders" in listed
    assert "woocommerce-orders" in run("maps", "--json").output
    arguments = [str(tmp_path / "people.csv"), "--map", str(tmp_path / "mine.toml"), "--data", str(tmp_path)]
    assert "2 new" in run(*arguments).output


def test_a_file_that_no_map_reads_says_what_to_do(run: Run, files: list[str], tmp_path: Path) -> None:
    failed = run(str(tmp_path / "visits.csv"), "--data", str(tmp_path)).exception

    assert "no ready map reads visits.csv" in str(failed)
    assert run("visit").exit_code == 2
