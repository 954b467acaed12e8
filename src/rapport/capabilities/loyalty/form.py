"""The fields of a programme's form: what each is called, how it is typed, and where it stands. Pure.

The form writes the same document that `PUT /api/v1/loyalty/programmes/{name}` takes; a field's name is its path there
(`tiers.1.benefits.0.percent`).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from rapport.capabilities.loyalty.facts import RULE_FACTS
from rapport.kernel.language import noted

__all__ = ["CARDS", "CardSpec", "Input", "Kind", "ListSpec"]

Kind: TypeAlias = Literal["text", "number", "money", "counted", "choice", "flag", "names", "amounts", "by_tier"]
"""`counted` is money, orders or points, as tiers are reached; `names` several, with commas between (in
quotes where one has a comma itself); `amounts` money in each other currency of the programme; `by_tier` a number for
each tier.
"""


class Input(NamedTuple):
    """A field."""

    key: str
    label: str
    kind: Kind = "text"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_rare: bool = False
    """Stands under *More*."""


class ListSpec(NamedTuple):
    """Several of a kind, each with these fields."""

    key: str
    title: str
    add: str
    """What the button says that adds one."""
    inputs: tuple[Input, ...]
    lists: tuple[ListSpec, ...] = ()


class CardSpec(NamedTuple):
    """A part of the form."""

    id: str
    title: str
    about: str
    inputs: tuple[Input, ...]
    lists: tuple[ListSpec, ...] = ()


def _facts() -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in ("Order Completed", *RULE_FACTS))


_NAME = Input("name", noted("Short name"), hint=noted("Small letters, digits, hyphens; it stays."))
_TITLE = Input("title", noted("Title"))
_GERMAN = Input("title_de", noted("Title in German"), is_rare=True)

_BENEFITS = ListSpec("benefits", noted("Benefits"), noted("Add a benefit"), (
    Input("kind", noted("Kind"), "choice", choices=(
        ("delivery", noted("Free delivery")), ("price", noted("Per cent off")), ("points", noted("More points")),
        ("access", noted("Access")), ("priority", noted("Answered sooner")),
    )),
    _TITLE,
    Input("above_minor", noted("Free delivery from"), "money", noted("Empty: always.")),
    Input("above_in", noted("Free delivery from"), "amounts"),
    Input("percent", noted("Per cent"), "number", noted("Of price: so much off. Of points: 200 is double.")),
    Input("what", noted("Access to"), hint=noted("Such as early-access.")),
    Input("level", noted("Level"), "number", noted("The higher, the sooner somebody is answered."), is_rare=True),
    _GERMAN,
))  # fmt: skip

_RULES = ListSpec("earning", noted("Rules"), noted("Add a rule"), (
    _TITLE, _NAME,
    Input("on", noted("For what"), "choice", choices=_facts()),
    Input("points", noted("Points"), "number"),
    Input("per_minor", noted("For every"), "money", noted("Of an order. Empty: for the whole of it.")),
    Input("per_in", noted("For every"), "amounts"),
    Input("since", noted("From"), hint=noted("Such as 2026-12-01T00:00:00+01:00. Empty: always."), is_rare=True),
    Input("until", noted("Until"), is_rare=True),
    Input("first_order", noted("For the first order alone"), "flag", is_rare=True),
    Input("categories", noted("Only of these categories"), "names", is_rare=True),
    Input("products", noted("Only of these products"), "names", is_rare=True),
    Input("channels", noted("Only bought there"), "names", is_rare=True),
    Input("segments", noted("Only for these segments"), "names", is_rare=True),
    Input("by_tier", noted("Points in the tier"), "by_tier", is_rare=True),
    Input("at_most", noted("At most, for one person"), "number", noted("Points. Empty: no limit."), is_rare=True),
    Input("at_most_days", noted("Within so many days"), "number", is_rare=True),
    Input("most_each", noted("At most at once"), "number", is_rare=True),
    Input("per_day_late", noted("More for each day late"), "number", is_rare=True),
    Input("budget", noted("Budget of a month"), "number", noted("Points for all together, then a person decides."),
          is_rare=True),
    Input("approve_above", noted("A person approves above"), "number", is_rare=True),
    Input("holdout_percent", noted("Get none by chance, in per cent"), "number",
          noted("So that its worth can be measured."), is_rare=True),
    Input("waits", noted("Points wait for the return window"), "flag", is_rare=True),
    _GERMAN,
))  # fmt: skip

_PLANS = ListSpec("plans", noted("Plans"), noted("Add a plan"), (
    _TITLE, _NAME,
    Input("fee_minor", noted("Fee"), "money"),
    Input("period", noted("Paid by the"), "choice", choices=(("year", noted("year")), ("month", noted("month")))),
    Input("trial_days", noted("Days on trial"), "number"),
    Input("join_url", noted("Where it is paid"), hint=noted("Address of your shop; members' pages lead there.")),
    Input("withdrawal_days", noted("Days to take it back"), "number", is_rare=True),
    Input("pause_days", noted("Days a year to rest"), "number", is_rare=True),
    Input("holdout_percent", noted("Not invited by chance, in per cent"), "number",
          noted("So that its worth can be measured."), is_rare=True),
), (_BENEFITS,))  # fmt: skip

CARDS = (
    CardSpec("head", noted("The programme"), noted("What it is called, and how changes reach members."), (
        _TITLE,
        Input("currency", noted("Currency"), hint=noted("Points are worth money in it; it stays.")),
        Input("time_zone", noted("Time zone"), hint=noted("Points expire at the end of a day there.")),
        Input("notice_days", noted("Days of notice"), "number",
              noted("Members keep the terms so long after a change.")),
        Input("starts", noted("Begins"), hint=noted("Orders before it earn nothing. Empty: now."), is_rare=True),
    )),
    CardSpec("counts", noted("What counts"), noted("One sum for points, tiers and free delivery."), (
        Input("counting.discounts", noted("Discounts"), "choice", choices=(
            ("after", noted("What is left after discounts counts")), ("before", noted("What it was before counts")))),
        Input("counting.tax", noted("Tax"), "choice", choices=(
            ("as_priced", noted("As prices are")), ("excluded", noted("Without tax")))),
        Input("counting.tax_percent", noted("Tax in per cent"), "number", is_rare=True),
        Input("counting.border", noted("A sum exactly on a border"), "choice", choices=(
            ("from", noted("is within")), ("above", noted("is not within")))),
        Input("counting.points_are", noted("Points that pay are"), "choice", choices=(
            ("discount", noted("a discount: what is left counts")), ("payment", noted("a payment, and never count")))),
        Input("counting.gift_card_categories", noted("Categories that never count"), "names",
              noted("Gift cards: money kept for later."), is_rare=True),
        Input("only.countries", noted("Only orders to these countries"), "names",
              noted("Such as DE, AT. Empty: all.")),
        Input("only.brands", noted("Only orders of these brands"), "names", is_rare=True),
        Input("only.channels", noted("Only orders bought there"), "names", is_rare=True),
    ), (ListSpec("currencies", noted("Other currencies"), noted("Add a currency"), (
        Input("currency", noted("Currency")),
        Input("minor", noted("So many of its smallest units"), "number", noted("Such as 110 cents.")),
        Input("counts_as", noted("count as so many of the programme's"), "number",
              noted("For tiers and reports, as long as these terms hold.")),
    )),)),
    CardSpec("tiers", noted("Tiers"), noted("The first begins at 0: everybody is in it from the first order."), (
        Input("tiers_by", noted("Reached by"), "choice", choices=(
            ("spend", noted("what somebody spends")), ("orders", noted("orders")), ("points", noted("points earned")))),
        Input("tier_window_days", noted("Within so many days"), "number"),
        Input("tier_keep_days", noted("Kept for so many days"), "number"),
    ), (ListSpec("tiers", noted("Tiers"), noted("Add a tier"), (
        _TITLE, _NAME, Input("at", noted("From"), "counted"),
    ), (_BENEFITS,)),)),
    CardSpec("earning", noted("What earns points"), noted("Each rule gives points for an order or another fact."), (
        Input("pending_days", noted("Points of an order wait so many days"), "number",
              noted("Until it can be returned no more.")),
        Input("rounding", noted("Parts of a point"), "choice", choices=(
            ("down", noted("are left out")), ("half_up", noted("are rounded")), ("up", noted("are rounded up")))),
    ), (_RULES,)),
    CardSpec("worth", noted("What points are worth"), noted("And how long they are good."), (
        Input("worth.points", noted("So many points"), "number"),
        Input("worth.minor", noted("pay so much"), "money"),
        Input("worth.minor_in", noted("pay so much"), "amounts"),
        Input("worth.at_least", noted("Fewest that can be paid with"), "number", is_rare=True),
        Input("valid_days", noted("Good for so many days"), "number", noted("Empty: for ever.")),
        Input("points_back", noted("When an order they paid for comes back"), "choice", choices=(
            ("share", noted("they come back in its share")), ("whole", noted("they come back once nothing is kept")),
            ("told", noted("they come back when the shop says so")))),
        Input("returned_days", noted("Given back after they expired: good for so many days"), "number", is_rare=True),
        Input("hold_minutes", noted("Held for a checkout, in minutes"), "number", is_rare=True),
    )),
    CardSpec("delivery", noted("What delivery costs"), noted("Without benefits: what one saves is measured by it."), (
        Input("delivery.fee_minor", noted("Fee"), "money"),
        Input("delivery.fee_in", noted("Fee"), "amounts"),
        Input("delivery.free_from_minor", noted("Free for everybody from"), "money", noted("Empty: never.")),
        Input("delivery.free_from_in", noted("Free for everybody from"), "amounts"),
    )),
    CardSpec("plans", noted("Paid membership"), noted("The shop takes the fee and tells of it."), (), (_PLANS,)),
    CardSpec("early", noted("Early access"), noted("Products that only who has this access sees, until a day."), (), (
        ListSpec("early", noted("Products"), noted("Add products"), (
            Input("what", noted("Access to"), hint=noted("As the benefit calls it.")),
            Input("products", noted("Products"), "names"),
            Input("until", noted("Until"), hint=noted("Such as 2026-12-01T00:00:00+01:00.")),
        )),
    )),
)  # fmt: skip
