"""A loyalty programme as a document: tiers, benefits, what earns points, what counts, paid membership. Pure.

The words of schema.org stand behind it (MemberProgram, MemberProgramTier, TierBenefitEnumeration): `json_ld` says the
programme in them, for the shop's own pages.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from rapport.kernel.currencies import exponent

__all__ = [
    "Benefit", "Counting", "Delivery", "Early", "EarningRule", "Only", "OtherCurrency", "Plan", "PointWorth",
    "Programme", "Tier", "json_ld",
]  # fmt: skip

Name = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
Title = Annotated[str, Meta(min_length=1, max_length=80)]
Points = Annotated[int, Meta(ge=0, le=10**9)]
Minor = Annotated[int, Meta(ge=0, le=10**12)]
Code = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Days = Annotated[int, Meta(ge=0, le=36_500)]
BenefitKind: TypeAlias = Literal["delivery", "price", "points", "access", "priority"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Part of the document: a field nobody knows is refused, what is as by default is left out."""


class Benefit(_Part, frozen=True, kw_only=True):
    """Something a tier or a membership brings, of one of five kinds."""

    kind: BenefitKind
    title: Title
    title_de: Annotated[str, Meta(max_length=80)] = ""
    above_minor: Minor = 0
    """Delivery is free from this sum of goods on (or above it: `Counting.border`); 0: always."""
    above_in: dict[Code, Minor] = {}
    """The same sum in each other currency of the programme."""
    percent: Annotated[int, Meta(ge=0, le=1_000)] = 0
    """Of price: so much off. Of points: so many percent of the usual points, 200 is double."""
    what: Annotated[str, Meta(max_length=80)] = ""
    """Of access: to what (`early-access`)."""
    level: Annotated[int, Meta(ge=0, le=9)] = 0
    """Of priority: the higher, the sooner somebody is answered."""


class Tier(_Part, frozen=True, kw_only=True):
    """A tier: from so much on, by what the programme counts."""

    name: Name
    title: Title
    at: Minor = 0
    """Minor units, orders or points, as `Programme.tiers_by` says. The first tier begins at 0: everybody is in it."""
    benefits: tuple[Benefit, ...] = ()


class EarningRule(_Part, frozen=True, kw_only=True):
    """For what there are points: so many for every `per_minor` of an order in proportion, or so many for a fact."""

    name: Name
    title: Title
    on: str = "Order Completed"
    points: Annotated[int, Meta(ge=1, le=10**6)] = 1
    per_minor: Minor = 0
    """0: `points` for the whole order, or for the fact. Of a fact about an order: in proportion to that order."""
    per_in: dict[Code, Annotated[int, Meta(ge=1, le=10**12)]] = {}
    """`per_minor` in each other currency of the programme."""
    first_order: bool = False
    channels: tuple[str, ...] = ()
    """Where they are bought; empty: anywhere."""
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    since: str = ""
    """ISO 8601, the rule holds from then on; empty: always."""
    until: str = ""
    """Up to then, then no more."""
    at_most: Points = 0
    """Points of this rule for one person within `at_most_days`; 0: no limit."""
    at_most_days: Days = 365
    budget: Points = 0
    """Points of this rule for all together within a calendar month (an apology's budget); 0: no limit."""
    approve_above: Points = 0
    """More points than this at once wait until a person approves; 0: none wait."""
    by_tier: dict[str, Points] = {}
    """Other points for those in a tier, by its name."""
    title_de: Annotated[str, Meta(max_length=80)] = ""
    segments: tuple[Annotated[str, Meta(max_length=80)], ...] = ()
    """Only for whom is in one of them when it happens; empty: for everybody."""
    per_day_late: Points = 0
    """Of a promise: so many more for each day that was begun after it."""
    most_each: Points = 0
    """At most so many at once, whatever the order was worth and however late; 0: no limit."""
    holdout_percent: Annotated[int, Meta(ge=0, le=90)] = 0
    """Of people, by chance, get nothing by this rule: what it is worth is what the others do more."""
    waits: bool = True
    """Whether the points wait for the end of the return window; those of other facts than orders never do."""


