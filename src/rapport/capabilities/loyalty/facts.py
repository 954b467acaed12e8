"""The facts loyalty listens to, and those it states."""

from __future__ import annotations

from rapport.kernel.facts import Fact
from rapport.kernel.language import gettext, noted, retold
from rapport.kernel.money import currency_code, format_minor
from rapport.kernel.wording import FactKind, joined, short

__all__ = [
    "ABOUT", "ADJUSTED", "APOLOGIES", "APPLIED", "ARRIVED_LATE", "AVAILABLE", "CANCELLED", "CHANGED", "EARNED", "ENDED",
    "ENTERED",
    "EXPIRED", "FACT_KINDS", "IDENTITY_FACTS", "LEFT", "ORDER_FACTS", "OWN", "PAUSED", "PENDING", "REDEEMED",
    "REFERRED", "RENEWED", "RESUMED", "REVERSED", "RULE_FACTS", "STARTED",
]  # fmt: skip

EARNED, PENDING, AVAILABLE, REDEEMED = "Points Earned", "Points Pending", "Points Available", "Points Redeemed"
EXPIRED, REVERSED, ADJUSTED = "Points Expired", "Points Reversed", "Points Adjusted"
ENTERED, LEFT = "Tier Entered", "Tier Left"
STARTED, RENEWED = "Membership Started", "Membership Renewed"
CANCELLED, ENDED = "Membership Cancelled", "Membership Ended"
PAUSED, RESUMED = "Membership Paused", "Membership Resumed"
APPLIED, CHANGED = "Benefit Applied", "Programme Changed"

ORDER_FACTS = ("Order Completed", "Order Updated", "Order Cancelled", "Order Refunded")

RULE_FACTS = (
    "Signed Up", "Product Reviewed", "Newsletter Subscribed", "Survey Answered", "Question Answered",
    "Profile Question Answered", "Referral Completed", "Store Visited", "Promise Broken", "Pickup Failed",
    "Answer Disliked",
)  # fmt: skip
"""Beside orders: what a rule may give points for."""

ARRIVED_LATE = "Late Order Arrived"
"""How late it was in the end: what a rule gives for each day of a broken promise."""

REFERRED = "Referral Completed"
"""Earns once the order that the friend placed is kept."""

APOLOGIES = frozenset(("Promise Broken", "Pickup Failed", "Answer Disliked"))
"""What a shop says sorry for, with a message."""

ABOUT = {
    "Signed Up": "", "Newsletter Subscribed": "", "Product Reviewed": "product_id", "Survey Answered": "survey_id",
    "Question Answered": "question_id", "Profile Question Answered": "question", "Promise Broken": "order_id",
    "Pickup Failed": "order_id",
    "Answer Disliked": "conversation_id", "Referral Completed": "order_id",
}  # fmt: skip
"""What a fact is about: a rule gives points for that once. Empty: once for each person."""

IDENTITY_FACTS = ("Customer Merged", "Customer Split")
"""After these, points are counted anew by whose orders are whose."""


def _points(fact: Fact) -> str:
    points = fact.properties.get("points")
    number = gettext("%(number)s points", number=f"{points:,}") if type(points) is int else ""
    return joined(number, retold(short(fact.properties.get("words"), 80)))


def _tier(fact: Fact) -> str:
    return joined(short(fact.properties.get("title"), 60), short(fact.properties.get("programme"), 40))


def _benefit(fact: Fact) -> str:
    said = fact.properties
    minor, currency = said.get("saving_minor"), currency_code(said.get("currency") or "")
    saved = ""
    if type(minor) is int and minor and currency:
        saved = gettext("%(amount)s saved", amount=format_minor(minor, currency))
    return joined(short(said.get("title"), 60), saved, short(said.get("order_id"), 40))


def _change(fact: Fact) -> str:
    return joined(short(fact.properties.get("programme"), 40), short(fact.properties.get("reason"), 80))


_POINTS = {
    "points": "how many", "words": "why, in words", "lot": "the lot of points it is about", "programme": "of which",
    "cause": "the fact or the request behind it",
}  # fmt: skip
_TIER = {"tier": "its name", "title": "as people call it", "programme": "of which", "until": "kept until, at least"}
_MEMBER = {"membership": "its id", "plan": "which plan", "programme": "of which", "until": "what is paid for lasts to"}


def _own(name: str, meaning: str, icon: str, tone: str, properties: dict[str, str]) -> FactKind:
    tell = _points if properties is _POINTS else _tier
    return FactKind(
        name=name, meaning=meaning, stated_by="rapport", icon=icon, tone=tone, tell=tell, properties=properties
    )


OWN = (
    _own(noted(EARNED), noted("somebody has earned points, by an order or another rule"), "star", "own", _POINTS),
    _own(noted(PENDING), noted("points wait until the return window is over"), "clock", "own", _POINTS),
    _own(noted(AVAILABLE), noted("points that waited can be used now"), "star", "own", _POINTS),
    _own(noted(REDEEMED), noted("somebody has paid with points"), "star", "buy", _POINTS),
    _own(noted(EXPIRED), noted("points were not used in time"), "clock", "loss", _POINTS),
    _own(
        noted(REVERSED),
        noted("points were taken back because what earned them was given back"),
        "star",
        "loss",
        _POINTS,
    ),
    _own(noted(ADJUSTED), noted("staff corrected somebody's points, with a reason"), "copy", "own", _POINTS),
    _own(noted(ENTERED), noted("somebody has reached a tier"), "star", "own", _TIER),
    _own(noted(LEFT), noted("somebody is in this tier no more"), "star", "", _TIER),
    _own(noted(STARTED), noted("a paid membership or its trial has begun"), "check", "buy", _MEMBER),
    _own(noted(RENEWED), noted("one more period of a membership is paid"), "check", "buy", _MEMBER),
    _own(noted(CANCELLED), noted("a membership will end with what is paid for"), "clock", "loss", _MEMBER),
    _own(
        noted(ENDED),
        noted("a membership is over"),
        "clock",
        "loss",
        _MEMBER
        | {
            "reason": "`withdrawn` where it was taken back, `changed` to another plan, `fee_came_back`",
            "refund_minor": "of the fee, to be paid back",
            "credit_minor": "of the fee, for the plan it was changed to",
            "currency": "of it",
        },
    ),
    _own(
        noted(PAUSED),
        noted("a membership rests for a while"),
        "clock",
        "loss",
        _MEMBER | {"paused_until": "when it goes on"},
    ),
    _own(noted(RESUMED), noted("a membership goes on sooner than was said"), "check", "buy", _MEMBER),
    FactKind(
        name=APPLIED,
        meaning="a benefit was used in an order",
        stated_by="rapport",
        icon="star",
        tone="own",
        tell=_benefit,
        properties={
            "kind": "delivery, price or points",
            "title": "the benefit, in words",
            "saving_minor": "what it saved",
            "points": "more points than without it",
            "order_id": "in which order",
            "source": "the tier or membership",
        },
    ),
    FactKind(
        name=CHANGED,
        meaning="the terms of a programme were changed",
        stated_by="rapport",
        about="shop",
        icon="copy",
        tone="own",
        tell=_change,
        properties={
            "programme": "which",
            "version": "its number from now on",
            "reason": "why",
            "by": "who changed it",
            "holds_at": "from when on it holds for who is in it already",
        },
    ),
)

FACT_KINDS = OWN
