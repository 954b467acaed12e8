"""What the policies say of requests: by when they are answered, what a restriction and an objection end, and what of
orders an erasure leaves for the books.

**Source**: Art. 12, 18 and 21 GDPR; CPRA § 7021, 45 days; LGPD art. 19, 15 days.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection

from rapport.capabilities.consent import store
from rapport.capabilities.consent.model import RESTRICTED, Policy
from rapport.capabilities.consent.recording import Given, answer_fact
from rapport.capabilities.consent.retention import find_outlived
from rapport.capabilities.consent.service import (
    Noted,
    note_of,
    people_of,
    policies_of,
    said_by,
    to_be_confirmed,
    with_refusals,
)
from rapport.collect.sources import identifier_policy
from rapport.compose.law import Law, LegalBooks
from rapport.kernel.facts import decode_fact
from rapport.kernel.identifiers import Identifier
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.policy import settings_of
from rapport.resolve.linking.units import members_of
from rapport.storage import log

__all__ = ["LAW"]

_MOST_KEYS = 200


def _answer_days(conn: Connection, workspace: WorkspaceId, key: Key, kind: str) -> int:
    policy = people_of(conn, workspace, [key]).policy_of(key)
    return policy.answer_days_of.get(kind, policy.answer_days)


def _obey(conn: Connection, workspace: WorkspaceId, key: Key, kind: str, now: int) -> str:
    """A fact and what it means, in one transaction: the gate says no from its commit on."""
    policy = people_of(conn, workspace, [key]).policy_of(key)
    ended = [RESTRICTED] if kind == "restriction" else _objected(policy)
    members = members_of(conn, workspace, key)
    named = next(one for one in members if one.key == key)
    said: dict[str, Literal["granted", "denied", "unknown"]] = dict.fromkeys(ended, "denied")
    given = Given(purposes=said, wording="", language="", how="request", by="")
    keys = [one.key for one in members[:_MOST_KEYS]]
    row = answer_fact(workspace, Identifier(named.namespace, named.value), keys, given, now=now)
    log.append(conn, [row])
    fact = decode_fact(row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=0)
    noted = Noted(workspace, Key(row.strand), fact, note_of(fact))
    noted = with_refusals(noted, to_be_confirmed(policies_of(conn, workspace).policies))
    store.keep(conn, said_by([noted], {workspace: identifier_policy(settings_of(conn, workspace))}))
    if kind == "restriction":
        return "from now on only what was ordered, and what the law demands"
    return (
        f"ended: {', '.join(policy.purposes[name].title for name in ended)}" if ended else "nothing rests on interest"
    )


def _objected(policy: Policy) -> list[str]:
    """What rests on the shop's interest, and whatever would win somebody."""
    return [
        name
        for name, rule in policy.purposes.items()
        if rule.basis == "legitimate_interest" or (rule.basis == "consent" and name.endswith("_marketing"))
    ]


def _books(conn: Connection, workspace: WorkspaceId, key: Key) -> LegalBooks | None:
    books = people_of(conn, workspace, [key]).policy_of(key).books
    return LegalBooks(books.law, books.years) if books is not None and books.kept else None


LAW = Law(answer_days=_answer_days, obey=_obey, outlived=find_outlived, books=_books)
