"""The stages of this worker, joined: who is given which fact, in the order of the slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from rapport.kernel.work import EVERY_FACT, Seen, Stage, Work

__all__ = ["Stages"]

Handle = Callable[[Seen], None]


class Stages:
    """All stages of a worker process, with the state each keeps between facts."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self._stages = tuple(stages)
        events = {name for stage in self._stages for name in stage.listens_to} - {EVERY_FACT}
        self._every = self._listening(EVERY_FACT)
        self._by_event = {name: self._listening(EVERY_FACT, name) for name in events}

    def listening(self, event: str) -> tuple[Handle, ...]:
        """Who is given a fact of this name."""
        return self._by_event.get(event, self._every)

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Have every stage write what it kept."""
        for stage in self._stages:
            stage.flush(conn, work, now)

    def abandon(self) -> None:
        """Have every stage forget it."""
        for stage in self._stages:
            stage.abandon()

    def _listening(self, *names: str) -> tuple[Handle, ...]:
        return tuple(stage.handle for stage in self._stages if not set(names).isdisjoint(stage.listens_to))
