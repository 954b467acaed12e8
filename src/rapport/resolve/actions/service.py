"""What people do to identities: each action in one transaction with its audit entry, tried without effect, and undone.

One file an action, beside this one. Here is what all have in common: the workspace's lock, the reason, the entry in the
audit trail, the facts that state what became of customers, and whoever keeps something per customer being told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from rapport.kernel.clock import now_us
from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.principal import Principal
from rapport.kernel.text import clean
from rapport.resolve.actions import audit
from rapport.resolve.actions.action import Action, Actions, Change
from rapport.resolve.actions.apply_policy import POLICY_PERMISSION, ApplyPolicy
from rapport.resolve.actions.forbid import Forbid
from rapport.resolve.actions.join import Join
from rapport.resolve.actions.outcome import Outcome, parties
from rapport.resolve.actions.split import Split, SplitWanted
from rapport.resolve.actions.undo import Undo
from rapport.resolve.actions.withdraw import Restore, Withdraw
from rapport.resolve.graph import stated, store
from rapport.resolve.graph.policy import PolicySettings
from rapport.resolve.graph.recompute import Moved
from rapport.resolve.reading import identities
from rapport.storage.engine import Database

__all__ = ["ACTIONS", "POLICY_PERMISSION", "Identity"]

LONGEST_REASON = 500

MOST_PARTIES = 50
"""Customers an outcome tells of."""

ACTIONS: tuple[type[Action], ...] = (Forbid, Restore, Withdraw, Join, Split, ApplyPolicy, Undo)
"""What can be done to the graph itself, in the order in which what was left is undone: first what forbids."""


def _nobody(conn: Connection, moved: Sequence[Moved]) -> None:
    return None


class Identity:
    """Where actions are done. `on_moved` is called in each transaction with the identifiers whose customer changed.

    `more` are kinds of action beside those of the graph itself: what they left can be undone only where they are.
    """

    def __init__(
        self,
        db: Database,
        *,
        more: Iterable[type[Action]] = (),
        on_moved: Callable[[Connection, Sequence[Moved]], object] = _nobody,
    ) -> None:
        self._db = db
        self._actions = Actions((*ACTIONS, *more))
        self._on_moved = on_moved

    def act(self, by: Principal, action: Action, *, reason: str, dry_run: bool = False) -> Outcome:
        """Do it, or with `dry_run` say what it would do.

        Raises InvalidInput without a reason, Conflict where nothing would change, and what the action raises.
        """
        reason = clean(reason, longest=LONGEST_REASON)
        if not reason:
            raise InvalidInput("no reason was given", hint="say in a few words why; it stays in the audit trail")
        try:
            with self._db.write() as conn:
                outcome = self.act_in(conn, by, action, reason=reason, dry_run=dry_run)
                if dry_run:
                    raise _Tried(outcome)
        except _Tried as tried:
            return tried.outcome
        return outcome

    def withdraw(self, by: Principal, evidence: Sequence[str], *, reason: str, dry_run: bool = False) -> Outcome:
        """`Withdraw`."""
        return self.act(by, Withdraw(evidence), reason=reason, dry_run=dry_run)

    def restore(self, by: Principal, evidence: Sequence[str], *, reason: str, dry_run: bool = False) -> Outcome:
        """`Restore`."""
        return self.act(by, Restore(evidence), reason=reason, dry_run=dry_run)

    def split(
        self, by: Principal, reference: str, wanted: SplitWanted, *, reason: str, dry_run: bool = False
    ) -> Outcome:
        """`Split`."""
        return self.act(by, Split(reference, wanted), reason=reason, dry_run=dry_run)

    def join(self, by: Principal, one: str, other: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """`Join`."""
        return self.act(by, Join(one, other), reason=reason, dry_run=dry_run)

    def forbid(self, by: Principal, one: str, other: str, *, reason: str, dry_run: bool = False) -> Outcome:
        """`Forbid`."""
        return self.act(by, Forbid(one, other), reason=reason, dry_run=dry_run)

    def apply_policy(self, by: Principal, wanted: PolicySettings, *, reason: str, seen: str | None = None) -> Outcome:
        """`ApplyPolicy`."""
        return self.act(by, ApplyPolicy(wanted, seen), reason=reason)

    def undo(self, by: Principal, action_id: str, *, reason: str = "", dry_run: bool = False) -> Outcome:
        """`Undo`, which needs no reason."""
        return self.act(by, Undo(action_id), reason=reason or "undone", dry_run=dry_run)

    def act_in(
        self, conn: Connection, by: Principal, action: Action, *, reason: str, dry_run: bool = False
    ) -> Outcome:  # fmt: skip
        """Do it in a transaction of the caller, who rolls it back if it is a dry run or anything is raised."""
        store.lock(conn, by.workspace)
        change = Change(conn, by, self._actions, reason=reason, now=now_us())
        action.do(change)
        return self._finish(change, action.name, dry_run=dry_run)

    def _finish(self, change: Change, name: str, *, dry_run: bool) -> Outcome:
        """Write the audit entry, state the facts, tell who wants to know, and say what happened."""
        conn, workspace = change.conn, change.workspace
        words = change.effects.words()
        if not words:
            raise Conflict("nothing would change", hint="it is so already")
        moved = _moved(change)
        turns = _turns(change, moved)
        touched = store.roots_of(conn, workspace, change.subjects).values()
        roots = dict.fromkeys((*touched, *(one.new_root for one in moved)))
        outcome = Outcome(
            action=None, dry_run=dry_run, moved=len(moved), withdrawn=change.effects.withdrawn,
            customers=parties(conn, workspace, list(roots)[:MOST_PARTIES]),
        )  # fmt: skip
        if dry_run:
            return outcome
        entry = audit.write(
            conn, workspace, who=change.by.name, who_id=change.by.id, action=name, reason=change.reason,
            effects=change.effects, subjects=change.subjects | {one.identifier_key for one in moved}, now=change.now,
        )  # fmt: skip
        for kind in self._actions.behind(words):
            kind.conclude(change, entry, turns)
        stated.state(conn, workspace, turns, change.policy, cause=entry, now=change.now)
        self._on_moved(conn, moved)
        return msgspec.structs.replace(outcome, action=entry)


class _Tried(Exception):
    """Rolls a dry run back."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def _moved(change: Change) -> list[Moved]:
    roots = store.roots_of(change.conn, change.workspace, change.before)
    return [
        Moved(change.workspace, key, old, roots[key]) for key, old in change.before.items() if roots[key] != old
    ]  # fmt: skip


def _turns(change: Change, moved: Sequence[Moved]) -> list[stated.Turn]:
    """What the moves come to, seen with the identifiers that stayed."""
    old = {one.identifier_key: one.old_root for one in moved}
    roots = {root for one in moved for root in (one.old_root, one.new_root) if root is not None}
    members = identities.members_of_customers(change.conn, change.workspace, roots)
    after = {one.key: root for root, several in members.items() for one in several}
    before = {key: old.get(key) or root for key, root in after.items()}
    return stated.turns(before, after)
