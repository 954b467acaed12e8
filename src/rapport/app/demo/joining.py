"""Some customers have joined the paid membership: from a while after they were known, month by month."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import sqlalchemy as sa

from rapport.capabilities.loyalty import membership, periods, store
from rapport.capabilities.loyalty.chance import HELD_OUT
from rapport.capabilities.loyalty.programme import Plan
from rapport.capabilities.loyalty.redeeming import current
from rapport.capabilities.loyalty.settling import settle
from rapport.capabilities.loyalty.whose import persons_of
from rapport.kernel.clock import DAY, HOUR, now_us
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.resolve.graph.store import identifiers
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.lookup import select_among

__all__ = ["join_some"]

INVITED, OTHERS = 0.25, 0.04
"""Who joins, of those who are offered it and of those who by chance are not."""
PAYS_AFTER_TRIAL, RENEWS, CANCELS = 0.7, 0.85, 0.5
CHARGED = 0.2
"""Of those who cancelled: the shop's billing had not heard of it."""
_c, _a, _i = store.causes.c, store.arms.c, identifiers.c


class _Buyer(NamedTuple):
    key: Key
    since: int
    """When the last of their identifiers was seen first: no fact of ours knows one before the shop did."""
    is_invited: bool


def join_some(db: Database, workspace: WorkspaceId, *, seed: int) -> int:
    """Let some customers have joined; returns how many. Where somebody has, nothing is done."""
    with db.read() as conn:
        if conn.execute(sa.select(store.memberships.c.id).where(store.memberships.c.workspace == workspace)).first():
            return 0
        plan = current(conn, workspace).programme.plans[0]
        held_out = set(conn.execute(sa.select(_a.strand).where(_a.workspace == workspace, _a.arm == HELD_OUT,
                                                               _a.trial == f"plan:{plan.name}")).scalars())  # fmt: skip
        bought = sa.select(_c.strand).where(_c.workspace == workspace, _c.name == "Order Completed").distinct()
        people = persons_of(conn, workspace, {Key(strand) for strand in conn.execute(bought).scalars()})
        everyone = {one for keys in people.values() for one in keys}
        seen = {Key(row.key): row.first_seen_at for row in select_among(
            conn, sa.select(_i.key, _i.first_seen_at), workspace, _i.key, everyone)}  # fmt: skip
    rng, now = Random(seed), now_us()
    buyers = [
        _Buyer(key, max(seen.get(one, 0) for one in keys), held_out.isdisjoint(keys))
        for key, keys in sorted(people.items())
    ]
    joined = [one for one in buyers if rng.random() < (INVITED if one.is_invited else OTHERS) and one.since < now - DAY]
    for number, one in enumerate(joined):
        with db.write() as conn:
            _live(conn, workspace, one, plan, rng, f"fee-{number}", now=now)
    with db.write() as conn:
        why = {one.key: f"joined:{plan.name}" for one in joined}
        log.append(conn, settle(conn, workspace, set(why), cause=why, now=now))
    return len(joined)


def _live(
    conn: Connection, workspace: WorkspaceId, buyer: _Buyer, plan: Plan, rng: Random, payment: str, *, now: int
) -> None:  # fmt: skip
    """One membership: a trial, then a fee each month for as long as they like it. In one transaction, since the clock
    of the shop would end it meanwhile.
    """
    at = buyer.since + HOUR
    id = membership.join_in(conn, workspace, buyer.key, plan.name, payment="", now=at)
    chance, number = PAYS_AFTER_TRIAL, 1
    while (until := periods.find(conn, workspace, id).until) < now:
        at = until - HOUR
        if rng.random() >= chance:
            if rng.random() < CANCELS:
                membership.cancel_in(conn, workspace, id, now=at)
                if rng.random() < CHARGED:
                    membership.renew_in(conn, workspace, id, payment=f"{payment}-{number}", now=at)
            return
        membership.renew_in(conn, workspace, id, payment=f"{payment}-{number}", now=at)
        chance, number = RENEWS, number + 1
