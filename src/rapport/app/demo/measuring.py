"""When the demonstration measures itself: now and then while the past is told, every few minutes while it is live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from rapport.app.scorecard.measure import measure
from rapport.app.scorecard.series import Series
from rapport.app.settings import Settings
from rapport.kernel.clock import DAY, MINUTE
from rapport.kernel.errors import RapportError
from rapport.storage.engine import Database
from rapport.storage.workspaces import default_workspace
from rapport.world.timeline import Town
from rapport.world.truth import Known

__all__ = ["Measuring"]

MOST_IN_PAST = 40
"""Measurements while the past is told; a short past is measured every two days."""
LIVE_STEP = 2 * MINUTE
IDLE_SHARE = 10
"""A measurement is followed by a pause of so many times the processor time it took, however large the town."""


class Measuring:
    """Takes the measurements, one at a time, each in a thread so that nothing waits for it."""

    def __init__(self, settings: Settings, town: Town, *, tell: Callable[[str], None]) -> None:
        self._db = Database.open(settings.url)
        self._series = Series(settings.data_dir)
        self._tell = tell
        self._step = max(2 * DAY, town.days * DAY // MOST_IN_PAST)
        measured = self._series.read()
        self._last = measured[-1].at if measured else town.starts_at
        self._pause_until = 0.0
        self._task: asyncio.Task[None] | None = None

    def is_due(self, at: int, *, live: bool) -> bool:
        """Whether a measurement should be taken at this time of the shop."""
        resting = self._task is None and time.monotonic() >= self._pause_until
        return resting and at - self._last >= (LIVE_STEP if live else self._step)

    def soon(self) -> None:
        """Something happened that is worth measuring: the next measurement is due at once."""
        self._last = 0

    def begin(self, known: Sequence[Known], *, at: int, live: bool, facts: int) -> None:
        """Take a measurement in the background. `known` is not to change any more."""
        self._last = at
        self._task = asyncio.create_task(self._take(known, at=at, live=live, facts=facts))

    async def close(self) -> None:
        """Finish what was begun."""
        if self._task is not None:
            await self._task
        self._db.close()

    async def _take(self, known: Sequence[Known], *, at: int, live: bool, facts: int) -> None:
        try:
            took = await asyncio.to_thread(self._measure, known, at=at, live=live, facts=facts)
            self._pause_until = time.monotonic() + IDLE_SHARE * took
        except (RapportError, SQLAlchemyError) as error:
            self._tell(f"This could not be measured: {type(error).__name__}. Trying again later.")
        finally:
            self._task = None

    def _measure(self, known: Sequence[Known], *, at: int, live: bool, facts: int) -> float:
        """Seconds of this thread's processor time that it took."""
        started = time.thread_time()
        with self._db.read() as conn:
            measured = measure(conn, default_workspace(conn).id, known, at=at, live=live, facts=facts)
        self._series.append(measured)
        return time.thread_time() - started
