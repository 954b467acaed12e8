"""One writer at a time on SQLite, and whoever holds the turn can tell whether somebody waits for it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rapport.storage.turn import WriterTurn

WAIT = """
import sys
from pathlib import Path
from rapport.storage.turn import WriterTurn
with WriterTurn(Path(sys.argv[1])).taken(patient=sys.argv[2] == "patient"):
    print("taken", flush=True)
"""


@pytest.fixture
def turn(tmp_path: Path) -> WriterTurn:
    return WriterTurn(tmp_path / "rapport.db")


@contextmanager
def another_thread(turn: WriterTurn, *, patient: bool) -> Iterator[None]:
    def wait() -> None:
        with turn.taken(patient=patient):
            pass

    waiting = threading.Thread(target=wait)
    waiting.start()
    yield
    waiting.join()


@contextmanager
def another_process(tmp_path: Path, how: str) -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-c", WAIT, str(tmp_path / "rapport.db"), how], stdout=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


def comes_true(turn: WriterTurn, *, waited_for: bool, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while turn.is_waited_for() != waited_for and time.monotonic() < until:
        time.sleep(0.002)
    return turn.is_waited_for() == waited_for


def test_nobody_waits_for_a_turn_that_is_free_or_taken_alone(turn: WriterTurn) -> None:
    assert not turn.is_waited_for()
    with turn.taken():
        assert not turn.is_waited_for()


def test_whoever_waits_in_another_thread_is_seen_until_the_turn_is_theirs(turn: WriterTurn) -> None:
    with turn.taken():
        waiting = another_thread(turn, patient=False)
        waiting.__enter__()
        assert comes_true(turn, waited_for=True)
    waiting.__exit__(None, None, None)
    assert not turn.is_waited_for()


def test_whoever_waits_in_another_process_is_seen_until_it_is_killed(turn: WriterTurn, tmp_path: Path) -> None:
    with turn.taken(patient=True), another_process(tmp_path, "soon") as waiting:
        assert comes_true(turn, waited_for=True)
        waiting.send_signal(signal.SIGKILL)
        assert comes_true(turn, waited_for=False)


def test_who_is_patient_is_not_seen(turn: WriterTurn) -> None:
    with turn.taken():
        waiting = another_thread(turn, patient=True)
        waiting.__enter__()
        assert not comes_true(turn, waited_for=True, seconds=0.05)
    waiting.__exit__(None, None, None)


def test_a_block_that_raises_gives_the_turn_back(turn: WriterTurn) -> None:
    with pytest.raises(ValueError, match="anything"), turn.taken():
        raise ValueError("anything")
    with turn.taken():
        pass


def test_whoever_could_not_stand_in_the_queue_is_not_waited_for(turn: WriterTurn, tmp_path: Path) -> None:
    with turn.taken():
        in_the_way = tmp_path / "rapport.db.waiting.lock"
        in_the_way.mkdir()
        with pytest.raises(IsADirectoryError), turn.taken():
            pass
        in_the_way.rmdir()
        assert not turn.is_waited_for()
