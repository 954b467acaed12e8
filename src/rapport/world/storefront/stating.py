"""The shop tells Rapport what it sells, as a shop's own system does: products with prices by market, cost, pictures."""

from __future__ import annotations

import asyncio
from typing import Any

from rapport.world.catalogue import Product, the_catalogue
from rapport.world.names import COUNTRIES
from rapport.world.storefront.asking import Rapport
from rapport.world.storefront.pictures import picture
from rapport.world.storefront.words import said_of

__all__ = ["state_catalogue"]

_AT_ONCE = 100
_TRIES, _SECONDS = 10, 3.0
_SHOP = "https://shop.example"
"""The shop's public address, as its facts name it."""


async def state_catalogue(rapport: Rapport) -> bool:
    """State all products; True once they are stated. The same ones again change nothing."""
    products = await asyncio.to_thread(lambda: [_stated(one) for one in the_catalogue().products])
    for start in range(0, len(products), _AT_ONCE):
        for left in reversed(range(_TRIES)):
            if await rapport.state_products(products[start : start + _AT_ONCE]):
                break
            if not left:
                return False
            await asyncio.sleep(_SECONDS)
    return True


def _stated(product: Product) -> dict[str, Any]:
    markets = [("", "GBP"), *((country.code, country.currency) for country in COUNTRIES)]
    return {
        "product_id": product.id, "name": product.name, "brand": product.brand, "sku": product.sku,
        "category": product.category, "categories": [product.department, product.category], "tags": list(product.tags),
        "description": said_of(product).text, "attributes": {"origin": product.origin}, "currency": "GBP",
        "cost": product.cost_minor["GBP"] / 100, "url": f"{_SHOP}{product.url}",
        "image_url": f"{_SHOP}{picture(product).url}",
        "prices": [{"price": product.price_minor[code] / 100, "currency": code, "market": market}
                   for market, code in markets],
        "variants": [{"variant": size, "name": size} for size in product.sizes],
    }  # fmt: skip
