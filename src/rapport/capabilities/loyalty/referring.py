"""Friends who were brought along: points come when the friend's order is kept, and never for bringing oneself.

A friend is another person by all identifiers that are certainly theirs. That many are brought by one is the rule's
limit (`at_most`); an order counts once, for whoever spoke of it first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause, stated_in
from rapport.capabilities.loyalty.counting import counting
from rapport.capabilities.loyalty.facts import REFERRED
from rapport.capabilities.loyalty.whose import persons_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["kept_referrals"]

ENDED = frozenset(("Order Cancelled", "Order Refunded"))


def kept_referrals(
    conn: Connection, workspace: WorkspaceId, causes: Sequence[Cause], root_of: Mapping[Key, Key]
) -> frozenset[str]:
    """Which facts about friends count: an order is named, somebody else placed it, and nothing of it went back."""
    told = {one.fact: one for one in causes if one.name == REFERRED}
    if not told:
        return frozenset()
    orders = {fact: f"order:{stated_in(one).order_id}" for fact, one in told.items()}
    found: dict[str, list[Cause]] = {}
    for cause in counting(conn, workspace, store.causes_of(conn, workspace, (), set(orders.values()))):
        found.setdefault(cause.subject, []).append(cause)
    reports = {
        subject: min((c for c in several if c.name == "Order Completed"), key=lambda c: (c.at, c.fact), default=None)
        for subject, several in found.items()
        if not any(c.name in ENDED for c in several)
    }
    strands = {one.strand for one in reports.values() if one is not None}
    friends = {key: root for root, several in persons_of(conn, workspace, strands).items() for key in several}
    kept = set()
    for fact, subject in orders.items():
        report = reports.get(subject)
        mine = root_of.get(told[fact].strand, told[fact].strand)
        if report is not None and friends.get(report.strand, report.strand) != mine:
            kept.add(fact)
    return frozenset(kept)
