"""Never let two identifiers be one customer."""

from __future__ import annotations

from dataclasses import dataclass

from rapport.kernel.errors import Conflict
from rapport.kernel.ids import Key
from rapport.resolve.actions.action import Action, Change, key_of_hex
from rapport.resolve.actions.audit import Effects
from rapport.resolve.graph import corrections

__all__ = ["Forbid", "forbid"]


@dataclass(frozen=True)
class Forbid(Action):
    """Never let two identifiers be one customer; where they are, the weakest evidence between them gives way."""

    one: str
    other: str

    name = "forbid"
    leaves = ("forbidden", "allowed")

    def do(self, change: Change) -> None:
        """Raises NotFound, Conflict."""
        forbid(change, change.key(self.one), change.key(self.other))

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Allow what was forbidden, and where that itself is undone, forbid it again."""
        for a, b in done.forbidden:
            _allow(change, key_of_hex(a), key_of_hex(b))
        for a, b in done.allowed:
            if not change.is_forbidden(key_of_hex(a), key_of_hex(b)):
                forbid(change, key_of_hex(a), key_of_hex(b))


def forbid(change: Change, a: Key, b: Key) -> None:
    """Forbid a pair. Raises Conflict where it is forbidden already."""
    change.subjects.update((a, b))
    if change.is_forbidden(a, b):
        raise Conflict("these two are forbidden from joining already")
    change.effects.forbidden.append((a.hex(), b.hex()))
    change.took(
        corrections.forbid(
            change.conn, change.workspace, a, b, change.policy,
            author=change.by.name, reason=change.reason, now=change.now,
        )
    )  # fmt: skip


def _allow(change: Change, a: Key, b: Key) -> None:
    """Take a forbidden pair back, if it is forbidden still."""
    change.subjects.update((a, b))
    if change.is_forbidden(a, b):
        change.effects.allowed.append((a.hex(), b.hex()))
        change.took(corrections.allow(change.conn, change.workspace, a, b, change.policy, now=change.now))
