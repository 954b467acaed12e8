"""All that is known of some people and bears on their points: causes, memberships, what they paid, what was decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.causes import Cause
from rapport.capabilities.loyalty.counting import counting
from rapport.capabilities.loyalty.earning import Paid, Version
from rapport.capabilities.loyalty.paid_for import paid_periods
from rapport.capabilities.loyalty.referring import kept_referrals
from rapport.capabilities.loyalty.whose import persons_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.lookup import select_among

__all__ = ["Known", "known_of"]


class Known(NamedTuple):
    """What is known of the people that a batch is about."""

    strands: Mapping[Key, Sequence[Key]]
    """By the least of their keys."""
    causes: Mapping[Key, Sequence[Cause]]
    paid: Mapping[Key, Sequence[tuple[str, Paid]]]
    redeemed: Mapping[tuple[str, str], int]
    """What orders were paid with points, by subject and currency, in minor units."""
    redemptions: Mapping[str, Sequence[Any]]
    """The rows of these people's redemptions that paid for an order, by its subject."""
    decided: Mapping[tuple[str, str], str]
    """What a person decided of points that waited for it, by programme and lot."""
    referrals: Collection[str]
    """Facts of friends whose order is kept."""
    arms: Mapping[tuple[str, Key], Mapping[str, int]]
    """By programme and person, what chance has decided: by trial, given or held out."""
    spent: dict[tuple[str, str, int], int]
    """What rules with a budget have given in a month, with what this batch gives: by programme, rule and month."""


def known_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], programmes: Mapping[str, Sequence[Version]], *,
    lock: bool = True,
) -> Known:  # fmt: skip
    """What is known of whoever these strands belong to; with `lock` nobody else changes what they have meanwhile.
    Cost: some statements for each 500 strands, and the causes of these people.
    """
    by_root = persons_of(conn, workspace, strands)
    everyone = {one for several in by_root.values() for one in several}
    if lock:
        store.lock_people(conn, everyone)
    root_of = {one: root for root, several in by_root.items() for one in several}
    told = counting(conn, workspace, store.causes_of(conn, workspace, everyone))
    by_subject: dict[str, list[Cause]] = {}
    for one in told:
        by_subject.setdefault(one.subject, []).append(one)
    causes: dict[Key, list[Cause]] = {root: [] for root in by_root}
    for several in by_subject.values():
        # An order is whose earliest report it is; what the shop says of it is about that.
        reports = [one for one in several if one.name == "Order Completed"] or several
        whose = root_of.get(min(reports, key=lambda one: (one.at, one.fact)).strand)
        if whose is not None:
            causes[whose] += several
    orders = [subject.removeprefix("order:") for subject in by_subject if subject.startswith("order:")]
    r, a = store.redemptions.c, store.approvals.c
    paid_with = sa.select(store.redemptions).where(r.state == "captured")
    redeemed: dict[tuple[str, str], int] = {}
    redemptions: dict[str, list[Any]] = {}
    for row in select_among(conn, paid_with, workspace, r.order_id, orders):
        subject = f"order:{row.order_id}"
        redeemed[subject, row.currency] = redeemed.get((subject, row.currency), 0) + row.minor
        if Key(row.strand) in everyone:  # others are not locked
            redemptions.setdefault(subject, []).append(row)
    decided = {
        (programme, lot): state
        for programme, lot, state in select_among(
            conn, sa.select(a.programme, a.lot, a.state), workspace, a.strand, everyone
        )
    }
    kept = kept_referrals(conn, workspace, [one for several in causes.values() for one in several], root_of)
    tried = any(r.holdout_percent for several in programmes.values() for v in several for r in v.programme.earning)
    arms = _arms_of(conn, workspace, root_of) if tried else {}
    return Known(by_root, causes, paid_periods(conn, workspace, everyone), redeemed, redemptions, decided,
                 kept, arms, {})  # fmt: skip


def _arms_of(
    conn: Connection, workspace: WorkspaceId, root_of: Mapping[Key, Key]
) -> dict[tuple[str, Key], dict[str, int]]:
    """What chance has decided for these people; of what became one person, what was decided first."""
    a = store.arms.c
    query = sa.select(a.programme, a.strand, a.trial, a.arm, a.at).where(a.trial.like("rule:%"))
    found: dict[tuple[str, Key], dict[str, int]] = {}
    for row in sorted(
        select_among(conn, query, workspace, a.strand, set(root_of)), key=lambda row: (row.at, row.strand)
    ):
        found.setdefault((row.programme, root_of[Key(row.strand)]), {}).setdefault(row.trial, row.arm)
    return found
