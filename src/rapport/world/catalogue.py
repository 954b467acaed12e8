"""The catalogue of the simulated shop: products with price, cost and neighbours, stores with their stock.

The same for every seed, like the shelves of one real shop: the seed decides who comes, not what is sold.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rapport.world.goods import COMPANIONS, SHELVES, STORES, Shelf
from rapport.world.streams import digest_of

__all__ = ["CURRENCIES", "Catalogue", "Product", "Store", "the_catalogue"]

CURRENCIES: dict[str, float] = {"GBP": 1.0, "EUR": 1.17}
"""Currencies the shop sells in and what one pound is worth in each."""

_SIZES = {"Women": ("XS", "S", "M", "L", "XL"), "Men": ("S", "M", "L", "XL"), "Children": ("2-3", "4-5", "6-7", "8-9")}
_VAT = {
    "GB": (0.20, 0.0),
    "IE": (0.23, 0.0),
    "DE": (0.19, 0.07),
    "FR": (0.20, 0.055),
    "IT": (0.22, 0.10),
}
"""Standard and food rate of value added tax per country."""


@dataclass(frozen=True, slots=True)
class Store:
    """A shop in a street, with a till and a kiosk."""

    key: str
    city: str
    country: str

    @property
    def affiliation(self) -> str:
        """What its orders say in `affiliation`."""
        return f"Store {self.city}"


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """One thing that is sold. Prices include value added tax; costs do not."""

    index: int
    id: str
    sku: str
    name: str
    brand: str
    department: str
    category: str
    origin: str
    tags: tuple[str, ...]
    sizes: tuple[str, ...]
    price_minor: dict[str, int]
    cost_minor: dict[str, int]
    return_rate: float
    slug: str
    glyph: str
    cards: dict[str, dict[str, Any]]
    """Per currency the properties that a fact about this product carries. Shared: copy before changing."""

    @property
    def url(self) -> str:
        return f"/p/{self.slug}"

    def vat(self, country: str) -> float:
        """The rate of value added tax that the product's price includes in a country."""
        standard, food = _VAT[country]
        return food if self.department == "Food" and "gift" not in self.tags else standard

    def card(self, currency: str, **more: Any) -> dict[str, Any]:
        """The product as a fact states it, with anything more (quantity, position, cart)."""
        return {**self.cards[currency], **more}


class Catalogue:
    """All products and stores, with who stands next to whom."""

    def __init__(self) -> None:
        self.products: list[Product] = _read(SHELVES)
        self.stores: tuple[Store, ...] = tuple(Store(*row) for row in STORES)
        self.by_id = {product.id: product for product in self.products}
        self.by_slug = {product.slug: product for product in self.products}
        self.by_category: dict[str, list[Product]] = {}
        self._by_tag: dict[str, list[Product]] = {}
        for product in self.products:
            self.by_category.setdefault(product.category, []).append(product)
            for tag in product.tags:
                self._by_tag.setdefault(tag, []).append(product)
        self.similar: list[list[Product]] = [self._similar(product) for product in self.products]
        """Per product what people look at next: like it at the price, or of the same origin. Repeats weigh more."""
        self.companions: list[list[Product]] = [self._companions(product) for product in self.products]
        """Per product what people buy with it. Repeats weigh more; empty where nothing belongs to it."""
        self._level = self._levels()

    def price_level(self, product: Product) -> float:
        """Where the product's price stands in its category: -1 cheapest, 1 dearest."""
        return self._level[product.index]

    def stock(self, store: Store, product: Product, *, day: int) -> int:
        """Pieces of a product in a store on a day (days since 1970): runs down over two weeks, then is filled up."""
        if product.department == "Clothing" and digest_of("range", store.key, product.id) % 3 == 0:
            return 0
        full = 4 + digest_of("stock", store.key, product.id) % 30
        left = full - full * ((day + digest_of("cycle", store.key, product.id)) % 14) // 12
        return max(0, left)

    def stored(self, product: Product, *, day: int) -> int:
        """Pieces of a product in the warehouse on a day: never none, since this shop orders in time."""
        full = 40 + digest_of("stored", product.id) % 160
        return full - full * ((day + digest_of("delivered", product.id)) % 28) // 30

    def with_tag(self, tag: str) -> list[Product]:
        """All products that carry a tag, in shelf order."""
        return self._by_tag.get(tag, [])

    def _similar(self, product: Product) -> list[Product]:
        price = product.price_minor["GBP"]
        found: list[Product] = []
        for other in self.by_category[product.category]:
            if other is product:
                continue
            ratio = other.price_minor["GBP"] / price
            found += [other] * ((4 if 0.8 <= ratio <= 1.25 else 1) + (2 if other.origin == product.origin else 0))
        for other in self.products:
            same_land = other.department == product.department and other.origin == product.origin
            if same_land and other.category != product.category:
                found.append(other)
        return found

    def _companions(self, product: Product) -> list[Product]:
        found: list[Product] = []
        for tag in product.tags:
            for wanted in COMPANIONS.get(tag, ()):
                matches = [other for other in self._by_tag.get(wanted, ()) if other is not product]
                home = [other for other in matches if other.origin == product.origin]
                found += (matches + home * 2)[:14]
        return found

    def _levels(self) -> list[float]:
        level = [0.0] * len(self.products)
        for products in self.by_category.values():
            ordered = sorted(products, key=lambda p: p.price_minor["GBP"])
            for place, product in enumerate(ordered):
                level[product.index] = 2.0 * place / max(1, len(ordered) - 1) - 1.0
        return level


@lru_cache(maxsize=1)
def the_catalogue() -> Catalogue:
    """The one catalogue there is; built once a process."""
    return Catalogue()


def _read(shelves: tuple[Shelf, ...]) -> list[Product]:
    products: list[Product] = []
    for shelf in shelves:
        for line in shelf.rows.strip().splitlines():
            products.append(_product(len(products), shelf, [part.strip() for part in line.split(";")]))
    return products


def _product(index: int, shelf: Shelf, row: list[str]) -> Product:
    name, brand, pounds, origin, tags = row
    slug = _slug(f"{name} {brand}")
    price = {code: _price(round(float(pounds) * 100), code) for code in CURRENCIES}
    wobble = 0.92 + 0.16 * (digest_of("cost", slug) % 1000) / 1000
    cost = {
        code: round(float(pounds) * 100 * rate * shelf.cost_share * wobble / 1.2) for code, rate in CURRENCIES.items()
    }
    product_id = f"P{1000 + index}"
    sku = f"{shelf.category[:3].upper()}-{1000 + index}"
    return Product(
        index=index,
        id=product_id,
        sku=sku,
        name=name,
        brand=brand,
        department=shelf.department,
        category=shelf.category,
        origin=origin,
        tags=tuple(tags.split()),
        sizes=_SIZES.get(shelf.category, ()),
        price_minor=price,
        cost_minor=cost,
        return_rate=shelf.return_rate,
        slug=slug,
        glyph=shelf.glyph,
        cards={
            code: {
                "product_id": product_id,
                "sku": sku,
                "category": shelf.category,
                "name": name,
                "brand": brand,
                "price": price[code] / 100,
                "currency": code,
                "url": f"https://shop.example/p/{slug}",
            }
            for code in CURRENCIES
        },
    )


def _price(pence: int, currency: str) -> int:
    """The shelf price in a currency: converted prices end in 9, as shops write them."""
    if currency == "GBP":
        return pence
    return max(9, round(pence * CURRENCIES[currency] / 10) * 10 - 1)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
