"""An outage is said when it begins and when it is over, and counted between, however much fails."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, InternalError, OperationalError

from rapport.storage.engine import Database
from rapport.storage.outage import Outage, going_on, is_outage
from tests.databases import ENGINES, database_at
from tests.running import Engine


class Said(Exception):
    """What a driver raises, with PostgreSQL's code."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


def test_it_is_said_twice_and_counted_between(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage()
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            outage.note(OperationalError("", {}, Said("")), doing="folding")
        outage.over()
        outage.over()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "100 failures" in caplog.records[1].getMessage()


def test_no_error_ends_what_is_done_again_and_again_and_each_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [sqlite3.OperationalError("disk I/O error"), RuntimeError("can't start new thread"), OSError(24, "files")]
    rounds = 0
    for error in errors:
        with going_on("a test"):
            rounds += 1
            raise error
    assert rounds == len(errors)
    assert [record.getMessage() for record in caplog.records] == ["something failed while a test; trying again"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("", {}, Exception("attempt to write a readonly database")), True),
        (InternalError("", {}, Said("25006")), True),
        (OperationalError("", {}, Said("53100")), True),
        (OperationalError("", {}, Said("57P01")), True),
        (DataError("", {}, Said("22021")), False),
        (OperationalError("", {}, Said("40001")), False),
        (ValueError("no"), False),
    ],
)
def test_what_waiting_may_help_is_told_from_what_it_does_not(error: Exception, expected: bool) -> None:  # noqa: FBT001
    assert is_outage(error) is expected


@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_that_is_not_there_is_no_outage_on_either_engine(engine: Engine, tmp_path: Path) -> None:
    """No waiting brings it: whoever waited for it would wait for ever, and nobody would be told."""
    with database_at(engine, tmp_path) as url:
        db = Database.open(url)
        try:
            with pytest.raises(DBAPIError) as caught, db.read() as conn:
                conn.execute(sa.text("select 1 from nowhere"))
            assert not is_outage(caught.value)
        finally:
            db.close()
