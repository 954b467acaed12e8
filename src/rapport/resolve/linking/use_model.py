"""Make another version of the learned model the one in force; the worker then scores everybody anew."""

from __future__ import annotations

from dataclasses import dataclass

from rapport.kernel.errors import Conflict
from rapport.kernel.versions import refuse_unseen
from rapport.resolve.actions.action import Action, Change
from rapport.resolve.actions.apply_policy import POLICY_PERMISSION
from rapport.resolve.actions.audit import Effects
from rapport.resolve.actions.seen import who_last
from rapport.resolve.linking import models

__all__ = ["UseModel"]


@dataclass(frozen=True)
class UseModel(Action):
    """Score everybody by this version."""

    version: int
    seen: str | None = None
    """What was in force when whoever asks has looked (`models.in_force`); None where that does not matter."""

    name = "model"
    leaves = ("model_before", "model_after")
    undo_permission = POLICY_PERMISSION
    undo_words = "undo a change of the model"

    def do(self, change: Change) -> None:
        """Raises NotFound, and Conflict: also where the model in force is not the one that was `seen`."""
        before = models.active_version(change.conn, change.workspace)
        who = who_last(change.conn, change.workspace, lambda effects: effects.model_after is not None)
        refuse_unseen(
            self.seen, {"model": before}, wanted={"model": self.version}, what="which model is in force", who=who
        )
        if before == self.version:
            raise Conflict(f"model {self.version} is in use already")
        _use(change, before, self.version)

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Back to the version of before, unless somebody went on to a third."""
        now = models.active_version(change.conn, change.workspace)
        if done.model_before is not None and now == done.model_after:
            _use(change, now, done.model_before)


def _use(change: Change, before: int | None, version: int) -> None:
    models.activate(change.conn, change.workspace, version)
    change.effects.model_before, change.effects.model_after = before, version
