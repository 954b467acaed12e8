"""What one fact says of an order or a refund, as the ledger folds it and the tables keep it. Pure."""

from __future__ import annotations

from typing import Any

from rapport.capabilities.orders.amounts import claim_of, gross_of, margin_of, prices_of, revenue_of, trimmed
from rapport.kernel.facts import Fact
from rapport.kernel.order_states import state_of
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "BY_BROWSER", "CHANGES", "READING", "Change", "cancelled", "completed", "order_id_of", "refunded", "updated",
]  # fmt: skip

Change = tuple[Any, ...]
"""What one fact says of an order, one of:

| what | then |
|---|---|
| `completed` | order id, state, whether unverified, currency, revenue, margin, coupon (or None, each), rank, gross or None, prices or None |
| `updated` | order id, state, whether unverified, currency, revenue or None, margin or None, gross or None, amounts as they came or None |
| `cancelled` | order id, state, whether unverified |
| `refunded` | refund id, order id or None, claim, pieces, 1 where it is unverified, else 0 |

The rank is 0 where revenue and currency are stated, 1 without the currency, 4 and 5 without the revenue, and two more
(`BY_BROWSER`) where the fact is unverified. An update that states no currency brings its amounts as they came, for the
order's currency may be another than the shop's.
"""  # noqa: E501

BY_BROWSER = 2

READING = 5
"""Raised where the facts of orders and refunds are read otherwise than before: they are all told again."""


def completed(fact: Fact, settings: ReadingSettings) -> Change:
    """An order was placed. Without an order id the fact's own id stands for the order."""
    properties = fact.properties
    stated = inputs.stated_currency(properties)
    currency = stated or settings.currency
    revenue = revenue_of(properties, currency)
    coupon = inputs.text(properties.get("coupon"), 40)
    return (
        "completed", order_id_of(properties) or f"fact:{fact.id}", state_of(fact), fact.unverified, currency, revenue,
        margin_of(properties, currency, revenue), coupon.upper() if coupon else None,
        4 * (revenue is None) + (stated is None) + BY_BROWSER * fact.unverified,
        gross_of(properties, currency, revenue), prices_of(properties, currency),
    )  # fmt: skip


def updated(fact: Fact, settings: ReadingSettings) -> Change | None:
    """An order's amounts were corrected, or it was called off, or it stands again; any other status says nothing."""
    properties = fact.properties
    order_id, stated, state = order_id_of(properties), inputs.stated_currency(properties), state_of(fact)
    currency = stated or settings.currency
    revenue = revenue_of(properties, currency)
    if order_id is None or (revenue is None and not state):
        return None
    return (
        "updated", order_id, state, fact.unverified, currency, revenue, margin_of(properties, currency, revenue),
        gross_of(properties, currency, revenue), None if stated else trimmed(properties),
    )  # fmt: skip


def cancelled(fact: Fact, settings: ReadingSettings) -> Change | None:
    """An order was called off."""
    order_id = order_id_of(fact.properties)
    return ("cancelled", order_id, "cancelled", fact.unverified) if order_id else None


def refunded(fact: Fact, settings: ReadingSettings) -> Change:
    """Money went back. Without an amount and without products it is what is left of the order."""
    properties = fact.properties
    refund_id = next((found for found in (inputs.text(properties.get(n)) for n in _REFUND_IDS) if found), None)
    pieces = sum(map(inputs.pieces, inputs.products(properties)))
    order_id = order_id_of(properties)
    claim = claim_of(properties, settings)
    return "refunded", refund_id or f"fact:{fact.id}", order_id, claim, pieces, int(fact.unverified)


_REFUND_IDS = ("refund_id", "return_id", "credit_note_id")


def order_id_of(properties: dict[str, Any]) -> str | None:
    """The order that a fact names."""
    return inputs.text(properties.get("order_id"))


CHANGES = {
    "Order Completed": completed,
    "Order Updated": updated,
    "Order Cancelled": cancelled,
    "Order Refunded": refunded,
}
"""By which of them a fact is read."""
