"""What a cart is worth to somebody: benefits now, what they save, points, the way to the next tier.

The points of a quote and those that are booked come from one function, `earning.order_points`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.cart import Cart, CartLine, counted, shares
from rapport.capabilities.loyalty.currencies import Place, currencies_of, from_own, is_of, terms_in
from rapport.capabilities.loyalty.earning import Paid, Version, order_points, terms_at
from rapport.capabilities.loyalty.ledger import Lot, usable
from rapport.capabilities.loyalty.paid_for import paid_periods
from rapport.capabilities.loyalty.programme import Benefit, Programme
from rapport.capabilities.loyalty.redeeming import worth_of
from rapport.capabilities.loyalty.savings import best_delivery, reaches
from rapport.capabilities.loyalty.tiers import Progress, Standing, benefits_of
from rapport.capabilities.loyalty.whose import held_out_of, person_of
from rapport.decide import people
from rapport.kernel.currencies import currency_code
from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.money import MAX_MINOR
from rapport.kernel.work import Connection
from rapport.remember import membership

__all__ = ["CartAsked", "Holder", "Quote", "QuoteAsked", "holder_of", "next_of", "quote"]

MOST_LINES = 1_000
Minor = Annotated[int, Meta(ge=0, le=10**12)]
Short = Annotated[str, Meta(max_length=120)]


class LineAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the cart. `discount_minor` is what was taken off the whole line."""

    line_id: Short
    product_id: Short
    quantity: Annotated[int, Meta(ge=1, le=10**6)]
    unit_price_minor: Minor
    discount_minor: Minor = 0
    category: Short = ""


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it is delivered."""

    country: Annotated[str, Meta(max_length=2)] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""


class CartAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cart as the shop has it now."""

    currency: Annotated[str, Meta(max_length=3)]
    lines: list[LineAsked]
    prices_include_tax: bool = True
    shipping_minor: Minor = 0
    coupons: Annotated[list[Short], Meta(max_length=20)] = []
    destination: Destination = Destination()
    redeem_points: Annotated[int, Meta(ge=0, le=10**12)] = 0
    channel: Annotated[str, Meta(max_length=40)] = "web"
    brand: Annotated[str, Meta(max_length=80)] = ""
    """Under which name it is sold, where a programme is of one brand."""

    @property
    def place(self) -> Place:
        """Where it is bought."""
        currency = currency_code(self.currency) or self.currency
        return Place(currency, self.destination.country.upper(), self.brand, self.channel)


class QuoteAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose cart it is, and what is in it."""

    cart: CartAsked
    customer: Annotated[str, Meta(max_length=300)] = ""
    """`cus_…` or `namespace:value`; empty, or nobody known: somebody new, who has the benefits of the first tier."""
    programme: Annotated[str, Meta(max_length=40)] = ""
    """Empty: the first that counts this currency, country, brand and channel."""


class BenefitShown(msgspec.Struct, frozen=True, kw_only=True):
    """A benefit in this cart, and what it saves."""

    kind: str
    title: str
    saving_minor: int


class NextTier(msgspec.Struct, frozen=True, kw_only=True):
    """The next tier, and how much is missing: minor units, orders or points, as the programme counts."""

    name: str
    missing: int
    title: str = ""


class WithMembership(msgspec.Struct, frozen=True, kw_only=True):
    """What a membership would save in this cart beside what is saved already; `plan` is empty where none is offered."""

    would_save_minor: int = 0
    plan: str = ""
    title: str = ""
    fee_minor: int = 0
    fee_currency: str = ""
    """The programme's own, whatever the cart is in."""


class Redeemable(msgspec.Struct, frozen=True, kw_only=True):
    """How many points this cart can be paid with at most, and what those that were asked for pay."""

    points: int
    applied_points: int
    value_minor: int


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """What the cart is worth to its customer."""

    benefits: list[BenefitShown]
    saving_minor: int
    points_earned: int
    balance: int
    """Points that can be used now; below 0 where points are owed."""
    pending: int
    tier: str
    next_tier: NextTier | None
    membership: WithMembership
    redeemable: Redeemable
    to_pay_minor: int
    """Goods and delivery, after benefits and points."""
    missing_for_delivery_minor: int
    """What goods are missing to free delivery; 0 where it is free, or never is."""


class Holder(NamedTuple):
    """What somebody has of a programme."""

    terms: Programme
    lots: list[Lot]
    standing: Standing
    progress: Progress
    plans: frozenset[str]
    segments: frozenset[str] = frozenset()
    """Those that somebody is in, where a rule asks."""
    held_out: frozenset[str] = frozenset()
    """Plans they are not invited to, by chance."""


