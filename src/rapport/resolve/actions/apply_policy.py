"""Make another policy the shop's, and its customers those of the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapport.kernel.errors import Conflict
from rapport.resolve.actions.action import Action, Change
from rapport.resolve.actions.audit import Effects
from rapport.resolve.actions.seen import refuse_unseen_policy
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.policy import PolicySettings, read_policy, save_policy
from rapport.resolve.graph.stated import Turn
from rapport.storage.bulk import insert_rows

__all__ = ["POLICY_PERMISSION", "ApplyPolicy"]

POLICY_PERMISSION = "sources:write"
"""Who may change the policy of all customers."""


@dataclass(frozen=True)
class ApplyPolicy(Action):
    """Save the policy and rebuild. Cost: the workspace, in memory."""

    wanted: PolicySettings
    seen: str | None = None
    """The policy that whoever asks has looked at (`policy_version`); None where that does not matter."""

    name = "policy"
    leaves = ("policy_before", "policy_after")
    undo_permission = POLICY_PERMISSION
    undo_words = "undo a change of the policy"

    def do(self, change: Change) -> None:
        """Raises InvalidInput, and Conflict: also where the policy in force is not the one that was `seen`."""
        self.wanted.check()
        before = read_policy(change.settings)
        refuse_unseen_policy(change.conn, change.workspace, self.seen, now=before, wanted=self.wanted)
        if before == self.wanted:
            raise Conflict("this is the policy already")
        _apply(change, before, self.wanted)

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Make the policy of before the shop's again, whatever came between."""
        now = read_policy(change.settings)
        if done.policy_before is not None and now != done.policy_before:
            _apply(change, now, done.policy_before)

    @staticmethod
    def conclude(change: Change, entry: str, turns: Sequence[Turn]) -> None:
        """Customers' history: `rebuild` writes none."""
        rows = [
            {
                "workspace": change.workspace, "at": change.now, "kind": turn.kind, "root_from": turn.root_from,
                "root_to": turn.root_to, "fact": "",
            }
            for turn in turns
        ]  # fmt: skip
        insert_rows(change.conn, store.customer_changes, rows)


def _apply(change: Change, before: PolicySettings, wanted: PolicySettings) -> None:
    change.policy = save_policy(change.conn, change.workspace, wanted)
    change.effects.policy_before, change.effects.policy_after = before, wanted
    change.took(corrections.rebuild(change.conn, change.workspace, change.policy, now=change.now))
