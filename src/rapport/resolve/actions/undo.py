"""Take an action back. That is an action itself, with effects of its own, and can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapport.kernel.errors import Conflict
from rapport.resolve.actions import audit
from rapport.resolve.actions.action import Action, Change
from rapport.resolve.graph.stated import Turn

__all__ = ["Undo", "undo"]


@dataclass(frozen=True)
class Undo(Action):
    """Do the opposite of what an action changed, as far as nobody did so before."""

    action_id: str

    name = "undo"
    leaves = ("undoes",)

    def do(self, change: Change) -> None:
        """Raises NotFound, Forbidden, Conflict."""
        undo(change, self.action_id)

    @staticmethod
    def conclude(change: Change, entry: str, turns: Sequence[Turn]) -> None:
        """Note at the undone action who undid it; what that one had undone holds again."""
        undone = change.effects.undoes
        audit.mark_undone(change.conn, change.workspace, undone, by=entry)
        before = audit.find_action(change.conn, change.workspace, undone).effects.undoes
        if before:
            audit.mark_undone(change.conn, change.workspace, before, by=None)


def undo(change: Change, action_id: str) -> None:
    """Turn back all that an action left. Raises NotFound, Forbidden; Conflict where it is undone, or cannot be here."""
    action = audit.find_action(change.conn, change.workspace, action_id)
    kinds = change.actions.behind(audit.stored_words(change.conn, change.workspace, action_id))
    for kind in kinds:
        if kind.undo_permission:
            change.by.require(kind.undo_permission, words=kind.undo_words)
    if action.undone_by:
        raise Conflict(f"this was undone by {action.undone_by}", hint="undo that one to do it again")
    for kind in kinds:
        kind.undo(change, action.effects)
    change.effects.undoes = action_id
