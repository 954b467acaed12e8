"""A product, and what a search found, as the API and the console show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.catalog import entries, pricing, store
from rapport.capabilities.catalog.entry import Entry, Medium, Price, Relation, Variant, entry_of_product, price_at
from rapport.capabilities.catalog.finding import FoundProduct
from rapport.capabilities.catalog.model import Product
from rapport.capabilities.catalog.prices import LOOKED_BACK, PricePoint, reduction_of
from rapport.capabilities.catalog.searching import Found
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.ids import WorkspaceId

__all__ = [
    "AlikeShown",
    "FoundShown",
    "ProductAlike",
    "ProductFound",
    "ProductShown",
    "find_shown",
    "found_shown",
    "products_shown",
]

_FACET_VALUES = 50
_Points = Mapping[tuple[str, str, str], list[PricePoint]]


class PriceShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece costs in a market, in minor units of the currency."""

    market: str
    """Empty: wherever no market has a price of its own."""
    currency: str
    price_minor: int
    list_price_minor: int | None
    """The struck price that was stated."""
    since: str | None
    until: str | None
    reduced_at: str | None
    """Since when it is lower than it was; null where it last went up, or never changed."""
    prior_price_minor: int | None
    """The lowest price of the 30 days before the reduction (Directive 98/6/EC, article 6a); null without one."""
    reduction_may_be_announced: bool
    """Whether it is below that, so that it may be called a reduction."""


class VariantShown(msgspec.Struct, frozen=True, kw_only=True):
    """One size, colour or pack; of a product without any, the product itself, named by nothing."""

    variant: str
    name: str | None
    sku: str | None
    gtin: str | None
    url: str | None
    image_url: str | None
    attributes: dict[str, tuple[str, ...]]
    price: PriceShown | None
    """The one that holds in the market that was asked about."""
    prices: list[PriceShown]
    cost_minor: int | None
    margin_minor: int | None
    """Price less cost of a piece; null where one of them is unknown, or in another currency."""


