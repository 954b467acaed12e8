"""What somebody is due by a programme: a pure function of all their causes, so nothing depends on their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from rapport.capabilities.loyalty.cart import Cart, counted, shares, whole_of
from rapport.capabilities.loyalty.causes import (
    Cause,
    Refunded,
    Stated,
    cart_in,
    lot_of,
    refunded_in,
    segments_in,
    stated_in,
)
from rapport.capabilities.loyalty.chance import HELD_OUT, arm_of
from rapport.capabilities.loyalty.currencies import Place, in_own, is_of, terms_in
from rapport.capabilities.loyalty.days import end_of_day
from rapport.capabilities.loyalty.facts import ARRIVED_LATE, REFERRED
from rapport.capabilities.loyalty.programme import EarningRule, Programme
from rapport.capabilities.loyalty.savings import Saving, savings_of
from rapport.capabilities.loyalty.tiers import Standing, benefits_of
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.ids import Key
from rapport.kernel.language import kept

__all__ = ["FOR_EVER", "MAX_POINTS", "Due", "Paid", "Version", "due_to", "is_for", "order_points", "terms_at"]

FOR_EVER = 2**62
MAX_POINTS = 10**12
"""No lot holds more: whatever a document or an order says."""

_OF_ORDER = kept("Order %(order)s. %(words)s")
"""Why points were given, in the words of the rules."""
_OTHER_CURRENCY = kept("Order %(order)s is in %(currency)s, which the programme does not count in: no points.")


class Version(NamedTuple):
    """The terms of a programme from a time on."""

    number: int
    at: int
    """When they were announced: they hold for whoever comes after that."""
    programme: Programme


class Paid(NamedTuple):
    """A time that a membership is paid for, or on trial."""

    plan: str
    since: int
    until: int


class Due(NamedTuple):
    """A lot as it should be: what is due for one subject now that all this is known."""

    lot: str
    strand: Key
    at: int
    available_at: int
    expires_at: int
    points: int
    """After what came back."""
    counted_minor: int
    """What counts of an order for tiers, after what came back; 0 for what is no order."""
    is_order: bool
    rule: str
    words: str
    approve_above: int
    budget: int
    savings: tuple[Saving, ...] = ()
    """What benefits brought in an order."""
    on: str = "Order Completed"
    """Of which fact."""
    arm: int | None = None
    """Of a rule with a holdout: whether chance gives it (1) or not (0)."""
    points_back: Fraction = Fraction(0)
    """Of an order: the share of the points it was paid with that comes back, by the terms that hold for it."""


class _Order(NamedTuple):
    subject: str
    report: Cause
    cart: Cart
    cancelled: bool
    refunds: tuple[Refunded, ...]


def terms_at(versions: Sequence[Version], at: int, enrolled_at: int) -> Programme | None:
    """The terms that hold at a time for somebody who came at `enrolled_at`: those they came under, until the notice of
    a later change is over. None before the programme begins.
    """
    found: Programme | None = None
    for version in versions:
        notice = version.programme.notice_days * DAY if found is not None and enrolled_at < version.at else 0
        if version.at + notice <= at or found is None:
            found = version.programme
    return found


def due_to(
    versions: Sequence[Version],
    causes: Iterable[Cause],
    *,
    paid: Collection[Paid] = (),
    redeemed: Mapping[tuple[str, str], int] | None = None,
    referrals: Collection[str] = (),
    arms: Mapping[str, int] | None = None,
) -> tuple[list[Due], Standing]:
    """All that somebody is due, oldest first, and where they stand. `redeemed` says by subject and currency what of
    an order was paid with points, in minor units; `referrals` are the facts of friends whose order is kept; `arms`
    says by trial what chance has decided for them before.
    """
    causes, decided = list(causes), dict(arms or {})
    subjects = sorted(_subjects(causes), key=lambda one: (_report(one).at, _report(one).fact))
    standing = Standing()
    done = _Done()
    found = []
    enrolled_at = _report(subjects[0]).at if subjects else FOR_EVER
    late = {stated.order_id: stated.days_late for stated in map(stated_in, _arrivals(causes)) if stated.order_id}
    worth = {one.subject: (one.cart.currency, sum(line.minor for line in one.cart.lines)) for one in subjects
             if isinstance(one, _Order)}  # fmt: skip
    for subject in subjects:
        report = _report(subject)
        terms = terms_at(versions, report.at, enrolled_at)
        if terms is None:
            continue
        before = standing.tier_at(terms, report.at)
        if isinstance(subject, Cause):
            due = _of_fact(terms, subject, before, done, worth=worth, late=late, referrals=referrals, arms=decided)
        else:
            used = (redeemed or {}).get((subject.subject, subject.cart.currency), 0)
            due = _of_order(terms, subject, before, done, paid=paid, used=used)
            if due.is_order:
                standing.add(terms, report.at, minor=due.counted_minor, points=due.points, kept=due.counted_minor > 0)
        if due is not None:
            found.append(due)
    return found, standing


def order_points(
    terms: Programme,
    cart: Cart,
    *,
    at: int,
    tier: str,
    plans: Collection[str] = (),
    is_first: bool = False,
    done: _Done | None = None,
    used_minor: int = 0,
    segments: Collection[str] = (),
) -> tuple[list[int], list[int], list[tuple[EarningRule, int]]]:
    """What counts of each line, the points of each line, and by which rules, for an order that is placed now: what the
    quote says and what is booked. `used_minor` is what of it was paid with points.
    """
    base = _base_of(terms, cart, used_minor=used_minor)
    points: list[int] = [0] * len(base)
    why: list[tuple[EarningRule, int]] = []
    if cart.currency != terms.currency:
        return base, points, why
    factor = max((b.percent for b in benefits_of(terms, tier, plans) if b.kind == "points"), default=100)
    for rule in terms.earning:
        if rule.on != "Order Completed" or not is_for(rule, segments) or not _holds(rule, at, cart, is_first=is_first):
            continue
        of_rule = [minor if _covers(rule, cart, i) else 0 for i, minor in enumerate(base)]
        number = _number(terms, rule, sum(of_rule), factor=factor, tier=tier)
        if done is not None:
            number = done.within(rule, at, number)
        if number:
            points = [had + more for had, more in zip(points, shares(number, of_rule), strict=True)]
            why.append((rule, number))
    return base, points, why


def _base_of(terms: Programme, cart: Cart, *, used_minor: int) -> list[int]:
    """What counts of each line; nothing of another currency."""
    if cart.currency != terms.currency:
        return [0] * len(cart.lines)
    base = counted(cart, terms.counting)
    if used_minor and terms.counting.points_are == "payment":
        return shares(max(0, sum(base) - used_minor), base)
    return base


def _arrivals(causes: Iterable[Cause]) -> list[Cause]:
    return sorted((one for one in causes if one.name == ARRIVED_LATE), key=lambda one: (one.at, one.fact))


class _Done:
    """What each rule has given so far, for its limit."""

    def __init__(self) -> None:
        self._given: dict[str, list[tuple[int, int]]] = {}
        self.about: set[tuple[str, str]] = set()
        self.orders = 0

    def within(self, rule: EarningRule, at: int, points: int) -> int:
        """So many of these points as the rule's limit leaves; they are noted."""
        if not rule.at_most:
            return points
        given = self._given.setdefault(rule.name, [])
        since = at - rule.at_most_days * DAY
        points = max(0, min(points, rule.at_most - sum(n for when, n in given if when > since)))
        given.append((at, points))
        return points