class _Saved(NamedTuple):
    benefits: list[BenefitShown]
    cart: Cart
    """After price benefits."""
    shipping_minor: int
    missing_minor: int


def holder_of(
    conn: Connection, workspace: WorkspaceId, versions: Sequence[Version], name: str, key: Key | None, *, now: int
) -> Holder:
    """What the person with this key has: points, tier, memberships. None: somebody nobody knows. By four statements."""
    strands: Collection[Key] = ()
    if key is not None:
        strands = person_of(conn, workspace, key)
    lots = [one for one in store.lots_of(conn, workspace, strands) if one.programme == name] if strands else []
    lots.sort(key=lambda one: (one.at, one.lot))
    terms = terms_at(versions, now, min((one.at for one in lots), default=now))
    if terms is None:
        raise NotFound(f"the programme {name!r} has not begun")
    standing = Standing()
    for lot in lots:
        if lot.is_order:
            standing.add(terms, lot.at, minor=lot.counted_minor, points=lot.given, kept=lot.counted_minor > 0)
    paid: list[Paid] = []
    if strands and terms.plans:
        paid = [p for all_of in paid_periods(conn, workspace, strands).values() for of, p in all_of if of == name]
    plans = frozenset(one.plan for one in paid if one.since <= now < one.until)
    segments: frozenset[str] = frozenset()
    if key is not None and any(rule.segments for rule in terms.earning):
        root = people.roots_of(conn, workspace, [key])[key]
        segments = frozenset(membership.names_by_root(conn, workspace, [root]).get(root, ()))
    held_out = held_out_of(conn, workspace, name, terms, strands)
    return Holder(terms, lots, standing, standing.progress_at(terms, now), plans, segments, held_out)


def quote(holder: Holder, asked: CartAsked, *, now: int) -> Quote:
    """What the cart is worth to them now. Pure; raises InvalidInput for a cart that cannot be."""
    own, holder = holder.terms, holder._replace(terms=_terms_here(holder.terms, asked))
    terms, cart = holder.terms, _cart(asked)
    saved = _save(terms, cart, asked.shipping_minor, benefits_of(terms, holder.progress.tier, holder.plans))
    redeemable = _redeemable(holder, saved.cart, asked.redeem_points, now=now)
    used = redeemable.value_minor
    paid = saved.cart
    if terms.counting.points_are == "discount" and used:
        goods = [line.minor for line in paid.lines]
        off = shares(used, goods)
        paid = paid._replace(lines=tuple(one._replace(minor=one.minor - o, discount_minor=one.discount_minor + o)
                                         for one, o in zip(paid.lines, off, strict=True)))  # fmt: skip
    _, points, _ = order_points(
        terms, paid, at=now, tier=holder.progress.tier, plans=holder.plans, is_first=holder.standing.orders == 0,
        used_minor=used, segments=holder.segments,
    )  # fmt: skip
    saving = sum(one.saving_minor for one in saved.benefits)
    progress = holder.progress
    return Quote(
        benefits=saved.benefits, saving_minor=saving, points_earned=sum(points),
        balance=_balance(holder.lots, now), tier=progress.tier,
        pending=sum(one.pending for one in holder.lots if one.available_at > now),
        next_tier=next_of(own, progress, currency=terms.currency),
        membership=_with_membership(holder, cart, asked.shipping_minor, saving, fee_currency=own.currency),
        redeemable=redeemable,
        to_pay_minor=sum(one.minor for one in saved.cart.lines) + saved.shipping_minor - used,
        missing_for_delivery_minor=saved.missing_minor,
    )  # fmt: skip


def next_of(terms: Programme, progress: Progress, *, currency: str = "") -> NextTier | None:
    """The next tier as it is shown, money in this currency (else the programme's own); None in the last."""
    found = terms.tier_named(progress.next_tier)
    if found is None:
        return None
    missing = progress.missing
    if currency and terms.tiers_by == "spend":
        missing = from_own(terms, currency, missing)
    return NextTier(name=found.name, missing=missing, title=found.title)


