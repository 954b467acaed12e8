"""What is remembered of a customer's taste: products looked at and searched for, categories, brands, prices, wishes."""

from __future__ import annotations

from typing import Any

from rapport.kernel.clock import to_iso
from rapport.kernel.mergeable import Count, Decayed, Distinct, Histogram, KeyedLatest, Stamp
from rapport.remember import inputs
from rapport.remember.registry import Part, Trait, shares, yes

__all__ = ["PARTS", "TRAITS"]

_VIEWED = ("Product Viewed",)
_LIKED = ("Product Viewed", "Product Clicked", "Product List Viewed", "Product Added", "Order Completed")
_PRODUCT = ("properties.product_id", "properties.sku")

PARTS: tuple[Part, ...] = (
    Part(name="product_views", kind=Count(), take=yes, on=_VIEWED),
    Part(name="products_viewed", kind=Distinct(), take=inputs.product_named, on=_VIEWED, reads=_PRODUCT),
    Part(
        name="searches", kind=KeyedLatest(limit=20), take=inputs.search, on=("Products Searched",),
        reads=("properties.query",),
    ),
    Part(
        name="recent_products", kind=KeyedLatest(limit=20), take=inputs.product_seen, on=_VIEWED,
        reads=(*_PRODUCT, "properties.name", "properties.price", "properties.currency"),
    ),
    Part(
        name="categories", kind=Decayed(), take=inputs.categories, on=_LIKED,
        reads=("properties.category", "properties.products[].category"),
    ),
    Part(
        name="brands", kind=Decayed(), take=inputs.brands, on=_LIKED,
        reads=("properties.brand", "properties.products[].brand"),
    ),
    Part(
        name="price_band", kind=Histogram(), take=inputs.price, on=("Product Viewed", "Product Added"),
        reads=("properties.price", "properties.currency"),
    ),
    Part(
        name="wish_list", kind=KeyedLatest(limit=100), take=inputs.wish,
        on=("Product Added to Wishlist", "Product Removed from Wishlist"), reads=(*_PRODUCT, "properties.name"),
    ),
)  # fmt: skip


def _products(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [
        {"product_id": product, "name": seen[0], "price_minor": seen[1], "currency": seen[2], "seen_at": to_iso(at)}
        for product, seen, at in value
    ], stamp


def _wishes(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    wished = [
        {"product_id": product, "name": kept[0], "added_at": to_iso(at)}
        for product, kept, at in value
        if kept is not None
    ]
    return wished or None, stamp


def _searches(value: list[tuple[str, Any, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    return [{"query": query, "searched_at": to_iso(at)} for query, _, at in value], stamp


def _bands(value: dict[str, tuple[int, int, int]], stamp: Stamp, now: int) -> tuple[Any, Stamp | None]:
    named = {currency: dict(zip(("low", "middle", "high"), band, strict=True)) for currency, band in value.items()}
    return named, stamp


TRAITS: tuple[Trait, ...] = (
    Trait(name="product_views", title="Product views", type="integer", part="product_views",
          rule="Number of times a product was looked at."),
    Trait(name="products_viewed", title="Products viewed", type="integer", part="products_viewed",
          rule="Number of different products looked at; an estimate above 255."),
    Trait(name="recent_products", title="Recently viewed", type="list", part="recent_products", pick=_products,
          rule="The 20 products looked at last."),
    Trait(name="categories", title="Favourite categories", type="list", part="categories", pick=shares,
          rule="Views count 1, adds 3, purchases 5; the weight halves every 8 weeks."),
    Trait(name="brands", title="Favourite brands", type="list", part="brands", pick=shares,
          rule="Views count 1, adds 3, purchases 5; the weight halves every 8 weeks."),
    Trait(name="price_band", title="Price band", type="object", part="price_band", pick=_bands,
          rule="A quarter, a half and three quarters of the prices viewed or added lie below these amounts."),
    Trait(name="wish_list", title="Wish list", type="list", part="wish_list", pick=_wishes,
          rule="Products put on the wish list and not taken off."),
    Trait(name="searches", title="Searches", type="list", part="searches", pick=_searches,
          rule="The 20 texts searched for last."),
)  # fmt: skip
