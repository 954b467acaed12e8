"""What other policies would change: tried on all customers before they apply. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.consent.model import PolicySet
from rapport.capabilities.consent.service import people_of
from rapport.kernel.ids import CustomerId, Key, WorkspaceId
from rapport.remember import store as remember
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.storage.bulk import chunks

__all__ = ["Effect", "PurposeEffect", "effect_of"]

_EXAMPLES = 5


class PurposeEffect(msgspec.Struct, frozen=True, kw_only=True):
    """Customers for whom one purpose would be allowed or refused who are not now."""

    purpose: str
    allowed: int
    refused: int
    examples: list[CustomerId]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What would change, by purpose; empty where nothing would."""

    customers: int
    purposes: list[PurposeEffect]


def effect_of(conn: Connection, workspace: WorkspaceId, wanted: PolicySet) -> Effect:
    """Compare with the policies in force. Cost: five set-based reads for each 500 customers."""
    allowed: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    examples: dict[str, list[Key]] = {}
    customers = 0
    for roots in chunks(_roots(conn, workspace), 500):
        customers += len(roots)
        people = people_of(conn, workspace, roots, sources=wanted.ask_sources)
        tried = people._replace(policies=wanted)
        for key in roots:
            for purpose in people.policy_of(key).purposes.keys() | tried.policy_of(key).purposes.keys():
                before, after = people.verdict(key, purpose).may, tried.verdict(key, purpose).may
                if before != after:
                    (allowed if after else refused)[purpose] += 1
                    if len(some := examples.setdefault(purpose, [])) < _EXAMPLES:
                        some.append(key)
    shown = load_customer_ids(conn).customer_id if examples else None
    return Effect(
        customers=customers,
        purposes=[
            PurposeEffect(
                purpose=purpose, allowed=allowed[purpose], refused=refused[purpose],
                examples=[shown(key) for key in examples[purpose]] if shown else [],
            )
            for purpose in sorted(examples)
        ],
    )  # fmt: skip


def _roots(conn: Connection, workspace: WorkspaceId) -> Iterable[Key]:
    """All customers, in pages by the primary key."""
    c, after = remember.customers.c, b""
    while True:
        query = sa.select(c.root).where(c.workspace == workspace, c.root > after).order_by(c.root).limit(5_000)
        page = [Key(root) for root in conn.execute(query).scalars()]
        yield from page
        if len(page) < 5_000:
            return
        after = page[-1]
