"""What the catalogue answers: to decisions which products are known and how each looks, and to whoever searches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.catalog.entries import find_entries, shown_among
from rapport.capabilities.catalog.entry import Entry, price_at
from rapport.capabilities.catalog.pictures import alike
from rapport.capabilities.catalog.searching import Question, search
from rapport.capabilities.catalog.settings import CATALOG_SETTINGS, synonyms_of
from rapport.capabilities.catalog.shown import (
    AlikeShown,
    FoundShown,
    ProductAlike,
    ProductFound,
    found_shown,
    products_shown,
)
from rapport.capabilities.catalog.store import find_products
from rapport.capabilities.supply import availability
from rapport.decide.model import Ask, Candidate
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage import settings

__all__ = ["Offer", "details", "find", "find_alike", "offers_of", "unknown"]

_SHOWN = ("name", "category", "brand", "price_minor", "currency", "url", "image_url")


def unknown(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """Products that no fact ever described, and those that the shop has withdrawn."""
    ids = {candidate.item_id for candidate in candidates}
    return ids - shown_among(conn, ask.workspace, ids)


def details(
    conn: Connection, workspace: WorkspaceId, item_ids: Collection[str], context: Mapping[str, Any], now: int
) -> Mapping[str, Mapping[str, Any]]:
    """What a storefront needs to draw these products, as far as it is known: as the shop states them, else as facts do.

    The price is that of `context.market`, in `context.currency` where one is asked for, or else there is none.
    """
    seen, stated = find_products(conn, workspace, item_ids), find_entries(conn, workspace, item_ids)
    found = {product_id: msgspec.structs.asdict(product) for product_id, product in seen.items()}
    for product_id, (entry, stated_at) in stated.items():
        if stated_at:
            found.setdefault(product_id, {}).update(_as_stated(entry, context, now))
    currency = str(context.get("currency") or "").upper()
    for product in found.values():
        if currency and product.get("currency") != currency:
            product["price_minor"] = product["currency"] = None
    return {product_id: _shown(product) for product_id, product in found.items()}


def _as_stated(entry: Entry, context: Mapping[str, Any], now: int) -> dict[str, Any]:
    market, currency = (str(context.get(name) or "") for name in ("market", "currency"))
    holding = [
        price_at(tuple(p for p in entry.prices_of(one) if not currency or p.currency == currency.upper()),
                 now=now, market=market)
        for one in entry.pieces
    ]  # fmt: skip
    cheapest = min((price for price in holding if price), key=lambda price: price.price_minor, default=None)
    said = {
        "name": entry.name, "category": entry.category, "brand": entry.brand, "url": entry.url,
        "image_url": next((medium.url for medium in entry.media if medium.kind == "image"), None),
    }  # fmt: skip
    known: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if any(entry.prices_of(one) for one in entry.pieces):  # then what browsers said of the price is no price
        known |= {"price_minor": cheapest and cheapest.price_minor, "currency": cheapest and cheapest.currency}
    return known


class Offer(NamedTuple):
    """What a product costs whoever buys it, and the shop. Minor units of `currency`."""

    price_minor: int | None
    cost_minor: int | None
    currency: str | None


def offers_of(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str], *, now: int
) -> dict[str, Offer]:  # fmt: skip
    """Price and cost of each product everywhere, as the shop states them, else as facts do. Some statements for 500."""
    seen, stated = find_products(conn, workspace, product_ids), find_entries(conn, workspace, product_ids)
    found = {one: Offer(it.price_minor, it.cost_minor, it.currency) for one, it in seen.items()}
    for product_id, (entry, stated_at) in stated.items():
        if not stated_at:
            continue
        told, known = _as_stated(entry, {}, now), found.get(product_id, Offer(None, None, None))
        price, currency = told.get("price_minor", known.price_minor), told.get("currency", known.currency)
        is_same = entry.cost_currency is None or entry.cost_currency == currency
        costs = [one.cost_minor for one in entry.pieces if one.cost_minor is not None]
        cost = max(costs) if costs and is_same else known.cost_minor if known.currency == currency else None
        found[product_id] = Offer(price, cost, currency)
    return found


def find(
    conn: Connection, workspace: WorkspaceId, question: Question, *, now: int, location: str = "", market: str = ""
) -> FoundShown:
    """What fits a question, each product with whether it can be had: collected at `location`, else sent to `market`."""
    synonyms = synonyms_of(settings.load(conn, workspace, CATALOG_SETTINGS).value)
    found = search(conn, workspace, question, now=now, market=market, synonyms=synonyms)
    shown = found_shown(conn, workspace, found)
    products = _with_stock(conn, workspace, shown.products, now=now, location=location, market=market)
    return msgspec.structs.replace(shown, products=products)


def find_alike(conn: Connection, workspace: WorkspaceId, look: bytes, *, limit: int, now: int) -> AlikeShown:
    """The products whose pictures look most like a photo's look."""
    found = alike(conn, workspace, look, limit=limit)
    shown = products_shown(conn, workspace, [one for one, _ in found], now=now)
    products = _with_stock(conn, workspace, shown, now=now)
    much = dict(found)
    return AlikeShown(
        products=[ProductAlike(product=one, similarity=much[one.product_id]) for one in products],
    )


def _with_stock(
    conn: Connection, workspace: WorkspaceId, products: Sequence[ProductFound], *, now: int, location: str = "",
    market: str = "",
) -> list[ProductFound]:  # fmt: skip
    ids = [one.product_id for one in products]
    had = availability(conn, workspace, ids, now=now, location=location, market=market)
    return [
        msgspec.structs.replace(one, state=had[one.product_id].state, available=had[one.product_id].available)
        for one in products
    ]


def _shown(product: Mapping[str, Any]) -> dict[str, Any]:
    return {name: product[name] for name in _SHOWN if product.get(name) is not None}
