"""The products a fact speaks of, for decisions and their measure; read by the same rules as the Golden Record."""

from __future__ import annotations

from typing import Any, NamedTuple

from rapport.kernel.facts import Fact
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Line", "lines_of", "product_ids_of"]

_URL = 500
LINES = 200
"""Products of one fact that decisions learn from: what was bought together is learnt by pairs."""


class Line(NamedTuple):
    """One product of a fact. What is absent or unreadable is None; money is in minor units of `currency`."""

    product_id: str
    name: str | None
    category: str | None
    brand: str | None
    price_minor: int | None
    cost_minor: int | None
    currency: str
    quantity: int
    url: str | None
    image_url: str | None


def lines_of(fact: Fact, settings: ReadingSettings) -> list[Line]:
    """The products of a fact: its `products`, else the one its properties describe, else none. Never raises."""
    currency = inputs.currency(fact.properties, settings)
    lines = [_line(product, currency) for product in _described(fact)]
    return [line for line in lines if line is not None]


def product_ids_of(fact: Fact) -> list[str]:
    """The ids of the fact's products, without repeats."""
    if "products" not in fact.properties:
        only = inputs.product_id(fact.properties)
        return [] if only is None else [only]
    found = [inputs.product_id(product) for product in _described(fact)]
    return list(dict.fromkeys(product_id for product_id in found if product_id is not None))


def _described(fact: Fact) -> list[dict[str, Any]]:
    products = inputs.products(fact.properties)
    return products[:LINES] or [fact.properties]


def _line(product: dict[str, Any], currency: str) -> Line | None:
    product_id = inputs.product_id(product)
    if product_id is None:
        return None
    get, text = product.get, inputs.text
    return Line(
        product_id, text(get("name")), text(get("category")), text(get("brand")), inputs.amount(get("price"), currency),
        inputs.amount(get("cost"), currency), currency, inputs.pieces(product), text(get("url"), _URL),
        text(get("image_url"), _URL),
    )  # fmt: skip
