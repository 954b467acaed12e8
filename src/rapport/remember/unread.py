"""Which amounts and countries of a fact could not be read: it counts, they do not, and somebody is to be told. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from rapport.kernel.countries import country_code
from rapport.kernel.facts import Fact
from rapport.kernel.money import UNKNOWN_CURRENCY, currency_code, why_unread
from rapport.remember import inputs

__all__ = ["says", "unread", "unread_amount", "unread_country"]

_AMOUNTS = frozenset(
    (
        "revenue",
        "subtotal",
        "total",
        "value",
        "amount",
        "shipping",
        "tax",
        "tip",
        "duties",
        "discount",
        "margin",
        "price",
        "cost",
    )
)
_OF_LINES = frozenset(("price", "cost"))
_PLACES = ("shipping_address", "billing_address")
_COUNTRY = ("country", "countryCode", "country_code")
_BELIEVED = 1e15
_MOST_PIECES = 1e9
_PLAIN = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
"""Texts that are numbers in every currency and everywhere."""

_SHOWN = 40
"""Characters of a value."""


def unread(fact: Fact, currency: str = "EUR") -> dict[str, str]:
    """The fields of a fact about carts, orders or products that state money, pieces or a country and are none, and why.

    Each once, as it is reached from the properties: `revenue`, `currency`, `products[].price`. `currency` is that of a
    fact that states none. Of a fact in which all is plain numbers, nothing more is looked at than that.

    >>> unread(Fact(id="m", type="track", name="Order Completed", properties={"revenue": "1,234", "currency": "BTC"}))
    {'currency': '“BTC” is no currency', 'revenue': '“1,234” could be 1234 or 1.234'}
    """
    properties = fact.properties
    if _is_plain(properties):
        return {}
    found: dict[str, str] = {}
    code = inputs.stated_currency(properties)
    if code == UNKNOWN_CURRENCY and properties["currency"] != code:
        found["currency"] = says(properties["currency"], "is no currency")
    code = code or currency
    found |= _of(properties, _AMOUNTS, code)
    for product in inputs.products(properties):
        found = {f"products[].{name}": why for name, why in _of(product, _OF_LINES, code).items()} | found
    for place in _PLACES:
        if why := unread_country(inputs.table(properties, place)):
            found[f"{place}.country"] = why
    return found


def unread_amount(value: Any, currency: str) -> str | None:
    """Why a stated amount cannot be read, with the amount; None where it can, or where nothing is stated.

    >>> unread_amount("19,00", "EUR"), unread_amount("", "EUR"), unread_amount(True, "EUR")
    (None, None, '“true” is no amount')
    """
    kind = type(value)
    if (kind is int or kind is float) and -_BELIEVED < value < _BELIEVED:
        return None
    if value is None or value == "" or inputs.amount(value, currency) is not None:
        return None
    return says(value, why_unread(value, currency))


def unread_country(place: dict[str, Any]) -> str | None:
    """What somebody's address says of the country where nobody can tell which it is; None where one can."""
    stated = [place[name] for name in _COUNTRY if place.get(name) not in (None, "")]
    if not stated or any(country_code(one) for one in stated):
        return None
    return says(stated[0], "is no country")


def says(value: Any, why: str) -> str:
    """The value in quotation marks, cut, and what there is to say of it."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"“{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'}” {why}"


def _is_plain(stated: dict[str, Any]) -> bool:
    """Whether all that is looked at is said in the plainest way: no more than that is asked of nearly all facts."""
    for name, value in stated.items():
        is_plain = _LOOKED_AT.get(name)
        if is_plain is not None and value is not None and not is_plain(value):
            return False
    return True


def _is_plain_amount(value: Any) -> bool:
    kind = type(value)
    if kind is float or kind is int:
        return bool(-_BELIEVED < value < _BELIEVED)
    return kind is str and _PLAIN.fullmatch(value) is not None


def _is_plain_quantity(value: Any) -> bool:
    return _is_plain_amount(value) and (type(value) is str or -_MOST_PIECES < value < _MOST_PIECES)


def _are_plain_lines(value: Any) -> bool:
    return type(value) is not list or all(_is_plain(line) for line in value if type(line) is dict)


def _is_plain_place(value: Any) -> bool:
    return type(value) is not dict or unread_country(value) is None


_LOOKED_AT: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(_AMOUNTS, _is_plain_amount), "quantity": _is_plain_quantity,
    "currency": lambda value: type(value) is str and currency_code(value) is not None,
    "products": _are_plain_lines, **dict.fromkeys(_PLACES, _is_plain_place),
}  # fmt: skip


def _of(stated: dict[str, Any], names: frozenset[str], currency: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in stated.items():
        if name in names:
            why = unread_amount(value, currency)
            if why is not None:
                found[name] = why
        elif name == "quantity" and value is not None and value != "" and inputs.quantity(stated) is None:
            found[name] = says(value, "is no number")
    return found
