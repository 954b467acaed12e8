"""While the database does not answer: said once when it begins, counted meanwhile, and said when it is over."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

__all__ = ["OUTAGE", "Outage", "going_on", "is_outage"]

_logger = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""How often it is said that it lasts."""
_STATES = ("08", "25006", "53", "57P", "58")
"""Of PostgreSQL: no connection, a read-only transaction, no room, shutting down, the system's own.
**Source:** PostgreSQL, Appendix A, Error Codes."""


def is_outage(error: BaseException) -> bool:
    """Whether the database is out of order or takes nothing at the moment, and trying again later may help."""
    if not isinstance(error, DBAPIError):
        return False
    state = str(getattr(error.orig, "sqlstate", "") or "")
    if state:
        return state.startswith(_STATES) or error.connection_invalidated
    # SQLite has one class for a disk that is full and for a table that is not there, which no waiting brings.
    if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
        return False
    return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated


class Outage:
    """One for each process; safe to call from any thread."""

    def __init__(self) -> None:
        self.failures = 0
        """What failed since it began; 0 while the database answers."""
        self._lock = threading.Lock()
        self._began = 0.0
        self._told = 0.0

    def note(self, error: BaseException, *, doing: str) -> None:
        """Something failed on the database."""
        with self._lock:
            now = time.monotonic()
            self.failures += 1
            if self.failures == 1:
                self._began = self._told = now
                said = type(getattr(error, "orig", None) or error).__name__
                _logger.error("the database is out of order (%s, while %s); trying again", said, doing)
            elif now - self._told >= AGAIN_SECONDS:
                self._told = now
                _logger.error(
                    "the database is still out of order: %d failures in %.0f s", self.failures, now - self._began
                )

    def over(self) -> None:
        """The database has done something."""
        if self.failures:
            with self._lock:
                failures, self.failures = self.failures, 0
            if failures:
                spent = time.monotonic() - self._began
                _logger.warning("the database answers again after %.1f s and %d failures", spent, failures)


OUTAGE = Outage()
"""This process's."""

_said: dict[str, float] = {}


@contextmanager
def going_on(doing: str) -> Iterator[None]:
    """Let no error end what is done again and again: it is noted, and the next round comes as if nothing had been.

    `doing` is said in the log, each once a minute; an error of the database counts as an outage.
    """
    try:
        yield
    except SQLAlchemyError as error:
        OUTAGE.note(error, doing=doing)
    except Exception:  # a thread that ends is missed by nobody, and what it did is done no more
        now = time.monotonic()
        if now - _said.get(doing, -AGAIN_SECONDS) >= AGAIN_SECONDS:
            _said[doing] = now
            _logger.exception("something failed while %s; trying again", doing)
