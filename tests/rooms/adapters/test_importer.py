from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from rapport.adapters.files import ImportReport, import_csv
from rapport.adapters.files.store import import_errors, imports
from rapport.collect.quarantine import list_quarantined
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.facts import Fact
from rapport.storage.engine import Database
from rapport.storage.log import facts
from rapport.storage.workspaces import Workspace

Write = Callable[[str, str], Path]
Landed = Callable[[], list[Fact]]

MAP = """
name = "visits"
[[fact]]
event = { column = "event" }
id = ["number"]
time = "at"
user_id = "who"
properties.amount = { column = "amount", as = "number" }
"""
HEADER = "number,who,at,event,amount\n"


@pytest.fixture
def visits(write: Write) -> Path:
    """Five rows, of which one holds a bad number and one names nobody."""
    rows = [
        "1,ada,2024-01-01,Visited,1.5", "2,bo,2024-01-01,Visited,much", "3,ada,2024-01-02,Visited,",
        "4,anonymous,2024-01-03,Visited,2", "5,bo,2024-01-04,Bought,3",
    ]  # fmt: skip
    return write("visits.csv", HEADER + "\n".join(rows) + "\n")


@pytest.fixture
def carry(db: Database, shop: Workspace, write: Write) -> Callable[..., ImportReport]:
    """A function that imports a file by the map of visits."""
    map_path = write("visits.toml", MAP)

    def run(path: Path, *, again: bool = False) -> ImportReport:
        return import_csv(db, path, map_path=map_path, workspace=shop, again=again)

    return run


def test_good_rows_land_and_bad_ones_are_listed(
    carry: Callable[..., ImportReport], visits: Path, landed: Landed, db: Database, shop: Workspace
) -> None:
    report = carry(visits)

    assert [(fact.id, fact.name, fact.user_id) for fact in landed()] == [
        ("visits:Visited:1", "Visited", "ada"),
        ("visits:Visited:3", "Visited", "ada"),
        ("visits:Bought:5", "Bought", "bo"),
    ]
    assert (report.rows, report.facts, report.added, report.refused, report.quarantined) == (5, 3, 3, 1, 1)
    assert report.names == {"Visited": 2, "Bought": 1}
    assert [(one.line, one.reason) for one in report.errors] == [
        (3, "amount: 'much' is no number"),
        (5, "$.userId: 'anonymous' identifies nobody: such values are blocked, or too long"),
    ]
    assert report.errors[1].row == '["4","anonymous","2024-01-03","Visited","2"]'


def test_a_fact_that_collect_refuses_waits_in_quarantine(
    carry: Callable[..., ImportReport], visits: Path, db: Database, shop: Workspace
) -> None:
    carry(visits)

    with db.read() as conn:
        (waiting,) = list_quarantined(conn, shop.id)
    assert (waiting.source, waiting.event, waiting.path) == ("import", "Visited", "$.userId")


def test_facts_keep_the_time_at_which_they_happened(
    carry: Callable[..., ImportReport], visits: Path, landed: Landed
) -> None:
    carry(visits)

    first = landed()[0]
    assert first.occurred_at == 1_704_067_200_000_000
    assert first.received_at > first.occurred_at
    assert first.source == "import"
    assert first.context["library"]["name"] == "rapport import csv"


def test_importing_a_file_twice_adds_nothing(
    carry: Callable[..., ImportReport], visits: Path, landed: Landed, db: Database, shop: Workspace
) -> None:
    first = carry(visits)
    before = landed()

    second = carry(visits)
    third = carry(visits, again=True)

    assert (first.repeated, second.repeated, third.repeated) == (False, True, False)
    assert (third.facts, third.added, third.known, third.refusals) == (3, 0, 3, 2)
    assert landed() == before
    with db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(import_errors)).scalar_one() == 2
        assert len(list_quarantined(conn, shop.id)) == 1


def test_a_mended_file_adds_only_what_was_missing(
    carry: Callable[..., ImportReport], visits: Path, landed: Landed
) -> None:
    carry(visits)
    visits.write_text(visits.read_text().replace("much", "7").replace("anonymous", "cleo"))

    report = carry(visits)

    assert (report.added, report.known, report.refusals) == (2, 3, 0)
    assert [fact.id for fact in landed()][3:] == ["visits:Visited:2", "visits:Visited:4"]


def test_a_file_that_is_no_table_of_the_map_changes_nothing(
    carry: Callable[..., ImportReport], write: Write, db: Database
) -> None:
    with pytest.raises(InvalidInput, match="no column"):
        carry(write("other.csv", "a,b\n1,2\n"))

    with db.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(imports)).scalar_one() == 0


def test_two_imports_of_the_same_content_do_not_count_twice(
    carry: Callable[..., ImportReport], write: Write, db: Database, shop: Workspace, landed: Landed
) -> None:
    """The one that comes second to a batch stops; all facts are in the log once when the other has ended."""
    path = write("many.csv", HEADER + "".join(f"{n},ada,2024-01-01,Visited,1\n" for n in range(2_500)))
    inner: list[ImportReport] = []

    def meanwhile(what: str, done: int, total: int) -> None:
        if what.startswith("importing") and not inner:
            inner.append(carry(path))

    with pytest.raises(Conflict, match="another process"):
        import_csv(db, path, map_path=path.with_name("visits.toml"), workspace=shop, progress=meanwhile)

    assert inner[0].added == 2_500
    assert len(landed()) == 2_500


ROWS = 20_000
KILLED = """
import sys
from pathlib import Path
from rapport.adapters.files import import_csv
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace
db = Database.open(sys.argv[1])
with db.read() as conn:
    shop = default_workspace(conn)
import_csv(db, Path(sys.argv[2]), map_path=Path(sys.argv[3]), workspace=shop)
"""


def _steps(db: Database) -> int:
    with db.read() as conn:
        return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(imports.c.steps), 0))).scalar_one())


def test_an_import_killed_again_and_again_ends_with_every_fact_once(
    carry: Callable[..., ImportReport], write: Write, db: Database, database_url: str
) -> None:
    path = write("many.csv", HEADER + "".join(
        f"{n},user{n % 997},2024-01-01T00:{n // 60 % 60:02d}:{n % 60:02d},Visited,{'bad' if n % 1_000 == 7 else n}\n"
        for n in range(ROWS)))  # fmt: skip
    stopped_at: list[int] = []
    for _ in range(3):
        before = _steps(db)
        importer = subprocess.Popen(
            [sys.executable, "-c", KILLED, database_url, str(path), str(path.with_name("visits.toml"))]
        )
        until = time.monotonic() + 60
        while _steps(db) == before and importer.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        importer.kill()
        importer.wait()
        stopped_at.append(_steps(db))

    report = carry(path)

    assert 0 < stopped_at[0] < ROWS
    assert report.resumed
    assert (report.rows, report.facts, report.added, report.refusals) == (ROWS, ROWS - 20, ROWS - 20, 20)
    with db.read() as conn:
        found = conn.execute(sa.select(facts.c.message_id).order_by(facts.c.seq)).scalars().all()
        listed = conn.execute(sa.select(import_errors.c.line).order_by(import_errors.c.number)).scalars().all()
    assert found == [f"visits:Visited:{n}" for n in range(ROWS) if n % 1_000 != 7]
    assert listed == [n + 2 for n in range(ROWS) if n % 1_000 == 7]
