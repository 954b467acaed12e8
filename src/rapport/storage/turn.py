"""SQLite's one writer at a time: a queue on a lock file, and a second file that says whether somebody stands in it.

Both are held by nobody once their holder has died. Whoever writes much at a time and could write less looks at the
second one: `WriterTurn.is_waited_for`.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

__all__ = ["LOCK_FILES", "WriterTurn"]

LOCK_FILES = (".lock", ".waiting.lock")
"""What the two add to the name of the database's file."""


class WriterTurn:
    """A queue of one for writers, across threads and processes."""

    def __init__(self, database: Path) -> None:
        turn, waiting = (database.with_name(database.name + end) for end in LOCK_FILES)
        self._turn = _LockFile(turn)
        self._thread_turn = threading.Lock()
        self._queue = _Queue(waiting)

    @contextmanager
    def taken(self, *, patient: bool = False) -> Iterator[None]:
        """Be the only writer while the block lasts. Who is `patient` waits without anybody being told."""
        self._take(patient=patient)
        try:
            yield
        finally:
            self._turn.release()
            self._thread_turn.release()

    def waiting(self) -> AbstractContextManager[None]:
        """Have whoever has the turn know that somebody waits for it, while the block lasts: for one that waits
        patiently itself and has just been joined by somebody who is not.
        """
        return self._queue.standing()

    def is_waited_for(self) -> bool:
        """Whether anybody who is not patient waits for the turn, in this process or another."""
        return self._queue.is_somebody_there()

    def _take(self, *, patient: bool) -> None:
        if self._try():
            return
        if patient:
            self._wait()
        else:
            with self._queue.standing():
                self._wait()

    def _try(self) -> bool:
        if not self._thread_turn.acquire(blocking=False):
            return False
        try:
            if self._turn.acquire(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return True
        except BaseException:
            self._thread_turn.release()
            raise
        self._thread_turn.release()
        return False

    def _wait(self) -> None:
        self._thread_turn.acquire()
        try:
            self._turn.acquire(fcntl.LOCK_EX)
        except BaseException:
            self._thread_turn.release()
            raise


class _Queue:
    """Those who wait: all of a process share its hold on the file."""

    def __init__(self, path: Path) -> None:
        self._file = _LockFile(path)
        self._guard = threading.Lock()
        self._standing = 0

    @contextmanager
    def standing(self) -> Iterator[None]:
        with self._guard:
            if not self._standing:
                self._file.acquire(fcntl.LOCK_SH)
            self._standing += 1
        try:
            yield
        finally:
            with self._guard:
                self._standing -= 1
                if not self._standing:
                    self._file.release()

    def is_somebody_there(self) -> bool:
        with self._guard:
            if self._standing:
                return True
            if not self._file.acquire(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return True
            self._file.release()
            return False


class _LockFile:
    """A file that is opened when it is first locked, anew in a process that was forked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self._pid = 0

    def acquire(self, how: int) -> bool:
        """False where `how` says not to wait and another holds it."""
        if self._fd is None or self._pid != os.getpid():
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._pid = os.getpid()
        try:
            fcntl.flock(self._fd, how)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        if self._fd is not None:
            with suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)
