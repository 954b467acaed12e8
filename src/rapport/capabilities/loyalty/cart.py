"""What counts of a cart or an order: lines, discounts, tax, gift cards; one path for quote and booking. Pure.

Whoever asks with a cart and whoever reports the order made of it get the same points, for both become a `Cart` here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rapport.capabilities.loyalty.programme import Counting
from rapport.kernel.countries import country_code
from rapport.kernel.facts import Fact
from rapport.kernel.money import MAX_MINOR
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Cart", "CartLine", "StatedBenefit", "cart_of", "counted", "shares", "whole_of"]

MOST_LINES = 1_000
"""Lines of an order that are looked at one by one."""


class CartLine(NamedTuple):
    """A line: what it costs in minor units of the cart's currency, after the discount on it."""

    product: str
    quantity: int
    minor: int
    discount_minor: int = 0
    """What was taken off already."""
    category: str = ""


class StatedBenefit(NamedTuple):
    """What the shop says a benefit saved in an order, as the quote told it."""

    kind: str
    saving_minor: int


class Cart(NamedTuple):
    """A cart or an order, of products alone."""

    currency: str
    lines: tuple[CartLine, ...]
    includes_tax: bool = True
    paid_minor: int | None = None
    """What was paid for the lines in all, where that is known apart from them; never more than they cost counts."""
    channel: str = ""
    shipping_minor: int | None = None
    """What delivery cost; None where nothing was delivered, or it is not said."""
    has_coupon: bool = False
    benefits: tuple[StatedBenefit, ...] = ()
    """What the shop itself says was saved by which kind of benefit."""
    net_minor: int | None = None
    """Revenue: what was paid without tax and delivery; None where only the lines tell."""
    gross_minor: int | None = None
    """What was paid with both."""
    country: str = ""
    """Where it goes, ISO 3166; empty where nobody said."""
    brand: str = ""
    """Under which name it was sold."""


def whole_of(cart: Cart, *, net: bool) -> int:
    """What a refund is a part of: revenue alone, or all that was paid with tax and delivery."""
    lines = sum(line.minor for line in cart.lines)
    stated = cart.net_minor if net else cart.gross_minor
    return stated if stated is not None else lines


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in parts by weight that sum to it exactly: the largest remainders take the rest, first of equals first.

    >>> shares(100, [1, 1, 1]), shares(7, [0, 5]), shares(5, [0, 0]), shares(168, [150, 60])
    ([34, 33, 33], [0, 7], [5, 0], [120, 48])
    """
    whole = sum(weights)
    if not weights:
        return []
    if whole <= 0:
        return [total, *([0] * (len(weights) - 1))]
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def counted(cart: Cart, counting: Counting) -> list[int]:
    """What counts of each line, in minor units: the base of points, of tiers and of borders."""
    gifts = {name.casefold() for name in counting.gift_card_categories}
    paid = [line.minor for line in cart.lines]
    if cart.paid_minor is not None and cart.paid_minor < sum(paid):
        paid = shares(max(cart.paid_minor, 0), paid)
    if counting.discounts == "before":
        paid = [max(now, line.minor + line.discount_minor) for now, line in zip(paid, cart.lines, strict=True)]
    kept = [0 if line.category.casefold() in gifts else minor for minor, line in zip(paid, cart.lines, strict=True)]
    if counting.tax == "excluded" and cart.includes_tax:
        total = sum(kept)
        return shares(total * 100 // (100 + counting.tax_percent), kept)
    return kept


def cart_of(fact: Fact, settings: ReadingSettings) -> Cart:
    """What an order's fact says was bought. An order without readable lines is one line of what was paid for it."""
    said = fact.properties
    currency = inputs.currency(said, settings)
    lines = [line for product in inputs.products(said)[:MOST_LINES] if (line := _line(product, currency)) is not None]
    discount = _amount(said, "discount", currency)
    on_lines = sum(line.discount_minor for line in lines)
    if discount and not on_lines and lines:
        off = shares(min(discount, sum(line.minor for line in lines)), [line.minor for line in lines])
        lines = [
            line._replace(minor=line.minor - part, discount_minor=part)
            for line, part in zip(lines, off, strict=True)
        ]  # fmt: skip
    includes_tax = said.get("prices_include_tax") is not False
    paid = _paid(said, currency, includes_tax=includes_tax)
    if not lines and paid:
        lines = [CartLine("", 1, paid)]
    channel = inputs.channel(fact, settings) or ""
    net, gross = _payment(said, currency)
    return Cart(
        currency, tuple(lines), includes_tax, paid, channel, _shipping(said, currency, channel),
        any(said.get(name) for name in ("coupon", "coupons")), _benefits(said), net, gross,
        _country(said), inputs.text(said.get("affiliation"), 80) or inputs.text(said.get("brand"), 80) or "",
    )  # fmt: skip