def _subjects(causes: Iterable[Cause]) -> list[_Order | Cause]:
    orders: dict[str, list[Cause]] = {}
    found: list[_Order | Cause] = []
    for cause in causes:
        if cause.name == ARRIVED_LATE:  # it says more of a promise that was broken, and earns nothing itself
            continue
        if cause.subject.startswith("order:"):
            orders.setdefault(cause.subject, []).append(cause)
        else:
            found.append(cause)
    for subject, told in orders.items():
        told.sort(key=lambda one: (one.at, one.fact))
        report = next((one for one in told if one.name == "Order Completed"), None)
        if report is None:  # what is said of an order that nobody has reported waits for its report
            continue
        carts = [cart for one in told if one.name == "Order Updated" and (cart := cart_in(one)).lines]
        refunds = {back.refund_id: back for one in reversed(told) if one.name == "Order Refunded"
                   for back in [refunded_in(one)]}  # fmt: skip
        found.append(
            _Order(
                subject, report, carts[-1] if carts else cart_in(report),
                any(one.name == "Order Cancelled" for one in told), tuple(refunds.values()),
            )
        )  # fmt: skip
    return found


def _report(subject: _Order | Cause) -> Cause:
    return subject if isinstance(subject, Cause) else subject.report


def _of_order(terms: Programme, order: _Order, tier: str, done: _Done, *, paid: Collection[Paid], used: int) -> Due:
    report, cart, own = order.report, order.cart, terms
    here = terms_in(terms, cart.currency)
    if here is None or not is_of(terms, Place(cart.currency, cart.country, cart.brand, cart.channel)):
        return _uncounted(terms, order)
    terms = here
    plans = {one.plan for one in paid if one.since <= report.at < one.until}
    base = _base_of(terms, cart, used_minor=used)
    kept_minor = 0 if order.cancelled else _left(order, base)
    # What is not kept is nobody's first order, and uses up no limit: as the quote counts them.
    base, points, why = order_points(
        terms, cart, at=report.at, tier=tier, plans=plans, is_first=done.orders == 0,
        done=done if kept_minor else None, used_minor=used, segments=segments_in(report),
    )  # fmt: skip
    done.orders += kept_minor > 0
    starts = from_iso(terms.starts) if terms.starts else 0
    if report.at < starts:
        points, why = [0] * len(points), []
    kept_points = 0 if order.cancelled else _left(order, points)
    waits = terms.pending_days * DAY if any(r.waits for r in terms.earning if r.on == "Order Completed") else 0
    number = order.subject.removeprefix("order:").removeprefix("fact:")
    words = "; ".join(f"{rule.title}: {given}" for rule, given in why)
    savings = () if order.cancelled or report.at < starts else (
        *savings_of(terms, cart, tier, plans, points=sum(points)),
        *(Saving("rule", f"rule:{rule.name}", rule.title, 0, given) for rule, given in why if rule.since or rule.until),
    )  # fmt: skip
    return Due(
        order.subject, report.strand, report.at, report.at + waits, _expires(terms, report.at),
        min(kept_points, MAX_POINTS), in_own(own, cart.currency, kept_minor), True, "",
        (_OF_ORDER % {"order": number[:40], "words": words})[:200], 0, 0,
        tuple(one._replace(minor=in_own(own, cart.currency, one.minor)) for one in savings),
        points_back=_points_back(terms, order),
    )  # fmt: skip


