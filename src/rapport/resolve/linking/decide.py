"""Decide about a pair of the review queue, and take the decision back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rapport.resolve.actions.action import Action, Change, evidence_ident
from rapport.resolve.actions.audit import Decided, Effects
from rapport.resolve.actions.forbid import forbid
from rapport.resolve.actions.join import join
from rapport.resolve.actions.undo import undo
from rapport.resolve.graph.stated import Turn
from rapport.resolve.linking import review
from rapport.resolve.linking.store import CandidateStatus

__all__ = ["Decide", "Reopen"]


@dataclass(frozen=True)
class Decide(Action):
    """Say that both records of a pair are one person, or that they are two for ever."""

    pair: str
    one_person: bool

    leaves = ("decided",)

    @property
    def name(self) -> str:
        """The stored words are those of the review queue."""
        return "accept" if self.one_person else "reject"

    def do(self, change: Change) -> None:
        """Raises NotFound; Conflict where it was decided meanwhile, or a limit or a forbidden pair is against it."""
        pair = review.to_decide(change.conn, change.workspace, evidence_ident(self.pair))
        after = CandidateStatus.ACCEPTED if self.one_person else CandidateStatus.REJECTED
        change.effects.decided = Decided(pair=self.pair, before=pair.status.value, after=after.value)
        change.subjects.update((pair.a, pair.b))
        if self.one_person:
            join(change, pair.a, pair.b)
        elif not change.is_forbidden(pair.a, pair.b):
            forbid(change, pair.a, pair.b)

    @staticmethod
    def undo(change: Change, done: Effects) -> None:
        """The pair is to be as it was before; what was joined or forbidden is undone beside it."""
        if done.decided is not None:
            was = done.decided
            change.effects.decided = Decided(pair=was.pair, before=was.after, after=was.before)

    @staticmethod
    def conclude(change: Change, entry: str, turns: Sequence[Turn]) -> None:
        """Take the pair out of the queue, or put it back."""
        decided = change.effects.decided
        if decided is not None:
            review.note_decision(
                change.conn, change.workspace, evidence_ident(decided.pair), before=decided.before,
                after=decided.after, author=change.by.name, reason=change.reason, action=entry, now=change.now,
            )  # fmt: skip


@dataclass(frozen=True)
class Reopen(Action):
    """Undo whatever action decided a pair."""

    pair: str

    name = "reopen"

    def do(self, change: Change) -> None:
        """Raises NotFound, Conflict where nobody decided."""
        undo(change, review.verdict(change.conn, change.workspace, evidence_ident(self.pair)))
