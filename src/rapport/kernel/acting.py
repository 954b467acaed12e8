"""Who acts in what is being done now, and what of it the audit trail is to be told: one note for each request."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar

from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["Acting", "acting", "note_people"]


class Acting:
    """Who acts, and what became of it so far. A handler's thread sees the same note as the request's middleware."""

    def __init__(self, who: str, name: str) -> None:
        self.who = who
        """The id of the person's account or of the API key; `cli` for a command."""
        self.name = name
        self.people: dict[tuple[WorkspaceId, Key], None] = {}
        """Whom the request named or was told of."""
        self.written = False
        """The audit trail holds an entry of it, written in the transaction of the change."""


acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def note_people(workspace: WorkspaceId, keys: Iterable[Key]) -> None:
    """Say that whoever acts now is told of these people. Nothing where nobody acts: a worker, a test."""
    now = acting.get()
    if now is not None:
        now.people.update(dict.fromkeys((workspace, key) for key in keys))
