"""All shop systems whose lists can be read."""

from __future__ import annotations

from collections.abc import Mapping

from rapport.adapters.shops.pulling import medusa, saleor, shopify, woocommerce
from rapport.adapters.shops.pulling.model import Place, System

__all__ = ["SYSTEMS", "lists_of"]

SYSTEMS: Mapping[str, System] = {
    one.shop: one for one in (shopify.SYSTEM, woocommerce.SYSTEM, medusa.SYSTEM, saleor.SYSTEM)
}


def lists_of(shop: str, place: Place | None) -> tuple[str, int, int]:
    """Where a reading stands, for people: the list, which one it is, of how many.

    >>> lists_of("saleor", Place(1))
    ('orders', 2, 2)
    """
    lists = SYSTEMS[shop].lists
    number = min(place.number if place else 0, len(lists) - 1)
    return lists[number].name, number + 1, len(lists)
