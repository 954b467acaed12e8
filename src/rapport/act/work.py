"""The effects of one batch, collected fact by fact and written set-based in the batch's transaction."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.act import outbox, timers
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.plug import Message, Plugged, Timer
from rapport.storage import log
from rapport.storage.log import LogRow

__all__ = ["BatchWork", "Mark"]


class Mark(NamedTuple):
    """How much was collected at some moment."""

    notes: int
    timers: int
    messages: int
    stated: int


class BatchWork:
    """`kernel.plug.Work`, to be used for one batch after another: collect, then `flush` or `abandon`."""

    def __init__(self, plugged: Plugged) -> None:
        self._plugged = plugged
        self._notes: list[tuple[str, Any]] = []
        self._timers: list[Timer | timers.Cancelled] = []
        self._messages: list[Message] = []
        self._stated: list[LogRow] = []

    def note(self, slice_name: str, item: Any) -> None:
        self._notes.append((slice_name, item))

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
        return Mark(len(self._notes), len(self._timers), len(self._messages), len(self._stated))

    def rollback(self, mark: Mark) -> None:
        """Take back all that was collected since the mark."""
        del self._notes[mark.notes :]
        del self._timers[mark.timers :]
        del self._messages[mark.messages :]
        del self._stated[mark.stated :]

    def flush(self, conn: Connection, *, now: int) -> None:
        """Write everything: first the slices' own tables from their notes, then timers, outbox and stated facts."""
        notes: dict[str, list[Any]] = {}
        for name, item in self._notes:
            notes.setdefault(name, []).append(item)
        for capability in self._plugged.capabilities:
            if capability.flush is not None and capability.name in notes:
                capability.flush(conn, self, notes[capability.name], now)
        timers.write(conn, self._timers)
        outbox.write(conn, self._messages, now=now)
        log.append(conn, self._stated)
        self._clear()

    def abandon(self) -> None:
        """Forget everything collected and whatever the slices cache: the transaction did not happen."""
        self._clear()
        self._plugged.abandon()

    def _clear(self) -> None:
        self._notes, self._timers, self._messages, self._stated = [], [], [], []
