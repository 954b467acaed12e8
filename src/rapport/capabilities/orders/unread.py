"""Which amounts of a fact could not be read: the order counts, its money does not, and somebody is to be told. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from rapport.kernel.facts import Fact
from rapport.kernel.money import UNKNOWN_CURRENCY, why_unread
from rapport.remember import inputs

__all__ = ["unread"]

_AMOUNTS = ("revenue", "subtotal", "total", "value", "amount", "shipping", "tax", "margin", "price", "cost")
_OF_LINES = ("price", "cost")
_SHOWN = 40
"""Characters of a value."""


def unread(fact: Fact) -> dict[str, str]:
    """The fields of a fact about carts, orders or products that state money or pieces and are no number, and why not.

    Each once, as it is reached from the properties: `revenue`, `currency`, `products[].price`.

    >>> unread(Fact(id="m", type="track", name="Order Completed", properties={"revenue": "1,234", "currency": "BTC"}))
    {'currency': '“BTC” is no currency', 'revenue': '“1,234” could be 1234 or 1.234'}
    """
    properties = fact.properties
    stated = inputs.stated_currency(properties)
    found: dict[str, str] = {}
    if stated == UNKNOWN_CURRENCY and properties["currency"] != stated:
        found["currency"] = _says(properties["currency"], "is no currency")
    code = stated or "EUR"
    found |= _of(properties, _AMOUNTS, code)
    for product in inputs.products(properties):
        found = {f"products[].{name}": why for name, why in _of(product, _OF_LINES, code).items()} | found
    return found


def _of(stated: dict[str, Any], names: tuple[str, ...], currency: str) -> dict[str, str]:
    amounts = {name: stated[name] for name in names if name in stated}
    found = {
        name: _says(value, why_unread(value, currency))
        for name, value in amounts.items()
        if _is_stated(value) and inputs.amount(value, currency) is None
    }
    if _is_stated(pieces := stated.get("quantity")) and inputs.quantity(stated) is None:
        found["quantity"] = _says(pieces, "is no number")
    return found


def _is_stated(value: Any) -> bool:
    return value is not None and value != ""


def _says(value: Any, why: str) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"“{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}” {why}"
