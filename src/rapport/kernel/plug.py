"""What a slice brings to the house, in one declaration; and the `Work` its handlers are given.

Handlers and flushes run inside the worker's batch. A handler looks at one fact, checks it and *notes* what follows; it
does no I/O. After the last fact `Work.flush` hands each slice its notes, set-based, in the batch's single transaction.
So a fact that fails can be taken back (`mark`, `rollback`) without touching its neighbours, and whatever is killed,
every fact has its effect exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId

__all__ = [
    "EVERY_FACT",
    "Capability",
    "Connection",
    "Flush",
    "Handler",
    "Message",
    "Plugged",
    "StatedFact",
    "Timer",
    "TimerHandler",
    "Work",
]

Connection: TypeAlias = Any
"""An open SQLAlchemy connection (the kernel does no I/O and does not import it)."""

StatedFact: TypeAlias = Any
"""A `storage.log.LogRow`: a fact Rapport itself states."""

EVERY_FACT = "*"
"""The name under which a handler is given every fact."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """An intention to send something, on its way to the outbox."""

    workspace: WorkspaceId
    channel: str
    """Name of the channel that delivers it: `webhook`, `email` …"""
    destination: str
    """Whom the channel delivers to, in the channel's own terms. Messages to one destination share their fate."""
    idempotency_key: str
    """The same key is sent once for ever."""
    payload: bytes
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
    """What handlers may do. Nothing of it is visible to anyone before the batch commits."""

    def note(self, slice_name: str, item: Any) -> None:
        """Keep `item` for the slice's `flush`. Notes arrive there in the order of the facts."""

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


Handler: TypeAlias = Callable[[Work, WorkspaceId, Fact, Key], None]
"""Given the fact and its strand. Raises for a fact it cannot handle: that fact is set aside, its neighbours are not."""

Flush: TypeAlias = Callable[[Connection, Work, Sequence[Any], int], None]
"""Given the transaction, the work, this batch's notes of the slice and the time now. What it raises fails the whole
batch, so everything that can be wrong with a fact is found by the handler."""

TimerHandler: TypeAlias = Callable[[Work, Connection, Sequence[Timer], int], None]
"""Given all timers of its kind that are due, set-based, and the time now."""


def _nothing() -> None:
    return None


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """All that one slice brings. `app.wiring` collects them; a plugin brings its own by an entry point."""

    name: str
    handlers: Mapping[str, Handler] = {}
    """By event name (`Order Completed`); `EVERY_FACT` for all."""
    flush: Flush | None = None
    abandon: Callable[[], None] = _nothing
    """Called when a batch was rolled back or leases changed: forget whatever is cached between batches."""
    timers: Mapping[str, TimerHandler] = {}
    """By kind; a kind begins with the slice's name: `orders.cart`."""
    placements: tuple[Any, ...] = ()
    """`decide.Placement`."""
    metrics: tuple[Any, ...] = ()
    """`measure.Measured`."""
    routes: tuple[Any, ...] = ()
    """Litestar handlers below `/api/v1`."""
    pages: tuple[Any, ...] = ()
    """`web.console.ConsolePages`."""


class Plugged:
    """The slices of this installation, joined: who handles which fact and which timer.

    Raises ValueError where two slices share a name or a kind of timer.
    """

    def __init__(self, capabilities: Iterable[Capability]) -> None:
        self.capabilities = tuple(capabilities)
        names = [capability.name for capability in self.capabilities]
        if len(set(names)) != len(names):
            raise ValueError(f"slices of the same name: {sorted(n for n in names if names.count(n) > 1)}")
        self.timers: dict[str, TimerHandler] = {}
        for capability in self.capabilities:
            for kind, timer in capability.timers.items():
                if kind in self.timers:
                    raise ValueError(f"timer kind {kind!r} is declared twice, the second time by {capability.name!r}")
                self.timers[kind] = timer
        self._every = self._declared(EVERY_FACT)
        events = {name for capability in self.capabilities for name in capability.handlers}
        self._handlers = {name: self._every + self._declared(name) for name in events - {EVERY_FACT}}

    def handlers(self, event: str) -> tuple[Handler, ...]:
        """Who is to be given a fact of this name, in the order of the slices."""
        return self._handlers.get(event, self._every)

    def abandon(self) -> None:
        """Tell every slice to forget what it caches."""
        for capability in self.capabilities:
            capability.abandon()

    def _declared(self, event: str) -> tuple[Handler, ...]:
        return tuple(c.handlers[event] for c in self.capabilities if event in c.handlers)