def _shipping(said: dict[str, Any], currency: str, channel: str) -> int | None:
    """What delivery cost; a store hands over, and what is collected is not delivered."""
    method = inputs.text(said.get("shipping_method"), 40) or ""
    if channel == "store" or method.casefold() in ("pickup", "collect", "click_and_collect"):
        return None
    return _amount(said, "shipping", currency)


def _country(said: dict[str, Any]) -> str:
    """Where it is delivered, else where it was billed, as the order says it."""
    for place in (inputs.table(said, "shipping_address"), inputs.table(said, "billing_address"), said):
        for field in ("country", "country_code", "countryCode"):
            if field in place and (found := country_code(place[field])):
                return found
    return ""


def _benefits(said: dict[str, Any]) -> tuple[StatedBenefit, ...]:
    """What the order says of benefits: `[{"kind": "price", "saving_minor": 475}]`; what cannot be read is left out."""
    stated = said.get("benefits")
    found = []
    for one in stated[:20] if isinstance(stated, list) else ():
        minor = one.get("saving_minor") if isinstance(one, dict) else None
        if type(minor) is int and 0 <= minor <= MAX_MINOR and isinstance(one.get("kind"), str):
            found.append(StatedBenefit(one["kind"][:20], minor))
    return tuple(found)


def _paid(said: dict[str, Any], currency: str, *, includes_tax: bool) -> int | None:
    """What was paid for the products, with tax where prices hold it."""
    tax = _amount(said, "tax", currency) or 0
    for field in ("revenue", "subtotal"):
        net = _amount(said, field, currency)
        if net is not None:
            return max(0, net + (tax if includes_tax else 0))
    for field in ("total", "value"):
        total = _amount(said, field, currency)
        if total is not None:
            return max(0, total - _beside(said, currency) - (0 if includes_tax else tax))
    return None


def _beside(said: dict[str, Any], currency: str) -> int:
    """What was paid for no product, beside taxes: delivery, a tip, duties."""
    return sum(_amount(said, field, currency) or 0 for field in ("shipping", "tip", "duties"))


def _payment(said: dict[str, Any], currency: str) -> tuple[int | None, int | None]:
    """Revenue, and what was paid with tax and delivery; each by the other where one alone is stated."""
    aside = _beside(said, currency) + (_amount(said, "tax", currency) or 0)
    net, gross = (
        next((a for field in fields if (a := _amount(said, field, currency)) is not None), None)
        for fields in (("revenue", "subtotal"), ("total", "value"))
    )
    if net is None:
        return (None, None) if gross is None else (max(0, gross - aside), gross)
    return net, net + aside if gross is None else gross


def _line(product: dict[str, Any], currency: str) -> CartLine | None:
    name = inputs.product_id(product) or ""
    number = inputs.quantity(product)
    quantity = 1 if number is None else int(number)
    total = inputs.line_total(product, currency)
    if total is None or not 0 <= total <= MAX_MINOR or quantity < 0:
        return None
    off = min(max(_amount(product, "discount", currency) or 0, 0), total)
    category = inputs.text(product.get("category"), 80) or ""
    return CartLine(name, quantity, total - off, off, category)


def _amount(said: dict[str, Any], field: str, currency: str) -> int | None:
    return inputs.amount(said.get(field), currency) if said.get(field) is not None else None