def _uncounted(terms: Programme, order: _Order) -> Due:
    """An order that the programme is not about, or whose currency it does not count in: it earns nothing."""
    report, cart = order.report, order.cart
    is_ours = is_of(terms, Place(cart.currency, cart.country, cart.brand, cart.channel))
    number = order.subject.removeprefix("order:").removeprefix("fact:")
    words = _OTHER_CURRENCY % {"order": number[:40], "currency": cart.currency}
    return Due(
        order.subject, report.strand, report.at, report.at, _expires(terms, report.at), 0, 0, is_ours, "", words[:200],
        0, 0, points_back=_points_back(terms, order),
    )  # fmt: skip


def _points_back(terms: Programme, order: _Order) -> Fraction:
    """What share of the points that paid for an order comes back, by the terms: that of its goods that came back."""
    if terms.points_back == "told":
        return Fraction(0)
    # What points have paid for whole costs nothing, and comes back by its pieces all the same.
    parts = [line.minor + line.discount_minor or line.quantity for line in order.cart.lines]
    total = sum(parts)
    left = 0 if order.cancelled else _left(order, parts)
    gone = Fraction(total - left, total) if total else Fraction(int(order.cancelled))
    return gone if terms.points_back == "share" or gone == 1 else Fraction(0)


def _left(order: _Order, parts: Sequence[int]) -> int:
    """What is left of these parts of the lines after refunds: each line gives back its share by pieces, to the point;
    a refund of an amount alone gives back in proportion to what was paid; one that says neither gives back all.
    """
    lines, total, back = order.cart.lines, sum(parts), Fraction(0)
    pieces = [0] * len(lines)
    for refund in order.refunds:
        named = [(name, number) for name, number, _ in refund.lines if any(line.product == name for line in lines)]
        if named:
            for name, number in named:
                _take(pieces, lines, name, number)
        elif refund.minor is None:
            return 0
        elif refund.currency == order.cart.currency:
            back += Fraction(refund.minor, max(1, whole_of(order.cart, net=refund.is_net)))
    gone = sum(
        part if returned >= line.quantity else part * returned // line.quantity
        for part, returned, line in zip(parts, pieces, lines, strict=True)
    )
    gone += int(total * min(back, Fraction(1)))
    return max(0, total - gone)