def _terms_here(terms: Programme, asked: CartAsked) -> Programme:
    """The terms with their amounts in the cart's currency. Raises InvalidInput where they do not count this cart."""
    place = asked.place
    if not is_of(terms, place):
        wanted = {"countries": terms.only.countries, "brands": terms.only.brands, "channels": terms.only.channels}
        said = "; ".join(f"{name}: {', '.join(several[:10])}" for name, several in wanted.items() if several)
        raise InvalidInput(
            f"the programme {terms.title!r} does not count a cart that goes to {place.country!r}, of the brand "
            f"{place.brand!r}, by {place.channel!r}", hint=f"it is only about {said}; name another programme",
        )  # fmt: skip
    here = terms_in(terms, place.currency)
    if here is None:
        raise InvalidInput(
            f"the cart is in {asked.currency[:10]!r}, the programme counts in {', '.join(currencies_of(terms))}",
            hint="name a programme of this currency, or say the programme's amounts in it (`currencies`)",
        )
    return here


def _cart(asked: CartAsked) -> Cart:
    place = asked.place
    if len(asked.lines) > MOST_LINES:
        raise InvalidInput(f"the cart has {len(asked.lines):,} lines", hint=f"{MOST_LINES:,} at most")
    lines = []
    for line in asked.lines:
        total = line.quantity * line.unit_price_minor
        if total > MAX_MINOR or line.discount_minor > total:
            raise InvalidInput(
                f"the line {line.line_id!r} costs {total} and {line.discount_minor} are taken off it",
                hint="a discount is at most what the line costs",
            )
        off = line.discount_minor
        lines.append(CartLine(line.product_id, line.quantity, total - off, off, line.category))
    return Cart(place.currency, tuple(lines), asked.prices_include_tax, None, asked.channel, country=place.country,
                brand=place.brand)  # fmt: skip


def _save(terms: Programme, cart: Cart, shipping: int, benefits: Sequence[Benefit]) -> _Saved:
    """First the best price, then delivery by what is left to pay: the order in which somebody acts changes nothing."""
    shown = []
    prices = [b for b in benefits if b.kind == "price"]
    if prices and cart.lines:
        best = max(prices, key=lambda b: b.percent)
        off = [line.minor * best.percent // 100 for line in cart.lines]
        if sum(off):
            shown.append(BenefitShown(kind="price", title=best.title, saving_minor=sum(off)))
        cart = cart._replace(lines=tuple(one._replace(minor=one.minor - o, discount_minor=one.discount_minor + o)
                                         for one, o in zip(cart.lines, off, strict=True)))  # fmt: skip
    missing = 0
    delivery = best_delivery(benefits)
    if delivery is not None and cart.lines:
        missing = max(0, delivery.above_minor - sum(counted(cart, terms.counting)))
        if missing == 0 and not reaches(sum(counted(cart, terms.counting)), delivery.above_minor, terms.counting):
            missing = 1  # exactly on the border, which is not within
        if missing == 0:
            if shipping:
                shown.append(BenefitShown(kind="delivery", title=delivery.title, saving_minor=shipping))
            shipping = 0
    shown += [BenefitShown(kind=b.kind, title=b.title, saving_minor=0) for b in benefits
              if b.kind in ("points", "access", "priority")]  # fmt: skip
    return _Saved(shown, cart, shipping, missing)


def _redeemable(holder: Holder, cart: Cart, wanted: int, *, now: int) -> Redeemable:
    """Never more than the goods cost; the last point may be worth less: an order can be paid to the last cent."""
    worth, goods = holder.terms.worth, sum(line.minor for line in cart.lines)
    most = min(usable(holder.lots, now), -(-goods * worth.points // worth.minor))
    if most < worth.at_least:
        most = 0
    applied = min(wanted, most)
    if applied < worth.at_least:
        applied = 0
    return Redeemable(points=most, applied_points=applied, value_minor=min(worth_of(applied, worth), goods))


def _with_membership(
    holder: Holder, cart: Cart, shipping: int, saving: int, *, fee_currency: str
) -> WithMembership:  # fmt: skip
    """The plan that would save the most in this cart; nothing for a member, and for whom none is offered."""
    terms, best = holder.terms, WithMembership()
    for plan in terms.plans if not holder.plans else ():
        if plan.name in holder.held_out:
            continue
        saved = _save(terms, cart, shipping, benefits_of(terms, holder.progress.tier, {plan.name}))
        more = max(0, sum(one.saving_minor for one in saved.benefits) - saving)
        if not best.plan or more > best.would_save_minor:
            best = WithMembership(would_save_minor=more, plan=plan.name, title=plan.title, fee_minor=plan.fee_minor,
                                  fee_currency=fee_currency)  # fmt: skip
    return best


def _balance(lots: Sequence[Lot], now: int) -> int:
    here = sum(one.available + (one.pending if one.available_at <= now else 0) for one in lots if one.expires_at > now)
    return here - sum(one.owed for one in lots)
