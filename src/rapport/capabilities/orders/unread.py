"""Which amounts of a fact could not be read: the order counts, its money does not, and somebody is to be told. Pure."""

from __future__ import annotations

from typing import Any

from rapport.kernel.facts import Fact
from rapport.kernel.money import UNKNOWN_CURRENCY
from rapport.remember import inputs

__all__ = ["unread"]

_AMOUNTS = ("revenue", "subtotal", "total", "value", "amount", "shipping", "tax", "margin", "price", "cost")
_OF_LINES = ("price", "cost")


def unread(fact: Fact) -> list[str]:
    """The fields of a fact about carts, orders or products that state money or pieces and are no number.

    Each once, as it is reached from the properties: `revenue`, `currency`, `products[].price`.

    >>> unread(Fact(id="m", type="track", name="Order Completed", properties={"revenue": "abc", "currency": "BTC"}))
    ['currency', 'revenue']
    """
    properties = fact.properties
    stated = inputs.stated_currency(properties)
    found = ["currency"] if stated == UNKNOWN_CURRENCY and properties["currency"] != stated else []
    code = stated or "EUR"
    found += [name for name in _AMOUNTS if name in properties and _is_unread(properties[name], code)]
    found += _unread_quantity(properties)
    of_lines: dict[str, None] = {}
    for product in inputs.products(properties):
        of_lines |= dict.fromkeys(name for name in _OF_LINES if name in product and _is_unread(product[name], code))
        of_lines |= dict.fromkeys(_unread_quantity(product))
    return found + [f"products[].{name}" for name in of_lines]


def _is_unread(value: Any, currency: str) -> bool:
    return value is not None and value != "" and inputs.amount(value, currency) is None


def _unread_quantity(product: dict[str, Any]) -> list[str]:
    value = product.get("quantity")
    return ["quantity"] if value is not None and value != "" and inputs.quantity(product) is None else []
