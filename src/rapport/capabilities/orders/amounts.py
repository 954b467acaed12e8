"""What the facts of an order say about money, and what a refund takes off its order. Pure.

An order's *worth* is its revenue without shipping, tax, tip and duties (`ASIDE`), after corrections. What goes back of
it never takes more off than that. A refund's *claim* is what it says, kept as it came until its order is known: the
order decides its currency, how much of a payment was no revenue, and what the products cost that it names without
prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from rapport.kernel.money import MAX_MINOR
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "ASIDE",
    "NET",
    "PAID",
    "Claim",
    "OrderMoney",
    "claim_of",
    "corrected_in",
    "given_back",
    "gross_of",
    "margin_of",
    "needs_order",
    "prices_of",
    "revenue_of",
    "trimmed",
]

Claim = list[Any]
"""Stated currency or None, the shop's currency, `{field: value as it came}`, and products: `[[name, price as it came or
None, quantity as it came or None], …]`; a name is a number made of product id and variant."""

NET = ("revenue", "subtotal")
PAID = ("total", "value")
ASIDE = ("shipping", "tax", "tip", "duties")
"""What a payment holds beside revenue: for bringing it, for the state, for whoever served."""
_BACK = (*NET, *PAID, "amount")
_AMOUNTS = (*_BACK, *ASIDE, "margin")
_OF_LINES = ("price", "cost", "quantity")


class OrderMoney(NamedTuple):
    """What has to be known of an order to tell what a refund takes off it."""

    currency: str
    worth: int
    """Never below 0."""
    net: int = 0
    gross: int = 0
    """Of a payment of `gross`, `net` was revenue; 0 where that is not known."""
    prices: tuple[int, ...] | list[int] = ()
    """See `prices_of`."""


def revenue_of(properties: Mapping[str, Any], currency: str) -> int | None:
    """What the shop earned without what is `ASIDE`, by the first of these that is stated.

    **Source:** Segment's e-commerce specification v2, `Order Completed`: "revenue excluding shipping and tax". A tip is
    its receiver's, and duties are the state's as taxes are.
    """
    for field in NET:
        found = inputs.amount(properties.get(field), currency)
        if found is not None:
            return found
    for field in PAID:
        found = inputs.amount(properties.get(field), currency)
        if found is not None:
            return found - sum(_aside(properties, currency))
    totals = [inputs.line_total(product, currency) for product in inputs.products(dict(properties))]
    known = [total for total in totals if total is not None]
    return sum(known) if known else None


def gross_of(properties: Mapping[str, Any], currency: str, revenue: int | None) -> int | None:
    """What was paid with all that is `ASIDE`; None where it is not known, or the same as the revenue."""
    if revenue is None or revenue <= 0:
        return None
    found = next((a for f in PAID if (a := inputs.amount(properties.get(f), currency)) is not None), None)
    if found is None:
        found = revenue + sum(_aside(properties, currency))
    return found if found > 0 and found != revenue else None


def margin_of(properties: Mapping[str, Any], currency: str, revenue: int | None) -> int | None:
    """The margin stated, else revenue less the cost of all products where each of them states it."""
    stated = inputs.amount(properties.get("margin"), currency)
    if stated is not None or revenue is None:
        return stated
    products = inputs.products(dict(properties))
    costs = [inputs.line_total(product, currency, "cost") for product in products]
    known = [cost for cost in costs if cost is not None]
    return revenue - sum(known) if products and len(known) == len(products) else None


def prices_of(properties: Mapping[str, Any], currency: str) -> list[int] | None:
    """The sum of the order's lines, then name and price of each product; None where no line states its price."""
    prices: dict[int, int] = {}
    total = 0
    for product in inputs.products(dict(properties)):
        line = inputs.line_total(product, currency)
        if line is not None:
            total += line
            price = inputs.amount(product.get("price"), currency) or 0
            for name in _names(product):
                prices.setdefault(name, price)
    return [total, *(number for pair in prices.items() for number in pair)] if prices else None


def claim_of(properties: Mapping[str, Any], settings: ReadingSettings) -> Claim:
    """What a refund says of money."""
    stated = inputs.stated_currency(dict(properties))
    lines = [
        [(_names(product) or [0])[0], _raw(product.get("price")), _raw(product.get("quantity"))]
        for product in inputs.products(dict(properties))
    ]
    return [stated, settings.currency, _stated(properties, (*_BACK, *ASIDE)), lines]


def corrected_in(currency: str, told: Mapping[str, Any]) -> tuple[str, int, int | None, int | None]:
    """Currency, revenue, margin and gross of amounts as they came, read in this currency."""
    revenue = revenue_of(told, currency) or 0
    return currency, revenue, margin_of(told, currency, revenue), gross_of(told, currency, revenue)


def needs_order(claim: Claim) -> bool:
    """Whether its order has to be known to tell what a refund is worth: not where it states currency and revenue."""
    stated, _, amounts, _ = claim
    return stated is None or all(inputs.amount(amounts.get(field), stated) is None for field in NET)


def given_back(claim: Claim, order: OrderMoney | None) -> tuple[str, int | None]:
    """Currency and amount of a refund before it is held against what is left of its order; None: all that is left."""
    stated, of_the_shop, amounts, lines = claim
    code = stated or (order.currency if order else of_the_shop)
    if not lines and not any(field in amounts for field in _BACK):
        return (order.currency if order else code), None
    for field in NET:
        found = inputs.amount(amounts.get(field), code)
        if found is not None:
            return code, abs(found)
    for field in (*PAID, "amount"):
        found = inputs.amount(amounts.get(field), code)
        if found is not None:
            return code, _revenue_in(abs(found), amounts, code, order)
    same = order if order and order.currency == code else None
    return code, min(sum(_line_back(line, code, same) for line in lines), MAX_MINOR)


def _revenue_in(paid: int, amounts: Mapping[str, Any], code: str, order: OrderMoney | None) -> int:
    """What of a payment was revenue: less what it states to be `ASIDE`, else in the proportion of its order.

    Rounded up, so that parts which add up to the whole payment take off the whole revenue.
    """
    aside = _aside(amounts, code)
    if aside:
        return max(0, paid - sum(map(abs, aside)))
    if order is None or order.gross <= 0 or order.currency != code:
        return paid
    return min(-(-paid * order.net // order.gross), MAX_MINOR)


def _line_back(line: list[Any], code: str, order: OrderMoney | None) -> int:
    """What a line of a refund is worth: at its own price, else at what was paid for it in its order."""
    name, price, quantity = line
    number = inputs.quantity({"quantity": quantity})
    if number is None:
        number = 1
    if price is not None:
        return abs(inputs.times(price, number, code) or 0)
    each = None if order is None else next(
        (p for n, p in zip(order.prices[1::2], order.prices[2::2], strict=True) if n == name), None
    )  # fmt: skip
    if each is None or order is None:
        return 0
    total = order.prices[0]
    back = abs(inputs.times_minor(each, number))
    # A discount on the whole order is one on each of its products.
    return back if total <= order.worth else -(-back * order.worth // total)


def trimmed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The amounts of a fact as they came, to be read once their currency is known."""
    found = _stated(properties, _AMOUNTS)
    products = [_stated(product, _OF_LINES) for product in inputs.products(dict(properties))]
    return found | {"products": products} if products else found


def _aside(properties: Mapping[str, Any], currency: str) -> list[int]:
    """What is `ASIDE`, as far as it is stated."""
    return [found for name in ASIDE if (found := inputs.amount(properties.get(name), currency)) is not None]


def _stated(properties: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: raw for name in fields if name in properties and (raw := _raw(properties[name])) is not None}


def _raw(value: Any) -> Any:
    """A value as it came, None where nothing is stated, `?` for what can be no amount."""
    if value is None or value == "":
        return None
    if type(value) is float or (type(value) is int and abs(value) < 2**63) or (type(value) is str and len(value) <= 24):
        return value
    return "?"


def _names(product: dict[str, Any]) -> list[int]:
    """A product's name with its variant, if it has one, then without: 31 bits of a hash."""
    product_id = inputs.product_id(product)
    if product_id is None:
        return []
    variant = inputs.variant(product)
    names = [product_id] if variant is None else [f"{product_id}\n{variant}", product_id]
    return [_number(name) for name in names]


@lru_cache(maxsize=16_384)
def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=4).digest(), "big") >> 1
