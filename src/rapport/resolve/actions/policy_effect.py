"""What a changed policy would do, before anybody applies it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.actions.outcome import Party, parties
from rapport.resolve.graph import policy
from rapport.resolve.graph.policy import Difference, PolicySettings
from rapport.resolve.graph.store import roots_of
from rapport.resolve.reading import identities

__all__ = ["Changed", "PolicyEffect", "policy_effect"]

SHOWN = 50
"""Merges and splits of a changed policy that are told one by one."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """Customers as they are, and as they would be."""

    before: list[Party]
    after: list[list[str]]
    """Each customer as its identifiers, `namespace:value`."""


class PolicyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a changed policy would do; of merges and splits at most 50 are told one by one."""

    merges: int
    """Sets of customers of which some would become one."""
    splits: int
    """Sets of customers of which some would become several."""
    merged: list[Changed]
    split: list[Changed]
    version: str
    """Of the policy in force that it was compared with."""


def policy_effect(conn: Connection, workspace: WorkspaceId, wanted: PolicySettings, *, now: int) -> PolicyEffect:
    """The dry run of a changed policy."""
    found = policy.compare(conn, workspace, wanted, now=now)
    merges = [difference for difference in found if difference.merges]
    splits = [difference for difference in found if difference.splits]
    return PolicyEffect(
        version=policy.policy_version(policy.settings_of(conn, workspace)), merges=len(merges), splits=len(splits),
        merged=_changed(conn, workspace, merges[:SHOWN]),
        split=_changed(conn, workspace, splits[:SHOWN]),
    )  # fmt: skip


def _changed(conn: Connection, workspace: WorkspaceId, found: list[Difference]) -> list[Changed]:
    """The customers with their identifiers, the earliest first."""
    keys = {key for one in found for group in one.before for key in group}
    roots, members = roots_of(conn, workspace, keys), identities.members(conn, workspace, keys)
    order = sorted(members.values(), key=lambda one: (one.first_seen_at, one.namespace, one.value))
    place = {one.key: number for number, one in enumerate(order)}

    def by_age(groups: Iterable[Sequence[Key]]) -> list[list[Key]]:
        return sorted((sorted(group, key=place.__getitem__) for group in groups), key=lambda group: place[group[0]])

    return [
        Changed(
            before=parties(conn, workspace, [roots[group[0]] for group in by_age(one.before)]),
            after=[[f"{members[k].namespace}:{members[k].value}" for k in group] for group in by_age(one.after)],
        )
        for one in found
    ]
