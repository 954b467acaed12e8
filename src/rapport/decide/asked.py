"""What is asked of deciding and what it answers: the bodies of its doors, and what of a context is taken."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rapport.decide.model import Guardrail, PolicyName
from rapport.kernel.errors import InvalidInput
from rapport.kernel.text import clean
from rapport.remember.inputs import product_id

__all__ = [
    "MOST_PLACES",
    "CustomerNamed",
    "Decision",
    "DecisionAsked",
    "Decisions",
    "customer_named",
    "placements_asked",
    "taken_of_context",
]

MOST_PLACES = 50
"""Items on a slate."""

_KEYS = 50
_LISTED = 50
_LONG = 500
_LISTS = ("cart", "viewed", "results")
"""Of a context, what names several products: by id, or each as an object that has one."""

Short = Annotated[str, Meta(max_length=100)]


class CustomerNamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer by one of their identifiers (`namespace` and `value`) or by customer `id`."""

    namespace: Annotated[str, Meta(max_length=50)] | None = None
    value: Annotated[str, Meta(max_length=200)] | None = None
    id: Annotated[str, Meta(max_length=50)] | None = None


class DecisionAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /api/v1/decisions`: one `placement`, or several `placements` that repeat nothing."""

    placement: Short | None = None
    placements: Annotated[list[Short], Meta(min_length=1, max_length=10)] | None = None
    customer: CustomerNamed | Annotated[str, Meta(max_length=250)] | None = None
    """An object, or in short `cus_…`, `user_id:ada`, an e-mail address."""
    anonymous_id: Annotated[str, Meta(max_length=200)] | None = None
    """The browser that asks: its running visit counts, beside what is known of the customer."""
    context: dict[str, Any] = {}
    """Where and when: url, product_id, category, query, cart, viewed, device, referrer, coupon, location, market,
    weather, local_time, language … What cannot be read is passed over."""
    limit: Annotated[int, Meta(ge=1, le=MOST_PLACES)] = 6
    """Of each placement."""
    language: Annotated[str, Meta(max_length=35)] | None = None
    """Of the reasons; else the context's, else the shop's."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown, and why. Send `decision_id` back as a property of clicks."""

    decision_id: str
    placement: str
    items: list[dict[str, Any]]
    """In order; each with position, kind, item_id (a product's also as product_id), what is known of it, score, odds,
    reasons."""
    policy: PolicyName
    guardrails: list[Guardrail]
    personal: bool
    """Whether it rests on what is known of the customer: somebody is named, and it may."""
    personal_reason: str
    """Why it does or does not."""


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """One decision for each placement that was asked for, in that order. No item is on two of them."""

    decisions: list[Decision]


def placements_asked(asked: DecisionAsked) -> list[str]:
    """Raises InvalidInput where not exactly one of `placement` and `placements` is given, or one twice."""
    if (asked.placement is None) == (asked.placements is None):
        raise InvalidInput(
            "a decision is asked for one placement or for several", hint='"placement": "home" or "placements": ["home"]'
        )
    names = asked.placements or [str(asked.placement)]
    if len(set(names)) < len(names):
        raise InvalidInput("a placement is asked for twice", hint="name each once; limit says how many items it has")
    return names


def customer_named(text: str) -> CustomerNamed | None:
    """`namespace:value`, a customer id, or an e-mail address; None where nobody is named.

    >>> customer_named("cus_1").id, customer_named("ada@example.com").namespace, customer_named("user_id:ada").value
    ('cus_1', 'email', 'ada')
    """
    if not text.strip():
        return None
    if text.startswith("cus_"):
        return CustomerNamed(id=text[:50])
    namespace, colon, value = text.partition(":")
    if not colon:
        namespace, value = ("email" if "@" in text else "user_id"), text
    return CustomerNamed(namespace=namespace[:50], value=value[:200])


def taken_of_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """What of a context is used and logged: texts in one line, finite numbers, ids of products in lists; bounded.

    Objects are taken apart (`weather.temperature`); a location may be its id or an object with `location_id` or `id`.

    >>> taken_of_context({"cart": [{"sku": "A"}, "B", 7], "weather": {"is": "rain"}, "location": {"id": "paris"}})
    {'cart': ['A', 'B', '7'], 'weather.is': 'rain', 'location': 'paris', 'location.id': 'paris'}
    """
    taken: dict[str, Any] = {}
    for key, value in context.items():
        name = clean(key, longest=100)
        if isinstance(value, dict):
            if name == "location":
                _take(taken, name, value.get("location_id", value.get("id")))
            for inner, one in list(value.items())[:_KEYS]:
                _take(taken, f"{name}.{clean(str(inner), longest=100)}", one)
        else:
            _take(taken, name, value)
        if len(taken) >= _KEYS:
            break
    return taken


def _take(taken: dict[str, Any], name: str, value: object) -> None:
    if isinstance(value, str):
        taken[name] = clean(value, longest=_LONG)
    elif isinstance(value, int | float) and abs(value) < 2**53 and isfinite(value):
        taken[name] = value
    elif isinstance(value, list) and name in _LISTS:
        found = (product_id(one if isinstance(one, dict) else {"product_id": one}) for one in value[: 4 * _LISTED])
        taken[name] = list(dict.fromkeys(clean(one) for one in found if one))[:_LISTED]