class ProductShown(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a product."""

    product_id: str
    name: str | None
    description: str | None
    category: str | None
    categories: tuple[str, ...]
    brand: str | None
    seller: str | None
    url: str | None
    image_url: str | None
    media: tuple[Medium, ...]
    tags: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    currency: str | None
    price_minor: int | None
    """The lowest of its variants, now, in the market that was asked about."""
    cost_minor: int | None
    variants: list[VariantShown]
    relations: tuple[Relation, ...]
    visible: bool
    stated_at: str | None
    """When the shop stated it; null where all that is known comes from what shoppers looked at and bought."""
    last_seen_at: str | None


class ProductFound(msgspec.Struct, frozen=True, kw_only=True):
    """A product on a page of what was found. Prices are of its variants that pass the filters."""

    product_id: str
    name: str | None
    category: str | None
    brand: str | None
    url: str | None
    image_url: str | None
    currency: str | None
    price_low_minor: int | None
    price_high_minor: int | None
    variants: list[str]
    """Found by a code: the variants it is of. Else empty."""
    state: str = "unknown"
    """in_stock, sold_out or unknown, where it was asked about."""
    available: int | None = None


class FacetValue(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the products found have this value."""

    value: str
    products: int


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """What the products found can be narrowed by."""

    name: str
    values: list[FacetValue]


class PriceSpan(msgspec.Struct, frozen=True, kw_only=True):
    """From the cheapest to the dearest variant found, in one currency."""

    currency: str
    low_minor: int
    high_minor: int


class FoundShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. Every number counts products, whichever of their variants was meant."""

    products: list[ProductFound]
    total: int
    facets: list[Facet]
    prices: list[PriceSpan]
    corrected: dict[str, str]
    """Words nobody here uses, with those they were taken for."""
    complete: bool
    """False: no product has all the words; these have some."""


class ProductAlike(msgspec.Struct, frozen=True, kw_only=True):
    """A product with how much a picture of it looks like the photo."""

    product: ProductFound
    similarity: float
    """0 to 1."""


class AlikeShown(msgspec.Struct, frozen=True, kw_only=True):
    """Products that look like a photo, the most alike first; empty where no product has a picture."""

    products: list[ProductAlike]


def find_shown(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, now: int, market: str = ""
) -> ProductShown:
    """A product in full. Raises NotFound where neither the shop nor any fact has named it."""
    stated = entries.find_entries(conn, workspace, [product_id]).get(product_id)
    seen = store.find_products(conn, workspace, [product_id]).get(product_id)
    if stated is None and seen is None:
        raise NotFound(f"no product {product_id[:60]!r}", hint="GET /api/v1/products?query= finds them")
    entry, stated_at = stated or (entry_of_product(seen or Product(product_id=product_id)), 0)
    points = pricing.price_points(conn, workspace, product_id, since=now - 13 * LOOKED_BACK, now=now)
    return _shown(entry, seen, stated_at, points, now=now, market=market)


def _shown(
    entry: Entry, seen: Product | None, stated_at: int, points: _Points, *, now: int, market: str
) -> ProductShown:
    known = seen or Product(product_id=entry.product_id)
    cost, cost_currency = entry.cost_minor, entry.cost_currency
    if cost is None:
        cost, cost_currency = known.cost_minor, known.currency
    variants = [_variant(entry, one, (cost, cost_currency), points, now=now, market=market) for one in entry.pieces]
    cheapest = min((one.price for one in variants if one.price), key=lambda p: p.price_minor, default=None)
    picture = next((medium.url for medium in entry.media if medium.kind == "image"), known.image_url)
    return ProductShown(
        product_id=entry.product_id, name=entry.name or known.name, description=entry.description,
        category=entry.category or known.category, categories=entry.categories, brand=entry.brand or known.brand,
        seller=entry.seller, url=entry.url or known.url, image_url=picture, media=entry.media, tags=entry.tags,
        attributes=entry.attributes, currency=cheapest.currency if cheapest else None,
        price_minor=cheapest.price_minor if cheapest else None, cost_minor=cost, variants=variants,
        relations=entry.relations, visible=entry.visible, stated_at=to_iso(stated_at) if stated_at else None,
        last_seen_at=to_iso(known.last_seen_at) if known.last_seen_at else None,
    )  # fmt: skip


def _variant(
    entry: Entry, one: Variant, cost_of_all: tuple[int | None, str | None], points: _Points, *, now: int, market: str
) -> VariantShown:
    prices = entry.prices_of(one)
    holds = price_at(prices, now=now, market=market)
    cost, currency = (one.cost_minor, entry.cost_currency) if one.cost_minor is not None else cost_of_all
    has_margin = holds is not None and cost is not None and currency in (None, holds.currency)
    return VariantShown(
        variant=one.variant, name=one.name, sku=one.sku, gtin=one.gtin, url=one.url, image_url=one.image_url,
        attributes=one.attributes, price=_price(holds, one.variant, points) if holds else None,
        prices=[_price(price, one.variant, points) for price in prices], cost_minor=cost,
        margin_minor=holds.price_minor - cost if has_margin and holds and cost is not None else None,
    )  # fmt: skip


def _price(price: Price, variant: str, points: _Points) -> PriceShown:
    reduction = reduction_of(points.get((variant, price.market, price.currency), ()))
    if reduction is not None and reduction.price_minor != price.price_minor:
        reduction = None  # it is of another price of that market, at another time
    return PriceShown(
        market=price.market, currency=price.currency, price_minor=price.price_minor, list_price_minor=price.list_minor,
        since=to_iso(price.since) if price.since else None, until=to_iso(price.until) if price.until else None,
        reduced_at=to_iso(reduction.since) if reduction else None,
        prior_price_minor=reduction.prior_minor if reduction else None,
        reduction_may_be_announced=reduction is not None and reduction.may_be_announced,
    )  # fmt: skip


def found_shown(conn: Connection, workspace: WorkspaceId, found: Found) -> FoundShown:
    """What was found, with what is needed to show it."""
    known = entries.find_entries(conn, workspace, [one.product_id for one in found.products])
    shown = [_found(one, known[one.product_id][0], found.variants.get(one.product_id, [])) for one in found.products]
    spans = [PriceSpan(currency=currency, low_minor=low, high_minor=high) for currency, low, high in found.spans]
    return FoundShown(
        products=shown, total=found.total, facets=_facets(found.facets), prices=spans, corrected=found.corrected,
        complete=found.complete,
    )  # fmt: skip


def products_shown(
    conn: Connection, workspace: WorkspaceId, product_ids: Sequence[str], *, now: int
) -> list[ProductFound]:
    """These products as a search shows them, in this order; of those that are not in the catalogue the id alone."""
    known = entries.find_entries(conn, workspace, product_ids)
    return [
        _found(FoundProduct(one, *_span(entry, now)), entry, [])
        for one in product_ids
        for entry in (known[one][0] if one in known else Entry(product_id=one),)
    ]


def _span(entry: Entry, now: int) -> tuple[str | None, int | None, int | None]:
    found = [price for piece in entry.pieces if (price := price_at(entry.prices_of(piece), now=now))]
    prices = [price.price_minor for price in found]
    return (found[0].currency, min(prices), max(prices)) if found else (None, None, None)


def _found(one: FoundProduct, entry: Entry, variants: list[str]) -> ProductFound:
    image = next((medium.url for medium in entry.media if medium.kind == "image"), None)
    return ProductFound(
        product_id=one.product_id, name=entry.name, category=entry.category, brand=entry.brand, url=entry.url,
        image_url=image, currency=one.currency, price_low_minor=one.price_low, price_high_minor=one.price_high,
        variants=variants,
    )  # fmt: skip


def _facets(counted: Sequence[tuple[str, str, int]]) -> list[Facet]:
    by_name: dict[str, list[FacetValue]] = {}
    for name, value, products in counted:
        values = by_name.setdefault(name, [])
        if len(values) < _FACET_VALUES:
            values.append(FacetValue(value=value, products=products))
    return [Facet(name=name, values=values) for name, values in by_name.items()]
