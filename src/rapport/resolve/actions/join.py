"""Say that two customers are one person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from rapport.kernel.errors import Conflict, InvalidInput
from rapport.kernel.ids import Key
from rapport.resolve.actions.action import Action, Change
from rapport.resolve.graph import corrections, store
from rapport.resolve.graph.forest import too_many
from rapport.resolve.graph.model import Kind, Status, evidence_id
from rapport.resolve.reading.explain import limit_words
from rapport.resolve.reading.identities import Member
from rapport.storage.lookup import select_among

__all__ = ["Join", "join"]


@dataclass(frozen=True)
class Join(Action):
    """Say that two customers are one person. It leaves evidence, as `Restore` does, and is undone with it."""

    one: str
    other: str

    name = "join"

    def do(self, change: Change) -> None:
        """Raises NotFound; Conflict where a limit or a forbidden pair is against it."""
        join(change, change.key(self.one), change.key(self.other))


def join(change: Change, a: Key, b: Key) -> None:
    """Join the customers of two identifiers, by way of the names of which one customer may not have both."""
    for left, right in _pairs(change, a, b):
        ident = evidence_id(left, right, Kind.JOINED)
        rows = change.evidence([ident], missing_ok=True)
        if rows and rows[0].status != Status.WITHDRAWN:
            continue
        change.subjects.update((left, right))
        change.took(
            corrections.join(
                change.conn, change.workspace, left, right, change.policy,
                author=change.by.name, reason=change.reason, now=change.now,
            )
        )  # fmt: skip
        change.effects.restored.append(ident.hex())
    if not change.together(a, b):
        raise Conflict(
            f"these two cannot be one customer: {_against(change, a, b)}",
            hint="raise the limit in the policy, or take back the pair that was forbidden",
        )


def _pairs(change: Change, a: Key, b: Key) -> list[tuple[Key, Key]]:
    """What to join so that no limit stands against it: two accounts are said to be one account."""
    if a == b:
        raise InvalidInput("the two identifiers are the same", hint="name two different identifiers")
    if change.together(a, b):
        return [(a, b)]
    left, right = change.members(a), change.members(b)
    mine, other = ({one.namespace: one.key for one in reversed(side)} for side in (left, right))
    over = [name for name in _too_many(change, left, right) if name in mine and name in other]
    return [(mine[name], other[name]) for name in sorted(over, key=change.policy.rank)] or [(a, b)]


def _too_many(change: Change, left: Sequence[Member], right: Sequence[Member]) -> list[str]:
    return too_many([(one.namespace, one.first_seen_at) for one in (*left, *right)], change.policy)


def _against(change: Change, a: Key, b: Key) -> str:
    """What keeps two customers apart, in words."""
    left, right = change.members(a), change.members(b)
    if _any_forbidden(change, {one.key for one in left}, {one.key for one in right}):
        return "some of their identifiers are forbidden from joining"
    over = _too_many(change, left, right)
    if over:
        days = change.policy.limit_days
        return "together they would have too many of " + ", ".join(limit_words(name, days) for name in over)
    if len(left) + len(right) > change.policy.max_identifiers:
        return f"together they would have more than {change.policy.max_identifiers} identifiers"
    return "a limit of the policy is reached"


def _any_forbidden(change: Change, mine: Collection[Key], other: Collection[Key]) -> bool:
    pairs = store.forbidden_pairs.c
    query = sa.select(pairs.a, pairs.b)
    found = [
        pair
        for column in (pairs.a, pairs.b)
        for pair in select_among(change.conn, query, change.workspace, column, mine)
    ]
    return any(a in other or b in other for a, b in found)
