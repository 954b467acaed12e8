"""What is remembered of a customer: each trait, which facts it listens to, and the sentence that explains it.

A *part* is a mergeable value in a strand's state with the facts that feed it; a *trait* is what the Golden Record shows
of a part. Several traits may read one part (all that is said about orders comes from one ledger). The declarations are
data: the reference pages and the console's "why?" are made from them, and a plugin adds its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import msgspec

from rapport.kernel.clock import HOUR, to_iso
from rapport.kernel.facts import Fact
from rapport.kernel.mergeable import (
    Activity,
    Count,
    Counted,
    Decayed,
    Distinct,
    First,
    Histogram,
    KeyedLatest,
    Latest,
    Mergeable,
    Presence,
    Stamp,
    State,
)
from rapport.remember import cart, inputs, orders
from rapport.remember.inputs import Settings
from rapport.remember.orders import OrdersRead

__all__ = ["PARTS", "TRAITS", "Held", "Part", "Registry", "StrandState", "Trait", "commerce"]

StrandState = dict[str, State]
"""The state of a strand, or of several merged: parts by name."""

OWN_SOURCE = "rapport"
"""Facts that Rapport itself states; they say what we did, not what the customer did."""

TraitType = Literal["integer", "text", "time", "date", "money", "list", "object"]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A mergeable value of a strand and the facts that feed it."""

    name: str
    kind: Mergeable
    take: Callable[[Fact, Settings], Any]
    """What is folded of a fact; None for nothing."""
    on: tuple[str, ...] = ()
    """Names of the facts it listens to."""
    with_context: tuple[str, ...] = ()
    """It also listens to every fact whose context has one of these; `traits` means the fact's own traits, too."""
    but_not: tuple[str, ...] = ()
    """Where both are empty it listens to every fact but these."""
    reads: tuple[str, ...] = ()
    """JSON paths in the fact that are looked at."""
    own: bool = False
    """Whether it listens to facts that Rapport itself states."""


class Held(NamedTuple):
    """A trait's value and the fact that determined it."""

    value: Any
    occurred_at: int
    fact_id: str
    source: str


Pick = Callable[[Any, Stamp, int], tuple[Any, Stamp | None]]
"""From what a part reads, its stamp and the time now: the trait's value (None where there is none) and its stamp."""


