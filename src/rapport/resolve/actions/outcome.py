"""What an action did, as its customers are afterwards: for the API, the console and the command line."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading import identities
from rapport.storage.log import facts
from rapport.storage.lookup import select_among

__all__ = ["NamedIdentifier", "Outcome", "Party", "parties"]


class NamedIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """One identifier, and how many facts are filed under it: they go where it goes."""

    namespace: str
    value: str
    facts: int


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A customer as it is after an action."""

    id: CustomerId
    identifiers: list[NamedIdentifier]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an action did, or would do."""

    action: str | None
    """The entry in the audit trail; None of a dry run."""
    dry_run: bool
    moved: int
    """Identifiers that belong to another customer now."""
    customers: list[Party]
    """All it was about, as they are afterwards; at most 50."""
    withdrawn: list[str]
    """Evidence that it took back."""


def parties(conn: Connection, workspace: WorkspaceId, roots: Sequence[Key]) -> list[Party]:
    """These customers with their identifiers and how many facts each has."""
    members = identities.members_of_customers(conn, workspace, roots)
    numbers = _facts_by_strand(conn, workspace, [one.key for several in members.values() for one in several])
    if not members:
        return []
    ids = load_customer_ids(conn)
    return [
        Party(
            id=ids.customer_id(root),
            identifiers=[
                NamedIdentifier(namespace=one.namespace, value=one.value, facts=numbers.get(one.key, 0))
                for one in members[root]
            ],
        )
        for root in roots
        if root in members
    ]


def _facts_by_strand(conn: Connection, workspace: WorkspaceId, keys: Sequence[Key]) -> dict[bytes, int]:
    column = facts.c.strand
    query = sa.select(column, sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in select_among(conn, query, workspace, column, keys)}
