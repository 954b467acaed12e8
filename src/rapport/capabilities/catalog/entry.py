"""A product as the shop states it: its variants, prices, media, attributes, relations. Nouns alone, no I/O.

Money is in minor units of the price's own currency. What nobody stated is None or empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from rapport.capabilities.catalog.model import Product

__all__ = [
    "Entry",
    "Medium",
    "Price",
    "Relation",
    "Variant",
    "changes_of",
    "entry_of_product",
    "price_at",
    "sale_of",
]

MediumKind = Literal["image", "video", "model"]


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a piece costs in one market, from one time to another."""

    currency: str
    price_minor: int
    list_minor: int | None = None
    """The struck price, where the shop states one."""
    market: str = ""
    """Empty: every market that has no price of its own."""
    since: int | None = None
    until: int | None = None


class Medium(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A picture, a film or a body to turn around."""

    url: str
    kind: MediumKind = "image"
    alt: str = ""


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """Another product that belongs to this one: `accessory`, `replacement`, `spare_part`, `set`, `similar` …"""

    kind: str
    product_id: str


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One size, colour or pack of a product."""

    variant: str
    name: str | None = None
    sku: str | None = None
    gtin: str | None = None
    url: str | None = None
    image_url: str | None = None
    attributes: dict[str, tuple[str, ...]] = {}
    prices: tuple[Price, ...] = ()
    cost_minor: int | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One product of the catalogue."""

    product_id: str
    name: str | None = None
    description: str | None = None
    category: str | None = None
    """The one it is shown under; `categories` are all of them."""
    categories: tuple[str, ...] = ()
    brand: str | None = None
    seller: str | None = None
    url: str | None = None
    media: tuple[Medium, ...] = ()
    tags: tuple[str, ...] = ()
    attributes: dict[str, tuple[str, ...]] = {}
    sku: str | None = None
    gtin: str | None = None
    prices: tuple[Price, ...] = ()
    cost_minor: int | None = None
    cost_currency: str | None = None
    variants: tuple[Variant, ...] = ()
    relations: tuple[Relation, ...] = ()
    visible: bool = True
    """False: withdrawn, shown and found nowhere."""

    @property
    def pieces(self) -> tuple[Variant, ...]:
        """What can be bought: its variants, or itself as the only one, named by nothing."""
        if self.variants:
            return self.variants
        return (Variant(variant="", sku=self.sku, gtin=self.gtin, prices=self.prices, cost_minor=self.cost_minor),)

    def prices_of(self, variant: Variant) -> tuple[Price, ...]:
        """A variant's own prices, or else the product's."""
        return variant.prices or self.prices


def entry_of_product(product: Product) -> Entry:
    """What facts of shoppers and orders say of a product that nobody stated."""
    prices: tuple[Price, ...] = ()
    if product.price_minor is not None and product.currency:
        prices = (Price(currency=product.currency, price_minor=product.price_minor),)
    return Entry(
        product_id=product.product_id, name=product.name, category=product.category, brand=product.brand,
        url=product.url, media=(Medium(url=product.image_url),) if product.image_url else (), prices=prices,
        cost_minor=product.cost_minor, cost_currency=product.currency if product.cost_minor is not None else None,
    )  # fmt: skip


def price_at(prices: tuple[Price, ...], *, now: int, market: str = "") -> Price | None:
    """The price that holds: the market's own before the one of all, a limited one before one that always holds."""
    holding = [
        price
        for price in prices
        if price.market in ("", market) and (price.since or 0) <= now and (price.until is None or now < price.until)
    ]
    if not holding:
        return None
    return max(holding, key=lambda p: (bool(p.market), p.since or 0, p.until is not None, -p.price_minor))


def changes_of(prices: Iterable[Price]) -> list[int]:
    """The moments at which another of these prices may hold."""
    return sorted({at for price in prices for at in (price.since, price.until) if at is not None})


def sale_of(said: Mapping[str, object]) -> tuple[object, object]:
    """Price and struck price of what states a `sale_price` beside its `price`, as feeds do, or a `list_price`."""
    if said.get("sale_price") not in (None, ""):
        return said["sale_price"], said.get("price")
    return said.get("price"), said.get("list_price", said.get("compare_at_price"))