def _whole(value: Any, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return value, stamp


class Trait(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the Golden Record."""

    name: str
    title: str
    type: TraitType
    part: str
    rule: str
    """The sentence that answers "why?"."""
    pick: Pick = _whole
    certain: bool = False
    """Read only from what is certainly this person's: no learned link carries it."""


Fold = Callable[[StrandState, Fact, int, str, str], None]
Gated = tuple[tuple[str, ...], bool, tuple[Fold, ...]]
"""Keys of the context, whether the fact's own traits open it, too, and the folds behind it."""


class Registry:
    """Parts and traits of an installation, compiled for folding. Immutable; share it freely.

    Raises ValueError for two parts or traits of one name and for a trait whose part does not exist.
    """

    def __init__(self, parts: Sequence[Part], traits: Sequence[Trait], *, settings: Settings) -> None:
        parts, traits = tuple(parts), tuple(traits)
        self.settings = settings
        self.parts = {part.name: part for part in parts}
        self.traits = {trait.name: trait for trait in traits}
        if len(self.parts) < len(parts) or len(self.traits) < len(traits):
            raise ValueError("two parts or two traits have one name")
        for trait in traits:
            if trait.part not in self.parts:
                raise ValueError(f"trait {trait.name!r} reads the part {trait.part!r}, which does not exist")
        self._folds = {part.name: _compile(part, settings) for part in parts}
        self._picks: dict[str, list[Trait]] = {}
        for trait in traits:
            self._picks.setdefault(trait.part, []).append(trait)
        names = {name for part in parts for name in (*part.on, *part.but_not)}
        self._plans = {name: self._plan(name, own=False) for name in names}
        self._otherwise = self._plan("", own=False)
        self._own_plans = {name: self._plan(name, own=True) for name in names}
        self._own_otherwise = self._plan("", own=True)

    def _plan(self, name: str, *, own: bool) -> tuple[tuple[Fold, ...], tuple[Gated, ...]]:
        direct: list[Fold] = []
        gated: dict[tuple[str, ...], list[Fold]] = {}
        for part in self.parts.values():
            if own and not part.own:
                continue
            fold = self._folds[part.name]
            everything = not part.on and not part.with_context
            if name in part.on or (everything and name not in part.but_not):
                direct.append(fold)
            elif part.with_context:
                gated.setdefault(part.with_context, []).append(fold)
        return tuple(direct), tuple((keys, "traits" in keys, tuple(folds)) for keys, folds in gated.items())

    def fold(self, state: StrandState, fact: Fact) -> None:
        """Take a fact into a strand's state, in place. Never raises, whatever the fact holds."""
        at, fact_id, source = fact.occurred_at, fact.id, fact.source
        if source == OWN_SOURCE:
            direct, gated = self._own_plans.get(fact.name, self._own_otherwise)
        else:
            direct, gated = self._plans.get(fact.name, self._otherwise)
        for fold in direct:
            fold(state, fact, at, fact_id, source)
        context, traits = fact.context, fact.traits
        for keys, by_traits, folds in gated:
            if by_traits and traits:
                for fold in folds:
                    fold(state, fact, at, fact_id, source)
                continue
            for key in keys:
                if key in context:
                    for fold in folds:
                        fold(state, fact, at, fact_id, source)
                    break

    def merge(self, states: Sequence[StrandState]) -> StrandState:
        """The trimmed state of all these strands together. May trim its arguments in place."""
        parts = self.parts
        first = states[0] if states else {}
        merged = {name: parts[name].kind.trim(held) for name, held in first.items() if name in parts}
        for state in states[1:]:
            for name, held in state.items():
                if name in merged:
                    merged[name] = parts[name].kind.merge(merged[name], held)
                elif name in parts:
                    merged[name] = parts[name].kind.trim(held)
        return merged

    def read(self, merged: StrandState, *, now: int) -> dict[str, Held]:
        """The traits of a merged state, those that have a value, in the order of their declaration."""
        found: dict[str, Held] = {}
        for name, state in merged.items():
            found.update(self._read_part(self.parts[name], state, now))
        return {name: found[name] for name in self.traits if name in found}

    def _read_part(self, part: Part, state: State, now: int) -> Iterable[tuple[str, Held]]:
        value = part.kind.read(state)
        if value is None:
            return
        stamp = part.kind.stamp(state)
        for trait in self._picks.get(part.name, ()):
            picked, of = trait.pick(value, stamp, now)
            if picked is not None and of is not None:
                yield trait.name, Held(picked, of[0], of[1], of[2])


def _yes(fact: Fact, settings: Settings) -> bool:
    """For kinds that ask only whether a fact came."""
    return True


def _compile(part: Part, settings: Settings) -> Fold:
    name, take, zero, fold = part.name, part.take, part.kind.zero, part.kind.fold

    def run_always(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        held = state.get(name)
        if held is None:
            held = state[name] = zero()
        fold(held, at, fact_id, source, None)

    def run(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        value = take(fact, settings)
        if value is None:
            return
        held = state.get(name)
        if held is None:
            held = state[name] = zero()
        fold(held, at, fact_id, source, value)

    def run_first(state: StrandState, fact: Fact, at: int, fact_id: str, source: str) -> None:
        held = state.get(name)
        if held is None or at <= held[0]:
            run(state, fact, at, fact_id, source)

    if take is _yes:
        return run_always
    return run_first if isinstance(part.kind, First) else run


# --- parts ---------------------------------------------------------------------------------------------------------


NOT_BY_CUSTOMER = (
    "Order Updated", "Order Refunded", "Order Cancelled", "Order Approved", "Order Fulfilled", "Order Packed",
    "Order Shipped", "Order Delivered", "Bad Debt Adjusted", "Stock Adjusted", "Promise Broken",
    "Email Sent", "Email Delivered", "Email Bounced", "SMS Sent", "SMS Delivered", "Message Sent",
)  # fmt: skip
"""Facts about a customer in which the customer did nothing: they are no visit and no sign of life."""

_VIEWED = ("Product Viewed",)
_LIKED = ("Product Viewed", "Product Clicked", "Product List Viewed", "Product Added", "Order Completed")
_ADDED = ("Product Added", "Wishlist Product Added to Cart")
_PRODUCT = ("properties.product_id", "properties.sku")

PARTS: tuple[Part, ...] = (
    Part(name="activity", kind=Activity(), take=_yes, but_not=NOT_BY_CUSTOMER),
    Part(
        name="channels", kind=Counted(), take=inputs.channel, but_not=NOT_BY_CUSTOMER,
        reads=("context.channel", "properties.channel", "context.library.name"),
    ),
    Part(
        name="devices", kind=Counted(), take=inputs.device, with_context=("device", "userAgent"),
        reads=("context.device.type", "context.userAgent"),
    ),
    Part(name="product_views", kind=Count(), take=_yes, on=_VIEWED),
    Part(name="products_viewed", kind=Distinct(), take=inputs.product_named, on=_VIEWED, reads=_PRODUCT),
    Part(name="adds_to_cart", kind=Count(), take=_yes, on=_ADDED),
    Part(name="checkouts_started", kind=Count(), take=_yes, on=("Checkout Started",)),
    Part(
        name="searches", kind=KeyedLatest(limit=20), take=inputs.search, on=("Products Searched",),
        reads=("properties.query",),
    ),
    Part(
        name="recent_products", kind=KeyedLatest(limit=20), take=inputs.product_seen, on=_VIEWED,
        reads=(*_PRODUCT, "properties.name", "properties.price", "properties.currency"),
    ),
    Part(
        name="categories", kind=Decayed(), take=inputs.categories, on=_LIKED,
        reads=("properties.category", "properties.products[].category"),
    ),
    Part(
        name="brands", kind=Decayed(), take=inputs.brands, on=_LIKED,
        reads=("properties.brand", "properties.products[].brand"),
    ),
    Part(
        name="price_band", kind=Histogram(), take=inputs.price, on=("Product Viewed", "Product Added"),
        reads=("properties.price", "properties.currency"),
    ),
    Part(
        name="wish_list", kind=KeyedLatest(limit=100), take=inputs.wish,
        on=("Product Added to Wishlist", "Product Removed from Wishlist"), reads=(*_PRODUCT, "properties.name"),
    ),
    Part(
        name="cart", kind=cart.Cart(), take=cart.cart_change,
        on=(*_ADDED, "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed"),
        reads=(*_PRODUCT, "properties.quantity", "properties.price", "properties.currency", "properties.cart_id",
               "properties.products[]"),
    ),
    Part(
        name="orders", kind=orders.Orders(),
        on=("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded"),
        take=lambda fact, settings: _ORDER_CHANGES[fact.name](fact, settings),
        reads=("properties.order_id", "properties.refund_id", "properties.revenue", "properties.subtotal",
               "properties.total", "properties.shipping", "properties.tax", "properties.margin", "properties.currency",
               "properties.coupon", "properties.products[].price", "properties.products[].cost",
               "properties.products[].quantity"),
    ),
    Part(name="email", kind=Latest(), take=inputs.email, with_context=("traits",), reads=("traits.email",)),
    Part(name="phone", kind=Latest(), take=inputs.phone, with_context=("traits",), reads=("traits.phone",)),
    Part(
        name="name", kind=Latest(), take=inputs.name, with_context=("traits",),
        reads=("traits.name", "traits.firstName", "traits.lastName"),
    ),
    Part(
        name="first_name", kind=Latest(), take=inputs.first_name, with_context=("traits",), reads=("traits.firstName",)
    ),
    Part(
        name="last_name", kind=Latest(), take=inputs.last_name, with_context=("traits",), reads=("traits.lastName",)
    ),
    Part(
        name="birthday", kind=Latest(), take=inputs.birthday, with_context=("traits",), reads=("traits.birthday",)
    ),
    Part(
        name="location", kind=Latest(), take=inputs.address, on=("Order Completed",),
        with_context=("traits", "location"),
        reads=("traits.address", "properties.shipping_address", "context.location"),
    ),
    Part(
        name="country", kind=Latest(), take=inputs.country, on=("Order Completed",),
        with_context=("traits", "location"),
        reads=("traits.address.country", "properties.shipping_address.country", "context.location.country"),
    ),
    Part(
        name="language", kind=Latest(), take=inputs.language, with_context=("traits", "locale"),
        reads=("traits.language", "traits.locale", "context.locale"),
    ),
    Part(
        name="time_zone", kind=Latest(), take=inputs.time_zone, with_context=("timezone",), reads=("context.timezone",)
    ),
    Part(
        name="acquisition", kind=First(), take=inputs.acquisition, with_context=("campaign", "page"),
        reads=("context.campaign", "context.page.referrer", "context.page.url"),
    ),
    Part(
        name="consent", kind=KeyedLatest(limit=50), take=inputs.consent, with_context=("consent",),
        reads=("context.consent.categoryPreferences",),
    ),
)  # fmt: skip

_ORDER_CHANGES: dict[str, Callable[[Fact, Settings], Any]] = {
    "Order Completed": orders.completed,
    "Order Updated": orders.updated,
    "Order Cancelled": orders.cancelled,
    "Order Refunded": orders.refunded,
}


# --- traits --------------------------------------------------------------------------------------------------------


def _first_seen(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return to_iso(value.first[0]), value.first


def _last_seen(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return to_iso(value.last[0]), value.last


def _visits(value: Presence, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return value.visits, value.last


def _counted(value: list[tuple[str, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [{"name": name, "count": count} for name, count in value[:10]], stamp


def _shares(value: list[tuple[str, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    total = sum(score for _, score in value)
    return [{"name": name, "share": round(score / total, 3)} for name, score in value[:10]], stamp


def _products(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [
        {"product_id": product, "name": seen[0], "price_minor": seen[1], "currency": seen[2], "seen_at": to_iso(at)}
        for product, seen, at in value
    ], stamp


def _wishes(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    wished = [
        {"product_id": product, "name": kept[0], "added_at": to_iso(at)}
        for product, kept, at in value
        if kept is not None
    ]
    return wished or None, stamp


def _searches(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [{"query": query, "searched_at": to_iso(at)} for query, _, at in value], stamp


def _bands(value: dict[str, tuple[int, int, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    named = {currency: dict(zip(("low", "middle", "high"), band, strict=True)) for currency, band in value.items()}
    return named, stamp


def _consent(value: list[tuple[str, bool, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return {purpose: allowed for purpose, allowed, _ in sorted(value)}, stamp


def _acquired(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    named = {field: found for field, found in value.items() if field != "cost"}
    return named | {"first_touch_at": to_iso(stamp[0])}, stamp


def _acquisition_cost(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return ({value["cost"][0]: value["cost"][1]} if "cost" in value else None), stamp


def _cart(value: dict[str, Any], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return cart.read_cart(value, now=now, abandoned_after=HOUR), stamp


def _ledger(read: Callable[[OrdersRead], Any], stamp_of: Callable[[OrdersRead], Stamp | None]) -> Pick:
    """A trait of the ledger; zero and empty are no value."""

    def pick(value: OrdersRead, stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
        return read(value) or None, stamp_of(value)

    return pick


def _net(ledger: OrdersRead) -> dict[str, int]:
    currencies = sorted({*ledger.revenue, *ledger.refunds})
    return {c: ledger.revenue.get(c, 0) - ledger.refunds.get(c, 0) - ledger.lost.get(c, 0) for c in currencies}


def _average(ledger: OrdersRead) -> dict[str, int]:
    """Half up to whole minor units."""
    return {c: (2 * total + ledger.orders[c]) // (2 * ledger.orders[c]) for c, total in ledger.revenue.items()
            if ledger.orders.get(c)}  # fmt: skip


def _latest_money(ledger: OrdersRead) -> Stamp | None:
    stamps = [stamp for stamp in (ledger.last, ledger.last_refund) if stamp is not None]
    return max(stamps, key=lambda stamp: stamp[:2], default=None)


def _last(ledger: OrdersRead) -> Stamp | None:
    return ledger.last


TRAITS: tuple[Trait, ...] = (
    Trait(name="name", title="Name", type="text", part="name",
          rule="The latest name stated; first and last name together where no full name was."),
    Trait(name="first_name", title="First name", type="text", part="first_name", rule="The latest first name stated."),
    Trait(name="last_name", title="Last name", type="text", part="last_name", rule="The latest last name stated."),
    Trait(name="email", title="E-mail", type="text", part="email", rule="The latest valid e-mail address stated."),
    Trait(name="phone", title="Phone", type="text", part="phone",
          rule="The latest possible phone number stated, in international form."),
    Trait(name="birthday", title="Birthday", type="date", part="birthday", rule="The latest date of birth stated."),
    Trait(name="location", title="Location", type="object", part="location",
          rule="The latest address stated or shipped to; where none is known, the place of the latest visit."),
    Trait(name="country", title="Country", type="text", part="country",
          rule="The country of the latest address stated or shipped to; where none is known, of the latest visit."),
    Trait(name="language", title="Language", type="text", part="language",
          rule="The latest language stated; where none is known, that of the browser or app last used."),
    Trait(name="time_zone", title="Time zone", type="text", part="time_zone",
          rule="The time zone of the browser or app last used."),
    Trait(name="first_seen_at", title="First seen", type="time", part="activity", pick=_first_seen,
          rule="The time of the earliest fact in which the customer did something."),
    Trait(name="last_seen_at", title="Last seen", type="time", part="activity", pick=_last_seen,
          rule="The time of the latest fact in which the customer did something."),
    Trait(name="sessions", title="Visits", type="integer", part="activity", pick=_visits,
          rule="Runs of activity on any channel with at least 30 minutes between them, within 400 days of the last."),
    Trait(name="channels", title="Channels", type="list", part="channels", pick=_counted,
          rule="Channels by number of facts, the one used most first."),
    Trait(name="devices", title="Devices", type="list", part="devices", pick=_counted,
          rule="Kinds of device by number of facts, the one used most first."),
    Trait(name="acquisition", title="Acquisition", type="object", part="acquisition", pick=_acquired,
          rule="The campaign, or else the referring site, of the earliest visit that came from one."),
    Trait(name="acquisition_cost", title="Acquisition cost", type="money", part="acquisition", pick=_acquisition_cost,
          rule="What the campaign of the earliest visit cost, as the campaign states it."),
    Trait(name="orders", title="Orders", type="integer", part="orders",
          pick=_ledger(lambda o: sum(o.orders.values()), _last),
          rule="Different orders completed; one reported twice counts once, one cancelled later still counts."),
    Trait(name="revenue", title="Revenue", type="money", part="orders", pick=_ledger(lambda o: o.revenue, _last),
          rule="Revenue of those orders without shipping and tax; the latest correction counts."),
    Trait(name="refunds", title="Refunds", type="money", part="orders",
          pick=_ledger(lambda o: o.refunds, lambda o: o.last_refund),
          rule="Money given back, each refund once; a refund without an amount is what was left of its order."),
    Trait(name="net_revenue", title="Revenue kept", type="money", part="orders",
          pick=_ledger(_net, _latest_money), rule="Revenue less refunds and cancelled orders."),
    Trait(name="margin", title="Margin", type="money", part="orders",
          pick=_ledger(lambda o: o.margin, lambda o: o.last_margin),
          rule="Margin of the orders that state it, or that state the cost of every product; others count nothing."),
    Trait(name="average_order", title="Average order", type="money", part="orders", pick=_ledger(_average, _last),
          rule="Revenue by order, in each currency."),
    Trait(name="returns", title="Pieces returned", type="integer", part="orders",
          pick=_ledger(lambda o: o.pieces_returned, lambda o: o.last_refund),
          rule="Pieces of the products named in refunds."),
    Trait(name="cancelled_orders", title="Cancelled orders", type="integer", part="orders",
          pick=_ledger(lambda o: o.cancelled, lambda o: o.last_cancelled),
          rule="Different orders that were completed and then cancelled."),
    Trait(name="coupons", title="Coupons", type="object", part="orders",
          pick=_ledger(lambda o: o.coupons, lambda o: o.last_coupon),
          rule="Coupon codes with the number of orders they were used in."),
    Trait(name="first_order_at", title="First order", type="time", part="orders",
          pick=_ledger(lambda o: o.first and to_iso(o.first[0]), lambda o: o.first),
          rule="The time of the earliest order."),
    Trait(name="last_order_at", title="Last order", type="time", part="orders",
          pick=_ledger(lambda o: o.last and to_iso(o.last[0]), _last),
          rule="The time of the latest order."),
    Trait(name="cart", title="Cart now", type="object", part="cart", pick=_cart,
          rule="What was put in and not taken out since the last order or the last look at the whole cart; abandoned "
               "an hour after the last change."),
    Trait(name="product_views", title="Product views", type="integer", part="product_views",
          rule="Number of times a product was looked at."),
    Trait(name="products_viewed", title="Products viewed", type="integer", part="products_viewed",
          rule="Number of different products looked at; an estimate above 255."),
    Trait(name="adds_to_cart", title="Adds to cart", type="integer", part="adds_to_cart",
          rule="Number of times something was put into the cart."),
    Trait(name="checkouts_started", title="Checkouts started", type="integer", part="checkouts_started",
          rule="Number of times a checkout was started."),
    Trait(name="recent_products", title="Recently viewed", type="list", part="recent_products", pick=_products,
          rule="The 20 products looked at last."),
    Trait(name="categories", title="Favourite categories", type="list", part="categories", pick=_shares,
          rule="Views count 1, adds 3, purchases 5; the weight halves every 8 weeks."),
    Trait(name="brands", title="Favourite brands", type="list", part="brands", pick=_shares,
          rule="Views count 1, adds 3, purchases 5; the weight halves every 8 weeks."),
    Trait(name="price_band", title="Price band", type="object", part="price_band", pick=_bands,
          rule="A quarter, a half and three quarters of the prices viewed or added lie below these amounts."),
    Trait(name="wish_list", title="Wish list", type="list", part="wish_list", pick=_wishes,
          rule="Products put on the wish list and not taken off."),
    Trait(name="searches", title="Searches", type="list", part="searches", pick=_searches,
          rule="The 20 texts searched for last."),
    Trait(name="consent", title="Consent", type="object", part="consent", pick=_consent, certain=True,
          rule="The latest choice stated for each purpose."),
)  # fmt: skip


@lru_cache(maxsize=256)
def commerce(*, default_currency: str = "USD", region: str | None = None) -> Registry:
    """The commerce traits of a shop with this currency and this country for phone numbers."""
    return Registry(PARTS, TRAITS, settings=Settings(currency=default_currency, region=region))
