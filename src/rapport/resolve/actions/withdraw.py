"""Take evidence back, or let it count again: each is the other's way back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rapport.kernel.errors import Conflict
from rapport.resolve.actions.action import Action, Change, evidence_ident
from rapport.resolve.actions.audit import Effects
from rapport.resolve.graph import corrections
from rapport.resolve.graph.model import EvidenceId, Status

__all__ = ["Restore", "Withdraw", "restore", "withdraw"]


@dataclass(frozen=True)
class Withdraw(Action):
    """Take evidence back: it counts no more, also when it is seen again."""

    evidence: Sequence[str]

    name = "withdraw"
    leaves = ("withdrawn",)

    def do(self, change: Change) -> None:
        """Raises InvalidInput, NotFound."""
        withdraw(change, [evidence_ident(one) for one in self.evidence])

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Raises Conflict where the policy blocks one of the identifiers by now."""
        restore(change, [evidence_ident(one) for one in done.withdrawn])


@dataclass(frozen=True)
class Restore(Action):
    """Let evidence that a person took back count again."""

    evidence: Sequence[str]

    name = "restore"
    leaves = ("restored",)

    def do(self, change: Change) -> None:
        """Raises InvalidInput, NotFound; Conflict where it is the policy that took it back."""
        restore(change, [evidence_ident(one) for one in self.evidence])

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """Also of a join, which is a person's own evidence."""
        withdraw(change, [evidence_ident(one) for one in done.restored])


def withdraw(change: Change, idents: Collection[EvidenceId]) -> None:
    """Take back those of these that count still."""
    counting = [row.id for row in change.evidence(idents) if row.status != Status.WITHDRAWN]
    if counting:
        change.effects.withdrawn += [ident.hex() for ident in counting]
        change.took(
            corrections.withdraw(
                change.conn, change.workspace, counting, change.policy,
                author=change.by.name, reason=change.reason, now=change.now,
            )
        )  # fmt: skip


def restore(change: Change, idents: Collection[EvidenceId]) -> None:
    """Let those of these count again that a person took back. Raises Conflict where the policy did."""
    found = [row for row in change.evidence(idents) if row.status == Status.WITHDRAWN]
    if any(row.author is None for row in found):
        raise Conflict("the policy blocks one of these identifiers", hint="change the policy instead")
    if found:
        change.effects.restored += [row.id.hex() for row in found]
        taken = [row.id for row in found]
        change.took(corrections.restore(change.conn, change.workspace, taken, change.policy, now=change.now))