def _take(pieces: list[int], lines: Sequence[object], name: str, number: int) -> None:
    for i, line in enumerate(lines):
        if line.product == name and number > 0:  # type: ignore[attr-defined]
            some = min(number, max(0, line.quantity - pieces[i]))  # type: ignore[attr-defined]
            pieces[i] += some
            number -= some


def _of_fact(
    terms: Programme, cause: Cause, tier: str, done: _Done, *, worth: Mapping[str, tuple[str, int]],
    late: Mapping[str, int], referrals: Collection[str],
    arms: dict[str, int],
) -> Due | None:  # fmt: skip
    segments = segments_in(cause)
    rule = next(
        (r for r in terms.earning if r.on == cause.name and _is_within(r, cause.at) and is_for(r, segments)), None
    )
    if rule is None or (terms.starts and cause.at < from_iso(terms.starts)):
        return None
    stated = stated_in(cause)
    if stated.about is not None:
        if (rule.name, stated.about) in done.about:  # once, however often it is told
            return None
        done.about.add((rule.name, stated.about))
    arm = None
    if rule.holdout_percent:
        # Once decided it holds, whatever share is held out later: else who was measured changes sides.
        trial = f"rule:{rule.name}"
        chance = arm_of(cause.workspace, trial, cause.strand, holdout_percent=rule.holdout_percent)
        arm = arms.setdefault(trial, chance)
    is_due = arm != HELD_OUT and (cause.name != REFERRED or cause.fact in referrals)
    points = 0 if not is_due else done.within(rule, cause.at, _worth_points(terms, rule, tier, stated, worth, late))
    words = f"{rule.title} (order {stated.order_id[:40]})" if stated.order_id else rule.title
    return Due(
        lot_of(cause), cause.strand, cause.at, cause.at, _expires(terms, cause.at), min(points, MAX_POINTS), 0, False,
        rule.name, words[:200], rule.approve_above, rule.budget, (), cause.name, arm,
    )  # fmt: skip


def _worth_points(
    terms: Programme, rule: EarningRule, tier: str, stated: Stated, worth: Mapping[str, tuple[str, int]],
    late: Mapping[str, int],
) -> int:  # fmt: skip
    """By tier, in proportion to the order it is about, and by how late it was."""
    each = rule.by_tier.get(tier, rule.points)
    if rule.per_minor:
        each = each * in_own(terms, *worth.get(f"order:{stated.order_id}", ("", 0))) // rule.per_minor
    days_late = stated.days_late or (late.get(stated.order_id, 0) if stated.order_id else 0)
    points = each + rule.per_day_late * days_late
    return min(points, rule.most_each) if rule.most_each else points


def is_for(rule: EarningRule, segments: Collection[str]) -> bool:
    """Whether a rule is for somebody who is in these segments."""
    return not rule.segments or any(name in segments for name in rule.segments)


def _number(terms: Programme, rule: EarningRule, base: int, *, factor: int, tier: str) -> int:
    each = rule.by_tier.get(tier, rule.points)
    if base <= 0:
        return 0
    if not rule.per_minor:
        return each
    above, below = base * each * factor, rule.per_minor * 100
    rounded = {"down": above // below, "up": -(-above // below), "half_up": (2 * above + below) // (2 * below)}
    return min(rounded[terms.rounding], MAX_POINTS)


def _holds(rule: EarningRule, at: int, cart: Cart, *, is_first: bool) -> bool:
    if (rule.first_order and not is_first) or (rule.channels and cart.channel not in rule.channels):
        return False
    return _is_within(rule, at)


def _is_within(rule: EarningRule, at: int) -> bool:
    return (not rule.since or at >= from_iso(rule.since)) and (not rule.until or at < from_iso(rule.until))


def _covers(rule: EarningRule, cart: Cart, line: int) -> bool:
    one = cart.lines[line]
    return (not rule.products or one.product in rule.products) and (
        not rule.categories or one.category in rule.categories
    )


def _expires(terms: Programme, at: int) -> int:
    return end_of_day(at, terms.valid_days, terms.time_zone) if terms.valid_days else FOR_EVER
