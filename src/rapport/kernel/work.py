"""What a stage of the worker's batch sees and may do: `Seen`, `Work`, `Stage`; and what it asks for: messages, timers.

A stage looks at one fact at a time, checks it and keeps what follows from it; it does no I/O. After the last fact of
the batch its `flush` writes that, set-based, in the batch's single transaction. So a fact that fails can be taken back
with its batch (`abandon`) and its neighbours handled without it, and whatever is killed, every fact has its effect
exactly once. The order of arguments is one everywhere: connection, work, what it is about, now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.settings import Section

__all__ = [
    "EVERY_FACT",
    "BatchStage",
    "Connection",
    "Message",
    "Purpose",
    "Refiled",
    "Retelling",
    "Seen",
    "Stage",
    "StatedFact",
    "Timer",
    "TimerHandler",
    "Unsaid",
    "Unsay",
    "Work",
]

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")

Connection: TypeAlias = Any
"""An open SQLAlchemy connection (the kernel does no I/O and does not import it)."""

StatedFact: TypeAlias = Any
"""A `storage.log.LogRow`: a fact Rapport itself states."""

Purpose: TypeAlias = Literal["operations", "transactional", "marketing"]
"""For the shop's own systems; because of something the person did (an order); or to win them."""

EVERY_FACT = "*"
"""A stage that listens to this is given every fact."""


class Seen(NamedTuple):
    """One fact as a stage is given it."""

    workspace: WorkspaceId
    strand: Key
    fact: Fact


class Unsaid(NamedTuple):
    """Facts that are taken out of the log as if they had never come, of one shop."""

    workspace: WorkspaceId
    said: Sequence[Seen]
    orders: Collection[str]
    """The orders that they name."""
    alone: Collection[str]
    """Those of these orders that nobody else names."""
    cause: str
    """What the withdrawal is called."""
    now: int
    reads: Mapping[str, Seen] = {}
    """Where facts stay and read otherwise from now on: how, by their ids. They are told again in the same
    transaction."""

    @property
    def facts(self) -> list[str]:
        """The ids of the facts."""
        return sorted({one.fact.id for one in self.said})


Refiled: TypeAlias = Callable[[Connection, WorkspaceId, Sequence[int]], None]
"""Is told the numbers of facts of a shop that leave the log or come back to where they stood in it, in the transaction
in which they do. For whoever keeps copies of facts and reads the log forwards only."""

Unsay: TypeAlias = Callable[[Connection, Unsaid], Mapping[str, int]]
"""Takes away what a slice's tables have of these facts, beside the rows that are told anew: whoever else speaks of the
same orders and people is told to the stage again, in the same transaction. Answers numbers by what they count, in
words (`orders`)."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An intention to send something, on its way to the outbox."""

    workspace: WorkspaceId
    channel: str
    """Name of the channel that delivers it: `webhook`, `email` …"""
    destination: str
    """Whom the channel delivers to, in the channel's own terms. Messages to one destination share their fate."""
    idempotency_key: str
    """The same key is sent once: it is known until 30 days after the message was finished (`act/retention.py`)."""
    payload: bytes
    strand: Key | None
    """Whom it is about; None where it is about nobody."""
    purpose: Purpose
    """What it is for; the rules of sending differ by it."""
    due_at: int = 0
    """Not before this time; 0 is at once."""


class Timer(NamedTuple):
    """Something to be done at a time. One per (workspace, kind, key): scheduling again replaces it."""

    workspace: WorkspaceId
    kind: str
    key: bytes
    """Begins with the key of the strand it belongs to, so that it runs on the worker that folds that strand."""
    due_at: int
    payload: bytes = b""
    failures: int = 0
    """How often its handler has failed so far."""


class Work(Protocol):
    """What a flush or a timer may do. Nothing of it is visible to anyone before the transaction commits."""

    @property
    def told_anew(self) -> bool:
        """Whether these facts happened before and are told again (`Retelling`): whoever writes to people does not."""

    def setting(self, conn: Connection, workspace: WorkspaceId, section: Section[S]) -> S:
        """A shop's settings of a section, as this worker knows them (it looks for changes every second)."""

    def known(self, conn: Connection, workspace: WorkspaceId, read: Callable[[Connection, WorkspaceId], T]) -> T:
        """What `read` finds out of a shop's settings: asked once, and again when settings have changed."""

    def schedule(self, workspace: WorkspaceId, kind: str, key: bytes, due_at: int, payload: bytes = b"") -> None:
        """Run the timer handler of this kind at `due_at`, once; replaces an earlier schedule of the same key."""

    def cancel(self, workspace: WorkspaceId, kind: str, key: bytes) -> None:
        """Forget the timer, if there is one."""

    def send(self, message: Message) -> None:
        """Put a message into the outbox; a known idempotency key is left out."""

    def state(self, row: StatedFact) -> None:
        """Append a fact of our own to the log; a known message id is left out."""

    def mark(self) -> Any:
        """Where `rollback` comes back to."""

    def rollback(self, mark: Any) -> None:
        """Take back all that was collected since the mark."""


TimerHandler: TypeAlias = Callable[[Connection, Work, Sequence[Timer], int], None]
"""Given the transaction, the work, all timers of its kind that are due, set-based, and the time now."""


class Stage(Protocol):
    """A slice's part in the worker's batch, with whatever state it needs; one for each worker process."""

    @property
    def listens_to(self) -> Collection[str]:
        """Names of the facts it is given; `EVERY_FACT` for all."""

    def handle(self, seen: Seen) -> None:
        """Look at one fact; no I/O. What it raises concerns this fact alone, which is tried again and then kept
        as failed; its neighbours are handled without it.
        """

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        """Write what the facts since the last flush mean. What it raises fails the whole batch, so everything that can
        be wrong with a fact is found by `handle`.
        """

    def abandon(self) -> None:
        """The batch did not happen, or buckets changed hands: forget what was kept, and caches of what others write."""


class Retelling(msgspec.Struct, frozen=True, kw_only=True):
    """That a stage can be told facts again, and so learns those that came before it or that it once read otherwise.

    For stages whose rows are the same however often and in whatever order their facts are told. What they send or state
    meanwhile is left out: that happened then. A fact that `handle` raises for is passed over, with a line in the log.
    """

    version: int = 1
    """Raised where facts are read otherwise than before: all of them are told again. Never lowered."""
    finish: Callable[[Connection], None] | None = None
    """Takes away, once all is told, what none of these facts has written; it may be called again."""


Note = TypeVar("Note")


class BatchStage(Generic[Note]):
    """A stage that reads a note off each fact and writes a batch's notes at once: all that most slices need.

    `read` answers None for a fact that says nothing; `write` is called only where there are notes.
    """

    def __init__(
        self,
        listens_to: Collection[str],
        *,
        read: Callable[[Seen], Note | None],
        write: Callable[[Connection, Work, Sequence[Note], int], None],
    ) -> None:
        self.listens_to = listens_to
        self._read = read
        self._write = write
        self._notes: list[Note] = []

    def handle(self, seen: Seen) -> None:
        note = self._read(seen)
        if note is not None:
            self._notes.append(note)

    def flush(self, conn: Connection, work: Work, now: int) -> None:
        if self._notes:
            notes, self._notes = self._notes, []
            self._write(conn, work, notes, now)

    def abandon(self) -> None:
        self._notes.clear()