class Counting(_Part, frozen=True, kw_only=True):
    """What counts: the base of points, of tiers and of "free above" is this one sum."""

    discounts: Literal["after", "before"] = "after"
    tax: Literal["as_priced", "excluded"] = "as_priced"
    """As the shop's prices are, or without tax by `tax_percent` where prices hold it."""
    tax_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    points_are: Literal["discount", "payment"] = "discount"
    """Points make an order cheaper (what is left counts), or pay a part of it (which never counts)."""
    gift_card_categories: tuple[str, ...] = ("Gift Cards",)
    """What is bought of these earns nothing: it is money kept for later."""
    border: Literal["from", "above"] = "from"
    """Whether a sum that is exactly on a border is within."""


class PointWorth(_Part, frozen=True, kw_only=True):
    """What points are worth: so many points are so many minor units."""

    points: Annotated[int, Meta(ge=1, le=10**6)] = 1
    minor: Annotated[int, Meta(ge=1, le=10**6)] = 1
    minor_in: dict[Code, Annotated[int, Meta(ge=1, le=10**6)]] = {}
    """`minor` in each other currency of the programme."""
    at_least: Points = 0
    """Fewer cannot be redeemed."""


class Early(_Part, frozen=True, kw_only=True):
    """Products that only those see who have an access benefit, until they are there for all."""

    what: Annotated[str, Meta(min_length=1, max_length=80)]
    """As `Benefit.what` of an access benefit calls it."""
    products: Annotated[tuple[Annotated[str, Meta(max_length=120)], ...], Meta(max_length=1_000)]
    until: str


class Delivery(_Part, frozen=True, kw_only=True):
    """What delivery costs without any benefit: what a benefit of delivery saves is measured by it."""

    fee_minor: Minor = 0
    """0: not said, so what is saved is not known."""
    free_from_minor: Minor = 0
    """From this sum on it is free for everybody, so no benefit saves it; 0: never."""
    fee_in: dict[Code, Minor] = {}
    """`fee_minor` in each other currency of the programme."""
    free_from_in: dict[Code, Minor] = {}
    """`free_from_minor` in each other currency of the programme."""


class OtherCurrency(_Part, frozen=True, kw_only=True):
    """A currency that is paid in beside the programme's own: `minor` of it count as `counts_as` of that, for tiers and
    in reports, as long as these terms hold. What members are promised is said in it by itself.
    """

    currency: Code
    minor: Annotated[int, Meta(ge=1, le=10**9)]
    counts_as: Annotated[int, Meta(ge=1, le=10**9)]


class Only(_Part, frozen=True, kw_only=True):
    """Which orders and carts the programme is about, so that each brand and market can have its own; empty: all."""

    countries: Annotated[tuple[Annotated[str, Meta(pattern="^[A-Z]{2}$")], ...], Meta(max_length=250)] = ()
    """Where it is delivered, else where it was billed: ISO 3166. An order that names none is of no such programme."""
    brands: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=80)], ...], Meta(max_length=100)] = ()
    """As an order's `affiliation` (or `brand`) and a cart's `brand` call it."""
    channels: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=40)], ...], Meta(max_length=100)] = ()


class Plan(_Part, frozen=True, kw_only=True):
    """A paid membership. Its fee is in the programme's own currency, whatever is bought."""

    name: Name
    title: Title
    fee_minor: Minor
    period: Literal["month", "year"] = "year"
    trial_days: Days = 0
    holdout_percent: Annotated[int, Meta(ge=0, le=90)] = 0
    """Of people, by chance, are not invited (they may join all the same): what it is worth is what the others bring."""
    withdrawal_days: Annotated[int, Meta(ge=0, le=365)] = 14
    """Whoever joins may take it back within so many days and has the whole fee back. **Source**: Directive 2011/83/EU,
    article 9: 14 days, the day of the contract not counted."""
    pause_days: Annotated[int, Meta(ge=0, le=365)] = 0
    """So many days within a year a membership may rest; what is paid for lasts as much longer. 0: it may not."""
    join_url: Annotated[str, Meta(max_length=500, pattern='^(https?://[^\\s"<>]*)?$')] = ""
    """Where the shop takes the fee; members' pages lead there."""
    benefits: tuple[Benefit, ...] = ()


