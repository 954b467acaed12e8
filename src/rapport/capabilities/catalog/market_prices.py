"""Prices that a market's own feed states: they hold in that market before those that the product states of itself.

A shop has a feed for each market, and each says all products with the prices of one. The product stays as its own
statement has it; of each market the latest feed's word is kept beside it and laid over its prices, in whatever order
they come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table

from rapport.capabilities.catalog.entry import Entry, Price, Variant
from rapport.capabilities.catalog.stating import Statement, prices_stated
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText
from rapport.storage.lookup import select_among

__all__ = [
    "MarketPrices", "find_market_prices", "market_prices", "market_prices_of", "save_market_prices",
    "statement_of_market", "with_markets",
]  # fmt: skip

market_prices = Table(
    "catalog_market_prices", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True), Column("market", CText, primary_key=True),
    Column("body", LargeBinary, nullable=False), Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
)  # fmt: skip
"""`body`: prices by variant, of the product itself under the empty name, as JSON."""

ByVariant = dict[str, tuple[Price, ...]]
_decode = msgspec.json.Decoder(ByVariant).decode


class MarketPrices(NamedTuple):
    """What a product costs in a market, as its feed says."""

    workspace: WorkspaceId
    product_id: str
    market: str
    by_variant: ByVariant
    stated_at: int
    fact: str


def market_prices_of(workspace: WorkspaceId, fact: Fact, settings: ReadingSettings) -> MarketPrices | None:
    """What a fact states; None where it names no product or no market."""
    said = fact.properties
    product_id, market = inputs.product_id(said), inputs.text(said.get("market"), 40)
    if product_id is None or not market:
        return None
    found = {
        variant: tuple(msgspec.structs.replace(price, market=market) for price in prices)
        for variant, prices in prices_stated(said, inputs.currency(said, settings)).items()
        if prices
    }
    return MarketPrices(workspace, product_id, market, found, fact.occurred_at, fact.id)


def save_market_prices(conn: Connection, stated: Iterable[MarketPrices]) -> None:
    """Keep the latest word on each product and market."""
    latest: dict[tuple[Any, ...], MarketPrices] = {}
    for one in sorted(stated, key=lambda one: (one.stated_at, one.fact)):
        latest[one[:3]] = one
    rows = [
        {"workspace": one.workspace, "product_id": one.product_id, "market": one.market,
         "body": msgspec.json.encode(one.by_variant), "stated_at": one.stated_at, "fact": one.fact}
        for _, one in sorted(latest.items())
    ]  # fmt: skip
    newer = "(excluded.stated_at, excluded.fact) > (catalog_market_prices.stated_at, catalog_market_prices.fact)"
    key = ("workspace", "product_id", "market")
    upsert(conn, market_prices, rows, key=key, update=("body", "stated_at", "fact"), where=newer)


def statement_of_market(said: MarketPrices) -> Statement:
    """What was said, as the statement of a product that has these prices alone: for the record of what cost when."""
    variants = tuple(Variant(variant=name, prices=prices) for name, prices in said.by_variant.items() if name)
    entry = Entry(product_id=said.product_id, prices=said.by_variant.get("", ()), variants=variants)
    return Statement(said.workspace, entry, said.stated_at, said.fact)


def find_market_prices(
    conn: Connection, workspace: WorkspaceId, product_ids: Collection[str]
) -> dict[str, dict[str, ByVariant]]:
    """By product and market; products without any are missing. Of a market whose last word names no price it is empty:
    there the product costs what it does anywhere. One statement for 500.
    """
    c = market_prices.c
    found: dict[str, dict[str, ByVariant]] = {}
    query = sa.select(c.product_id, c.market, c.body)
    for row in select_among(conn, query, workspace, c.product_id, dict.fromkeys(product_ids)):
        found.setdefault(row[0], {})[row[1]] = _decode(bytes(row[2]))
    return found


def with_markets(entry: Entry, by_market: Mapping[str, ByVariant]) -> Entry:
    """The product with these markets' own prices in the place of what it says of them itself."""
    own = tuple(price for price in entry.prices if price.market not in by_market)
    shared = tuple(price for said in by_market.values() for price in said.get("", ()))
    variants = []
    for variant in entry.variants:
        kept = tuple(price for price in entry.prices_of(variant) if price.market not in by_market)
        told = tuple(price for said in by_market.values() for price in said.get(variant.variant, said.get("", ())))
        is_its_own = bool(variant.prices) or any(variant.variant in said for said in by_market.values())
        variants.append(msgspec.structs.replace(variant, prices=kept + told if is_its_own else ()))
    return msgspec.structs.replace(entry, prices=own + shared, variants=tuple(variants))
