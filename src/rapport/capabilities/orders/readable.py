"""Whether the money of an order, a correction or a refund can be read: what cannot waits in quarantine, to be mended.

Each of these changes what the shop earned. Counted as nothing, an order would be given away and a refund never made;
so a fact is refused where what it says of money is said so that nobody can read it, and nothing else in it says the
same. What needs no reading (an order that says nothing of money, the tax beside a stated revenue) refuses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapport.capabilities.orders.amounts import ASIDE, NET, PAID
from rapport.kernel.errors import InvalidFact
from rapport.kernel.facts import Fact
from rapport.remember import inputs
from rapport.remember.unread import unread

__all__ = ["refuse_unreadable_money"]

_PRICE, _QUANTITY = "products[].price", "products[].quantity"
_HINT = "a plain number with a point (1234.5), and the currency it is in"


def refuse_unreadable_money(fact: Fact, currency: str) -> None:
    """Raises InvalidFact where what an order or refund is worth is stated and cannot be read.

    `currency` is the shop's, for a fact that states none.
    """
    properties = fact.properties
    wrong = unread(fact, currency)
    if not wrong:
        return
    code = inputs.stated_currency(properties) or currency
    field = _needed(properties, wrong, code, is_refund=fact.name == "Order Refunded")
    if field is not None:
        raise InvalidFact(f"{field}: {wrong[field]}", path=_path(properties, field, code), hint=_HINT)


def _needed(properties: Mapping[str, Any], wrong: Mapping[str, str], currency: str, *, is_refund: bool) -> str | None:
    """The first field that cannot be read and that the worth follows from; None where it follows from others."""
    paid = (*PAID, "amount") if is_refund else PAID
    if any(_is_read(properties, field, currency) for field in NET):
        return None
    if any(_is_read(properties, field, currency) for field in paid):
        return next((field for field in ASIDE if field in wrong), None)
    products = inputs.products(dict(properties))
    has_prices = any(product.get("price") not in (None, "") for product in products)
    if has_prices or (is_refund and products):
        return next((field for field in (_PRICE, _QUANTITY) if field in wrong), None)
    return next((field for field in (*NET, *paid) if field in wrong), None)


def _is_read(properties: Mapping[str, Any], field: str, currency: str) -> bool:
    return inputs.amount(properties.get(field), currency) is not None


def _path(properties: Mapping[str, Any], field: str, currency: str) -> str:
    """Where in the message it stands, for the page on which it is mended."""
    if field not in (_PRICE, _QUANTITY):
        return f"$.properties.{field}"
    name = field.rpartition(".")[2]
    for place, product in enumerate(properties["products"]):
        if isinstance(product, dict) and product.get(name) not in (None, "") and (
            inputs.quantity(product) is None if field == _QUANTITY else not _is_read(product, name, currency)
        ):  # fmt: skip
            return f"$.properties.products[{place}].{name}"
    return "$.properties.products"
