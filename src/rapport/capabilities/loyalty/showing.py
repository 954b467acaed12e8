"""What a member is shown: the wallet, the way to the next tier, memberships, a cart, as words and numbers to draw."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection

from rapport.capabilities.loyalty import words
from rapport.capabilities.loyalty.currencies import first_for, terms_in
from rapport.capabilities.loyalty.membership import MembershipShown
from rapport.capabilities.loyalty.programme import Benefit, Plan, Programme
from rapport.capabilities.loyalty.quoting import CartAsked, holder_of, quote
from rapport.capabilities.loyalty.redeeming import worth_of
from rapport.capabilities.loyalty.tiers import Progress
from rapport.capabilities.loyalty.upgrading import change_of
from rapport.capabilities.loyalty.versions import names_of, versions_of
from rapport.capabilities.loyalty.wallet import Wallet, wallet_of
from rapport.capabilities.loyalty.words import WORDS
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.errors import Conflict, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import retold
from rapport.kernel.money import format_minor

__all__ = ["Reader", "cart_shown", "member_shown"]

SOON = 60 * DAY
HISTORY = 30


class Reader(NamedTuple):
    """Who reads: how numbers, money and days are written for them."""

    language: str
    currency: str
    zone: str

    def __call__(self, name: str, *values: object) -> str:
        """The words of this name."""
        return WORDS[self.language][name].format(*values)

    def money(self, minor: int) -> str:
        return format_minor(minor, self.currency, locale=self.language)

    def points(self, value: int) -> str:
        return words.points(value, self.language)

    def day(self, at: str, *, ends: bool = False) -> str:
        return words.day(at, self.language, self.zone, ends=ends)


def member_shown(conn: Connection, workspace: WorkspaceId, key: Key, language: str, *, now: int) -> dict[str, Any]:
    """All that pages and components show of somebody. Raises NotFound where the shop has no programme."""
    wallet = wallet_of(conn, workspace, key, now=now)
    terms = next(one.programme for one in names_of(conn, workspace) if one.name == wallet.programme)
    say = Reader(language, wallet.currency, terms.time_zone)
    return {
        "say": say, "words": WORDS[language], "title": wallet.title, "balance": say.points(wallet.balance),
        "number": words.number(wallet.balance, language), "worth": _worth(wallet, say), "notes": _notes(wallet, say),
        "lots": [_lot(one, terms, say) for one in wallet.lots], "soon": _soon(wallet, say, now=now),
        "tier": _tier(wallet, terms, say), "benefits": [words.benefit_title(b, language) for b in wallet.benefits],
        "saved": say.money(wallet.saved_minor) if wallet.saved_minor else "",
        "memberships": [_membership(one, say) for one in wallet.memberships if one.state != "ended"],
        "plans": _plans(wallet, terms, say, _changes(conn, workspace, wallet, terms, say, now=now)),
        "history": _history(wallet, terms, say),
    }  # fmt: skip


def cart_shown(
    conn: Connection, workspace: WorkspaceId, key: Key | None, cart: CartAsked, language: str, *, now: int
) -> dict[str, Any]:
    """What a cart is worth to somebody, in lines to read. Raises NotFound; InvalidInput for a cart that cannot be."""
    versions = versions_of(conn, workspace)
    name = first_for({name: several[-1].programme for name, several in versions.items()}, cart.place)
    if not name:
        raise NotFound("the shop has no loyalty programme")
    holder = holder_of(conn, workspace, versions[name], name, key, now=now)
    there = quote(holder, cart, now=now)
    here = terms_in(holder.terms, cart.place.currency) or holder.terms
    say = Reader(language, here.currency, here.time_zone)
    own = {b.title: words.benefit_title(b, language) for b in _all_benefits(holder.terms)}
    lines = [
        f"{own.get(one.title, one.title)}: {say.money(one.saving_minor)}" for one in there.benefits if one.saving_minor
    ]
    also = [say("missing", say.money(there.missing_for_delivery_minor))] if there.missing_for_delivery_minor else []
    if there.points_earned:
        also.append(say("earn", say.points(there.points_earned)))
    if there.redeemable.points:
        pays = min(worth_of(there.redeemable.points, here.worth), there.to_pay_minor)
        also.append(f"{say('balance', say.points(there.balance))}: {say('pays', say.money(pays))}")
    more = there.membership
    would = say("would", more.title, say.money(more.would_save_minor)) if more.would_save_minor else ""
    saving = say("saving", say.money(there.saving_minor)) if there.saving_minor else ""
    return {"words": WORDS[language], "saving": saving, "lines": lines, "also": also, "would": would}


def _all_benefits(terms: Programme) -> list[Benefit]:
    return [b for tier in terms.tiers for b in tier.benefits] + [b for plan in terms.plans for b in plan.benefits]


def _worth(wallet: Wallet, say: Reader) -> str:
    return say("worth", say.money(wallet.worth_minor)) if wallet.worth_minor else ""


def _notes(wallet: Wallet, say: Reader) -> list[str]:
    counts = {"pending": wallet.pending, "held": wallet.held, "owed": wallet.owed}
    found = [say(name, say.points(value)) for name, value in counts.items() if value]
    return found or ([] if wallet.history else [say("none")])


def _lot(lot: Any, terms: Programme, say: Reader) -> dict[str, str]:
    until = say("expire", say.points(lot.points), say.day(lot.expires_at, ends=True)) if lot.expires_at else ""
    return {"until": until or f"{say.points(lot.points)} {say('ever')}", "words": _told(lot.words, terms, say)}


def _soon(wallet: Wallet, say: Reader, *, now: int) -> list[str]:
    return [
        say("expire", say.points(lot.points), say.day(lot.expires_at, ends=True))
        for lot in wallet.lots
        if lot.expires_at and lot.state == "available" and from_iso(lot.expires_at) <= now + SOON
    ][:3]


def _tier(wallet: Wallet, terms: Programme, say: Reader) -> dict[str, Any] | None:
    """The tier and how much of the way to the next is done, in hundredths."""
    if not wallet.tier:
        return None
    found: dict[str, Any] = {
        "title": wallet.tier_title, "done": 100, "way": say("top"),
        "kept": say("kept", say.day(wallet.tier_until, ends=True)) if wallet.tier_until else "",
    }  # fmt: skip
    if wallet.next_tier is not None:
        missing = wallet.next_tier.missing
        found["done"] = max(0, Progress("", 0, wallet.next_tier.name, missing).way(terms))
        found["way"] = say("next", _counted(missing, wallet.tiers_by, say), wallet.next_tier.title)
    return found


def _counted(value: int, by: str, say: Reader) -> str:
    if by == "spend":
        return say.money(value)
    if by == "points":
        return say.points(value)
    return f"{words.number(value, say.language)} {say('order' if value == 1 else 'orders')}"


def _membership(one: MembershipShown, say: Reader) -> dict[str, Any]:
    until = say.day(one.until, ends=True)
    state = say(one.state, say.day(one.paused_until, ends=True) if one.state == "paused" else until)
    return {
        "id": one.id, "title": one.title, "state": state, "until": until, "resume": one.state == "paused",
        "pause": say("pausing", one.pause_days) if one.pause_days else "", "pause_days": one.pause_days,
        "withdraw": say("withdrawing", say.day(one.withdraw_until, ends=True)) if one.withdraw_until else "",
        "account": say("account", say.money(one.paid_minor), say.money(one.saved_minor)) if one.paid_minor else "",
        "cancel": say("sure", until) if one.state in ("trial", "active", "paused") else "",
    }  # fmt: skip


def _changes(
    conn: Connection, workspace: WorkspaceId, wallet: Wallet, terms: Programme, say: Reader, *, now: int
) -> dict[str, str]:  # fmt: skip
    """For whoever pays for one plan: what it costs today to go to each other one, by its name."""
    paid = next((one for one in wallet.memberships if one.state == "active"), None)
    if paid is None:
        return {}
    found = {}
    for plan in terms.plans:
        if plan.name in wallet.plans and plan.join_url:
            try:
                there = change_of(conn, workspace, paid.id, plan.name, now=now)
            except Conflict:
                continue
            found[plan.name] = say("change", paid.title, say.money(there.to_pay_minor), say.money(there.credit_minor))
    return found


def _plans(wallet: Wallet, terms: Programme, say: Reader, changes: dict[str, str]) -> list[dict[str, Any]]:
    """What can be joined: none that is running. Whoever has another is told what going to it costs today."""
    running = {one.plan for one in wallet.memberships if one.state != "ended"}
    had = {one.plan for one in wallet.memberships}
    return [
        {
            "name": plan.name, "title": plan.title, "fee": say("fee", say.money(plan.fee_minor), say(plan.period)),
            "benefits": [words.benefit_title(b, say.language) for b in plan.benefits],
            "try": say("try", plan.trial_days) if plan.trial_days and plan.name not in had and not changes else "",
            "pay": changes.get(plan.name) or _pays(plan, say), "url": plan.join_url,
        }
        for plan in terms.plans
        if plan.name in wallet.plans and plan.name not in running
    ]  # fmt: skip


def _pays(plan: Plan, say: Reader) -> str:
    return say("pay", say.money(plan.fee_minor), say(plan.period)) if plan.join_url else ""


def _told(said: str, terms: Programme, say: Reader) -> str:
    """Why points moved, in the reader's language as far as the shop has said it there."""
    said = retold(said)
    for rule in terms.earning if say.language == "de" else ():
        if rule.title_de:
            said = said.replace(rule.title, rule.title_de)
    return said


def _history(wallet: Wallet, terms: Programme, say: Reader) -> list[dict[str, str]]:
    called = words.MOVED.get(say.language, {})
    return [
        {"day": say.day(one.at), "what": called.get(one.what, one.what), "words": _told(one.words, terms, say),
         "points": _signed(one.points, say)}
        for one in wallet.history[:HISTORY]
    ]  # fmt: skip


def _signed(points: int, say: Reader) -> str:
    return f"{'+' if points > 0 else '−'}{words.number(abs(points), say.language)}" if points else ""
