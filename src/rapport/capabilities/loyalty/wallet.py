"""What somebody has of a programme, as they and the shop's people read it."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.earning import FOR_EVER
from rapport.capabilities.loyalty.ledger import usable
from rapport.capabilities.loyalty.membership import MembershipShown, memberships_of
from rapport.capabilities.loyalty.programme import Benefit
from rapport.capabilities.loyalty.quoting import NextTier, holder_of, next_of
from rapport.capabilities.loyalty.redeeming import worth_of
from rapport.capabilities.loyalty.versions import versions_of
from rapport.capabilities.loyalty.whose import person_of
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import noted
from rapport.kernel.work import Connection

__all__ = ["Movement", "Wallet", "wallet_of"]

MOST_MOVEMENTS = 100


class LotShown(msgspec.Struct, frozen=True, kw_only=True):
    """Points that came together: how many are left, from when on and until when."""

    points: int
    state: str
    """`pending` or `available`."""
    available_at: str
    expires_at: str | None
    words: str


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the history, in words."""

    at: str
    points: int
    """Below 0 where they went."""
    what: str
    words: str
    by: str


class Wallet(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `balance` is below 0 only by what is owed."""

    programme: str
    title: str
    currency: str
    balance: int
    redeemable: int
    worth_minor: int
    pending: int
    held: int
    owed: int
    tier: str
    tier_title: str
    tier_until: str | None
    next_tier: NextTier | None
    tiers_by: str
    benefits: list[Benefit]
    memberships: list[MembershipShown]
    plans: list[str]
    """What they are invited to join."""
    saved_minor: int
    """What benefits have saved so far, in money."""
    lots: list[LotShown]
    history: list[Movement]
    """The newest first."""


def wallet_of(conn: Connection, workspace: WorkspaceId, key: Key, *, programme: str = "", now: int) -> Wallet:
    """What the person with this key has. Raises NotFound where the shop has no such programme."""
    versions = versions_of(conn, workspace)
    name = programme or next(iter(versions), "")
    if name not in versions:
        raise NotFound("the shop has no loyalty programme" if not name else f"there is no programme {name[:40]!r}")
    holder = holder_of(conn, workspace, versions[name], name, key, now=now)
    terms, lots, progress = holder.terms, holder.lots, holder.progress
    owed = sum(one.owed for one in lots)
    living = [one for one in lots if one.expires_at > now]
    available = sum(one.available + (one.pending if one.available_at <= now else 0) for one in living)
    tier = terms.tier_named(progress.tier)
    plan_benefits = [b for plan in terms.plans if plan.name in holder.plans for b in plan.benefits]
    strands = person_of(conn, workspace, key)
    shown = [
        LotShown(points=one.available + one.pending, words=one.words, available_at=to_iso(one.available_at),
                 state="available" if one.available or one.available_at <= now else "pending",
                 expires_at=to_iso(one.expires_at) if one.expires_at < FOR_EVER else None)
        for one in sorted(living, key=lambda lot: (lot.expires_at, lot.at, lot.lot)) if one.available + one.pending
    ]  # fmt: skip
    return Wallet(
        programme=name, title=terms.title, currency=terms.currency, balance=available - owed,
        redeemable=usable(lots, now), worth_minor=worth_of(usable(lots, now), terms.worth), owed=owed,
        pending=sum(one.pending for one in living if one.available_at > now), held=sum(one.held for one in lots),
        tier=progress.tier, tier_title=tier.title if tier else "",
        tier_until=to_iso(progress.until) if progress.until else None, tiers_by=terms.tiers_by,
        next_tier=next_of(terms, progress),
        benefits=[*(tier.benefits if tier else ()), *plan_benefits],
        memberships=memberships_of(conn, workspace, strands, now=now), lots=shown,
        plans=[plan.name for plan in terms.plans if plan.name not in holder.plans | holder.held_out],
        saved_minor=sum(store.saved_by_source(conn, workspace, name, strands).values()),
        history=_history(conn, workspace, name, strands),
    )  # fmt: skip


def _history(conn: Connection, workspace: WorkspaceId, programme: str, strands: set[Key]) -> list[Movement]:
    e, c = store.entries.c, store.lots.c
    joined = store.entries.join(
        store.lots, (c.workspace == e.workspace) & (c.programme == e.programme) & (c.lot == e.lot)
    )  # fmt: skip
    query = (
        sa.select(e.at, e.debit, e.credit, e.points, e.words, e.stated_by).select_from(joined)
        .where(c.workspace == workspace, c.programme == programme, c.strand.in_(sorted(strands)))
        .order_by(e.at.desc(), e.number.desc(), e.lot.desc()).limit(MOST_MOVEMENTS)
    )  # fmt: skip
    return [
        Movement(at=to_iso(row.at), points=_sign(row.debit, row.credit) * row.points, words=row.words,
                 what=_WHAT.get((row.debit, row.credit), f"{row.debit} to {row.credit}"), by=row.stated_by)
        for row in conn.execute(query)
    ]  # fmt: skip


_WHAT = {
    ("shop", "pending"): noted("earned, waiting"),
    ("shop", "available"): noted("earned"),
    ("pending", "available"): noted("available now"),
    ("available", "held"): noted("held for a checkout"),
    ("held", "redeemed"): noted("paid with"),
    ("held", "available"): noted("released"),
    ("available", "expired"): noted("expired"),
    ("available", "shop"): noted("taken back"),
    ("held", "taken"): noted("taken by staff"),
    ("pending", "shop"): noted("taken back"),
    ("expired", "shop"): noted("taken back"),
    ("owed", "shop"): noted("owed"),
    ("shop", "owed"): noted("paid off"),
    ("redeemed", "owed"): noted("paid off"),
    ("redeemed", "available"): noted("given back"),
    ("available", "redeemed"): noted("paid with"),
    ("expired", "redeemed"): noted("paid with"),
    ("owed", "redeemed"): noted("owed"),
    ("held", "shop"): noted("taken by staff"),
    ("taken", "shop"): noted("taken back"),
}


def _sign(debit: str, credit: str) -> int:
    if credit in ("held", "expired") or (credit == "shop" and debit != "held"):
        return -1
    if (debit, credit) == ("available", "redeemed"):
        return -1
    return 1 if debit in ("shop", "redeemed") or (debit, credit) == ("held", "available") else 0
