"""Whom no purpose keeps any longer: each is allowed or not, and keeps for so many days since somebody was seen.

A purpose that is not allowed keeps nobody; one that names no days keeps for as long as it is allowed. Who has the use
of what is kept restricted is kept, as that is what they asked; who is held, as somebody may ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent.model import Held, Policy, PolicySet, is_restricted, judge
from rapport.capabilities.consent.service import people_of, policies_of
from rapport.capabilities.consent.settings import PRIVACY_SETTINGS
from rapport.compose.holds import held_keys
from rapport.compose.law import Outlived
from rapport.kernel.clock import DAY, to_iso
from rapport.kernel.facts import OWN_SOURCE
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember.store import customers
from rapport.resolve.linking.units import members_of
from rapport.storage import log, settings
from rapport.storage.bulk import chunks

__all__ = ["Overdue", "find_outlived", "is_kept", "outlived", "overdue"]

_c = customers.c
_KINDS = (0, 1, 2)
"""What a row's `known` says: the index by time begins with it."""
_COUNTED = 2_000


class Overdue(NamedTuple):
    """Who is kept for longer than their policy says."""

    people: int
    all_counted: bool
    """Whether all were looked at, and not the first 2,000 of them alone."""
    oldest_seen_at: int | None
    """When the longest unseen customer was seen."""


def is_kept(policy: Policy, each: Sequence[Sequence[Held]], *, seen_at: int, ordered_at: int, now: int) -> bool:
    """Whether any purpose of the policy keeps somebody who was last seen, and last ordered (0: never), then."""
    if is_restricted(each):
        return True
    for name, rule in policy.purposes.items():
        since = ordered_at if rule.kept_from == "last_order" else seen_at
        lives = rule.kept_days is None or (since > 0 and since + rule.kept_days * DAY > now)
        if lives and judge(policy, name, each, today=to_iso(now)[:10]).may:
            return True
    return False


def find_outlived(
    conn: Connection, workspace: WorkspaceId, after: tuple[int, int, bytes] | None, now: int, limit: int
) -> Outlived:
    """The same for the job: nobody where the shop has not said that it wants it."""
    if not settings.load(conn, workspace, PRIVACY_SETTINGS).value.retention:
        return Outlived([], 0, None)
    return outlived(conn, workspace, after, now, limit)


def outlived(
    conn: Connection, workspace: WorkspaceId, after: tuple[int, int, bytes] | None, now: int, limit: int
) -> Outlived:
    """Whom nothing keeps, of so many customers in the order in which they were last seen. Set-based reads, bounded."""
    kept = policies_of(conn, workspace)
    shortest = _shortest(kept.policies)
    if shortest is None:
        return Outlived([], 0, None)
    known, seen_at, root = after or (0, 0, b"")
    rows: list[Any] = []
    for kind in _KINDS[known:]:
        after_it = sa.tuple_(_c.last_seen_at, _c.root) > sa.tuple_(sa.literal(seen_at), sa.literal(root))
        query = sa.select(_c.known, _c.last_seen_at, _c.root, _c.last_order_at).where(
            _c.workspace == workspace, _c.known == kind, _c.last_seen_at < now - shortest * DAY, after_it
        )
        rows += conn.execute(query.order_by(_c.last_seen_at, _c.root).limit(limit - len(rows))).all()
        if len(rows) >= limit:
            break
        seen_at, root = 0, b""
    people = people_of(conn, workspace, [Key(row.root) for row in rows], policies=kept)
    held = held_keys(conn, workspace, now=now)
    gone = [
        key
        for row in rows
        for key in [Key(row.root)]
        if row.last_seen_at > 0
        and key not in held
        and not is_kept(people.policy_of(key), people.each[key], seen_at=row.last_seen_at,
                        ordered_at=row.last_order_at, now=now)
        and not _seen_since(conn, workspace, key, now - shortest * DAY)
    ]  # fmt: skip
    last = rows[-1] if len(rows) >= limit else None
    return Outlived(gone, len(rows), None if last is None else (last.known, last.last_seen_at, bytes(last.root)))


def overdue(conn: Connection, workspace: WorkspaceId, *, now: int, most: int = _COUNTED) -> Overdue:
    """How many are kept for too long. Bounded."""
    found = outlived(conn, workspace, None, now, most)
    oldest = sa.select(sa.func.min(_c.last_seen_at)).where(_c.workspace == workspace, _c.last_seen_at > 0)
    return Overdue(len(found.people), found.after is None, conn.execute(oldest).scalar())


def _shortest(policies: PolicySet) -> int | None:
    """The fewest days after which anybody may be gone; None where each policy has a purpose that keeps for ever.

    Such a purpose need not be allowed: of consent and interest it is never sure.
    """
    by_policy = [[rule.kept_days for rule in one.purposes.values()] for one in policies.policies]
    return min((min(days) for each in by_policy if (days := [one for one in each if one is not None])), default=None)


def _seen_since(conn: Connection, workspace: WorkspaceId, key: Key, since: int) -> bool:
    """Whether the log has newer facts of them than their summary, which is a moment behind."""
    f = log.facts.c
    for some in chunks([key, *(one.key for one in members_of(conn, workspace, key))], 500):
        newer = sa.select(f.seq).where(f.workspace == workspace, f.strand.in_(some), f.occurred_at >= since,
                                        f.source != OWN_SOURCE)  # fmt: skip
        if conn.execute(newer.limit(1)).first() is not None:
            return True
    return False
