"""The catalogue's part of a worker's batch: what facts say of products, what the shop states, what is found by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rapport.capabilities.catalog import entries, pricing, store
from rapport.capabilities.catalog.entry import entry_of_product
from rapport.capabilities.catalog.market_prices import market_prices_of, save_market_prices, statement_of_market
from rapport.capabilities.catalog.model import Description, describe, newest, once
from rapport.capabilities.catalog.pictures import pictured_of, save_pictures
from rapport.capabilities.catalog.stating import (
    MARKET_PRICES,
    PRODUCT_PICTURED,
    PRODUCT_STATED,
    PRODUCT_WITHDRAWN,
    Statement,
    statement_of,
)
from rapport.capabilities.catalog.voices import BROWSERS, SHOP, STATED, Voices, description_of, save_hosts
from rapport.decide.people import reading_settings
from rapport.kernel.clock import HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Seen, Work
from rapport.remember.inputs import ReadingSettings

__all__ = ["Describing"]

_SEEN = (
    "Product Viewed", "Product Clicked", "Product Added", "Product Removed", "Product List Viewed",
    "Product List Filtered", "Cart Viewed", "Checkout Started", "Order Completed", "Order Updated",
    "Product Added to Wishlist", "Wishlist Product Added to Cart",
)  # fmt: skip
_STATED = (PRODUCT_STATED, PRODUCT_WITHDRAWN)
_REMEMBERED = 50_000
_Key = tuple[WorkspaceId, str]
_Note = tuple[WorkspaceId, Fact]


class Describing(BatchStage[_Note]):
    """Joins what a batch says of products, by who says it, and writes what is new of it."""

    def __init__(self) -> None:
        super().__init__((*_SEEN, *_STATED, PRODUCT_PICTURED, MARKET_PRICES), read=_read, write=self._save)
        self._written: dict[tuple[int, _Key], Description] = {}
        self._voices = Voices()

    def abandon(self) -> None:
        super().abandon()
        self._written.clear()

    def _save(self, conn: Connection, work: Work, notes: Sequence[_Note], now: int) -> None:
        settings = {ws: work.known(conn, ws, reading_settings) for ws in {ws for ws, _ in notes}}
        stated = [
            statement
            for ws, fact in notes
            if fact.name in _STATED and (statement := statement_of(ws, fact, settings[ws])) is not None
        ]
        told = self._told(conn, notes, settings, now) | {STATED: _latest(stated)}
        before = self._written
        fresh = {voice: {key: one for key, one in of_voice.items() if self._is_news(voice, key, one)}
                 for voice, of_voice in told.items()}  # fmt: skip
        store.save(conn, fresh)
        other = {key for voice, of_voice in fresh.items() for key, description in of_voice.items()
                 if _says_more(before.get((voice, key)), description)}  # fmt: skip
        save_hosts(conn, fresh[SHOP].values(), stated)
        of_markets = [
            one
            for ws, fact in notes
            if fact.name == MARKET_PRICES and (one := market_prices_of(ws, fact, settings[ws])) is not None
        ]
        entries.save_stated(conn, stated)
        pricing.save_prices(conn, [*stated, *(statement_of_market(one) for one in of_markets)])
        _describe(conn, other)
        save_market_prices(conn, of_markets)
        touched = {*other, *((one.workspace, one.entry.product_id) for one in stated), *(one[:2] for one in of_markets)}
        entries.lay_markets_over(conn, touched)
        pictured = (pictured_of(ws, fact) for ws, fact in notes if fact.name == PRODUCT_PICTURED)
        save_pictures(conn, [one for one in pictured if one is not None])
        entries.index_changed(conn, touched)
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        self._written.update(((voice, key), one) for voice, of_voice in fresh.items() for key, one in of_voice.items())

    def _told(
        self, conn: Connection, notes: Sequence[_Note], settings: Mapping[WorkspaceId, ReadingSettings], now: int
    ) -> dict[int, dict[_Key, Description]]:
        """What servers and browsers say, each by itself; what a thing costs the shop, no browser says."""
        said: dict[int, list[_Note]] = {SHOP: [], BROWSERS: []}
        for ws, fact in notes:
            if fact.name in _SEEN:
                said[self._voices.of(conn, ws, fact.source, now)].append((ws, fact))
        told = {voice: newest(one for ws, fact in once(some) for one in describe(ws, fact, settings[ws]))
                for voice, some in said.items()}  # fmt: skip
        told[BROWSERS] = {key: one._replace(cost_minor=None) for key, one in told[BROWSERS].items()}
        return told

    def _is_news(self, voice: int, key: _Key, description: Description) -> bool:
        """Whether it changes more than when the product was last seen, or that by an hour."""
        written = self._written.get((voice, key))
        return _says_more(written, description) or description[-2] - written[-2] >= HOUR  # type: ignore[index]  # says more


def _latest(stated: Iterable[Statement]) -> dict[_Key, Description]:
    shown = (description_of(one) for one in stated if one.entry.visible)
    return {(one.workspace, one.product_id): one for one in sorted(shown, key=lambda one: one[-2:])}


def _says_more(written: Description | None, description: Description) -> bool:
    return written is None or written[:-2] != description[:-2]


def _describe(conn: Connection, keys: Iterable[_Key]) -> None:
    """Whatever is known of these products by now is what is found of them, unless the shop states it."""
    of_shop: dict[WorkspaceId, list[str]] = {}
    for workspace, product_id in keys:
        of_shop.setdefault(workspace, []).append(product_id)
    known = [
        (workspace, entry_of_product(product))
        for workspace, ids in of_shop.items()
        for product in store.find_said(conn, workspace, ids).values()
    ]
    entries.save_described(conn, known)


def _read(seen: Seen) -> _Note | None:
    if seen.fact.name in (*_STATED, PRODUCT_PICTURED, MARKET_PRICES) and seen.strand != shop_key(seen.workspace):
        return None  # it came before anybody knew that it is about the shop, from whomever
    return seen.workspace, seen.fact