class Programme(_Part, frozen=True, kw_only=True):
    """All rules of one loyalty programme."""

    title: Title
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    currencies: Annotated[tuple[OtherCurrency, ...], Meta(max_length=50)] = ()
    """Others that orders count in; what is paid in any other earns nothing."""
    only: Only = Only()
    time_zone: str = "UTC"
    """Points expire at the end of a day here."""
    starts: str = ""
    """ISO 8601: orders before it earn nothing, but count for tiers. Empty: when the programme is first saved."""
    tiers_by: Literal["spend", "orders", "points"] = "spend"
    tier_window_days: Annotated[int, Meta(ge=1, le=3_650)] = 365
    """What counts for a tier at an order is what happened within so many days up to it."""
    tier_keep_days: Annotated[int, Meta(ge=1, le=3_650)] = 365
    """A tier that an order reached is kept at least so long from that order on."""
    tiers: tuple[Tier, ...] = ()
    earning: tuple[EarningRule, ...] = ()
    counting: Counting = Counting()
    rounding: Literal["down", "half_up", "up"] = "down"
    pending_days: Days = 14
    """How long goods can be returned: points of an order wait until then."""
    valid_days: Days = 0
    """Points expire at the end of the local day so many days after they were earned; 0: never."""
    returned_days: Days = 30
    """Points given back after their lot has expired are good for so many days more."""
    points_back: Literal["share", "whole", "told"] = "share"
    """Points an order was paid with come back into their lots: in the share of its goods that came back, once nothing
    of it is kept, or only when the shop tells it (`POST …/redemptions/{id}/refund`).
    """
    worth: PointWorth = msgspec.field(default_factory=PointWorth)
    delivery: Delivery = msgspec.field(default_factory=Delivery)
    early: tuple[Early, ...] = ()
    hold_minutes: Annotated[int, Meta(ge=1, le=10_080)] = 15
    """How long points are held for a checkout."""
    notice_days: Days = 30
    """Who is in the programme keeps the terms so long after a change was announced."""
    plans: tuple[Plan, ...] = ()

    def tier_named(self, name: str) -> Tier | None:
        """The tier of this name, None where there is none any more."""
        return next((tier for tier in self.tiers if tier.name == name), None)

    def plan_named(self, name: str) -> Plan | None:
        """The plan of this name, None where there is none any more."""
        return next((plan for plan in self.plans if plan.name == name), None)


def json_ld(programme: Programme, *, name: str, url: str = "") -> dict[str, Any]:
    """The programme in schema.org's words. **Source:** schema.org MemberProgram, TierBenefitEnumeration."""
    kinds = {"points": "TierBenefitLoyaltyPoints", "price": "TierBenefitLoyaltyPrice",
             "delivery": "TierBenefitLoyaltyShipping"}  # fmt: skip
    tiers = [
        {
            "@type": "MemberProgramTier", "@id": f"{url}#{name}-{tier.name}", "name": tier.title,
            "hasTierRequirement": {
                "@type": "MonetaryAmount", "value": tier.at / 10 ** exponent(programme.currency),
                "currency": programme.currency,
            } if programme.tiers_by == "spend" and tier.at else f"{tier.at} {programme.tiers_by}",
            "hasTierBenefit": sorted(
                {f"https://schema.org/{kinds[b.kind]}" for b in tier.benefits if b.kind in kinds}
            ),
        }
        for tier in programme.tiers
    ]  # fmt: skip
    return {"@context": "https://schema.org", "@type": "MemberProgram", "name": programme.title, "hasTiers": tiers}
