"""Backups come by the clock, the newest stay, and where none comes somebody is told."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest

from rapport.app.backup_schedule import AGAIN_AFTER, BackupSchedule, overdue, taken
from rapport.app.bootstrap import open_database
from rapport.app.settings import Settings
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.storage.backup.archive import opened

GOOD = (sys.executable, "-c", "import sys; open(sys.argv[1], 'x').close()")
BAD = (sys.executable, "-c", "raise SystemExit(1)")
ENDLESS = (sys.executable, "-c", "import time; time.sleep(600)")
START = 1_800_000_000_000_000


def schedule(folder: Path, command: tuple[str, ...] | None = GOOD, kept: int = 3) -> BackupSchedule:
    settings = Settings.load({}, data_dir=folder / "data", backup_dir=str(folder / "backups"), backups_kept=kept)
    return BackupSchedule(settings, command=command)


def test_one_is_taken_a_day_and_the_newest_three_stay(tmp_path: Path) -> None:
    made, stop = schedule(tmp_path), threading.Event()
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / "rapport-by-hand.zip").touch()
    hours = [at for at in range(24 * 6) if made.is_due(START + at * HOUR) and made.take(START + at * HOUR, stop)]
    assert hours == [0, 24, 48, 72, 96, 120]
    assert sorted((at - START) // HOUR for at, _ in taken(tmp_path / "backups")) == [72, 96, 120]
    assert (tmp_path / "backups" / "rapport-by-hand.zip").exists()


def test_one_that_fails_deletes_nothing_and_is_tried_again_later(tmp_path: Path) -> None:
    made, stop = schedule(tmp_path, kept=1), threading.Event()
    assert made.take(START, stop)
    broken = schedule(tmp_path, BAD, kept=1)
    later = START + 24 * HOUR
    assert not broken.take(later, stop)
    assert not broken.is_due(later + AGAIN_AFTER - 1)
    assert broken.is_due(later + AGAIN_AFTER)
    assert len(taken(tmp_path / "backups")) == 1


def test_a_restart_does_not_take_another(tmp_path: Path) -> None:
    assert schedule(tmp_path).take(START, threading.Event())
    assert not schedule(tmp_path).is_due(START + HOUR)


def test_the_end_of_the_server_is_the_end_of_a_backup(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    assert not schedule(tmp_path, ENDLESS).take(START, stop)


@pytest.mark.slow
def test_a_backup_that_is_ended_or_was_killed_leaves_no_copy(tmp_path: Path) -> None:
    db = open_database(Settings.load({}, data_dir=tmp_path / "data"))
    with db.write() as conn:
        conn.exec_driver_sql("CREATE TABLE much AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n"
                             " WHERE x < 40000) SELECT x, randomblob(1000) AS y FROM n")  # fmt: skip
    db.close()
    folder, stop = tmp_path / "backups", threading.Event()
    folder.mkdir()
    killed = folder / ".rapport-2027-01-01T000000Z.zip.snapshot"
    killed.touch()
    made = schedule(tmp_path, None)
    taking = threading.Thread(target=made.take, args=(START, stop))
    taking.start()
    began = time.monotonic()
    while not list(folder.glob(".rapport-*.snapshot")) or killed.exists():
        assert time.monotonic() - began < 60
        taking.join(timeout=0.01)
    stop.set()
    taking.join()
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_what_is_taken_can_be_put_back(tmp_path: Path) -> None:
    open_database(Settings.load({}, data_dir=tmp_path / "data")).close()
    assert schedule(tmp_path, None).take(START, threading.Event())
    [(_, file)] = taken(tmp_path / "backups")
    assert file.stat().st_mode & 0o077 == 0
    with opened(file) as found:
        assert found.check() > 0


def test_where_none_comes_somebody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = open_database(Settings.load({}, data_dir=tmp_path / "data"))
    assert overdue(db) == []
    monkeypatch.setenv("RAPPORT_BACKUP_DIR", str(tmp_path / "backups"))
    assert overdue(db) == [], "it is not a day old"
    made = schedule(tmp_path)
    assert made.take(now_us() - 50 * HOUR, threading.Event())
    assert [alarm.what for alarm in overdue(db)] == ["The newest backup is 50 hours old"]
    assert made.take(now_us() - 30 * HOUR, threading.Event())
    assert overdue(db) == []
    db.close()


def test_a_backup_that_a_wrong_clock_dated_in_the_future_stops_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAPPORT_BACKUP_DIR", str(tmp_path / "backups"))
    now = now_us()
    assert schedule(tmp_path).take(now + 3000 * DAY, threading.Event())
    made = schedule(tmp_path, kept=1)
    assert made.is_due(now)
    assert made.take(now - 50 * HOUR, threading.Event())
    db = open_database(Settings.load({}, data_dir=tmp_path / "data"))
    assert [alarm.what for alarm in overdue(db)] == [
        "The newest backup is 50 hours old; 1 is dated in the future, by a clock that was wrong"
    ]
    db.close()
    assert made.take(now, threading.Event())
    assert len(taken(tmp_path / "backups")) == 2, "the one of now, not that of the future, is the newest"
    broken = schedule(tmp_path, BAD)
    assert not broken.take(now + 3000 * DAY, threading.Event())
    assert broken.is_due(now + 24 * HOUR), "nor does a failure of the future"


def test_an_error_ends_no_clock(tmp_path: Path) -> None:
    stop, looked = threading.Event(), list[int]()

    class Failing(BackupSchedule):
        def is_due(self, now: int) -> bool:
            looked.append(now)
            if len(looked) == 2:
                stop.set()
            raise PermissionError("the folder is nobody's to read")

    settings = Settings.load({}, data_dir=tmp_path / "data", backup_dir=str(tmp_path / "backups"))
    Failing(settings, look_seconds=0.01).keep_taking(stop)
    assert len(looked) == 2


def test_names_of_others_are_passed_over(tmp_path: Path) -> None:
    for name in ("rapport-Z.zip", "rapport-TZ.zip", "rapport-2027-13-99T000000Z.zip", "rapport-xTyZ.zip", "x.zip"):
        (tmp_path / name).touch()
    assert taken(tmp_path) == []
