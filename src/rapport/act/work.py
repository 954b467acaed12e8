"""The effects of one batch, collected fact by fact and written set-based in the batch's transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection

from rapport.act import outbox, timers
from rapport.act.stages import Stages
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.settings import Section
from rapport.kernel.work import Message, Timer
from rapport.storage import log
from rapport.storage.log import LogRow
from rapport.storage.settings import Cache

__all__ = ["BatchWork", "Mark"]

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")


class Mark(NamedTuple):
    """How much was collected at some moment."""

    timers: int
    messages: int
    stated: int


class BatchWork:
    """`kernel.work.Work`, to be used for one batch after another: collect, then `flush` or `abandon`."""

    def __init__(self, stages: Stages, settings: Cache) -> None:
        self._stages = stages
        self._settings = settings
        self._timers: list[Timer | timers.Cancelled] = []
        self._messages: list[Message] = []
        self._stated: list[LogRow] = []
        self.told_anew = False

    def setting(self, conn: Connection, workspace: WorkspaceId, section: Section[S]) -> S:
        return self._settings.of(conn, workspace, section)

    def known(self, conn: Connection, workspace: WorkspaceId, read: Callable[[Connection, WorkspaceId], T]) -> T:
        return self._settings.known(conn, workspace, read)

    def schedule(self, workspace: WorkspaceId, kind: str, key: bytes, due_at: int, payload: bytes = b"") -> None:
        self._timers.append(Timer(workspace, kind, key, due_at, payload))

    def cancel(self, workspace: WorkspaceId, kind: str, key: bytes) -> None:
        self._timers.append(timers.Cancelled(workspace, kind, key))

    def send(self, message: Message) -> None:
        self._messages.append(message)

    def state(self, row: LogRow) -> None:
        self._stated.append(row)

    def mark(self) -> Mark:
        """Where to come back to if what follows fails."""
        return Mark(len(self._timers), len(self._messages), len(self._stated))

    def rollback(self, mark: Mark) -> None:
        """Take back all that was collected since the mark."""
        del self._timers[mark.timers :]
        del self._messages[mark.messages :]
        del self._stated[mark.stated :]

    def flush(self, conn: Connection, *, now: int, past: bool = False) -> None:
        """Write everything: first the slices' own tables, then timers, outbox and stated facts.

        Of what is told again (`past`), nothing is sent or stated.
        """
        self.told_anew = past
        self._stages.flush(conn, self, now)
        timers.write(conn, self._timers)
        if past:
            self._clear()
            return
        outbox.write(conn, self._messages, now=now)
        log.append(conn, self._stated)
        self._clear()

    def abandon(self) -> None:
        """Forget everything collected and whatever the stages keep: the transaction did not happen."""
        self._clear()
        self._stages.abandon()

    def _clear(self) -> None:
        self._timers, self._messages, self._stated, self.told_anew = [], [], [], False
