"""The catalogue's part of a worker's batch: what facts say of products, what the shop states, what is found by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapport.capabilities.catalog import entries, store
from rapport.capabilities.catalog.entry import entry_of_product
from rapport.capabilities.catalog.model import Description, describe, newest, once
from rapport.capabilities.catalog.pictures import pictured_of, save_pictures
from rapport.capabilities.catalog.stating import (
    PRODUCT_PICTURED,
    PRODUCT_STATED,
    PRODUCT_WITHDRAWN,
    statement_of,
)
from rapport.decide.people import reading_settings
from rapport.kernel.clock import HOUR
from rapport.kernel.facts import Fact
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import BatchStage, Connection, Seen, Work

__all__ = ["Describing"]

_SEEN = (
    "Product Viewed", "Product Clicked", "Product Added", "Product Removed", "Product List Viewed",
    "Product List Filtered", "Cart Viewed", "Checkout Started", "Order Completed", "Order Updated",
    "Product Added to Wishlist", "Wishlist Product Added to Cart",
)  # fmt: skip
_STATED = (PRODUCT_STATED, PRODUCT_WITHDRAWN)
_REMEMBERED = 50_000
_Key = tuple[WorkspaceId, str]


class Describing(BatchStage[tuple[WorkspaceId, Fact]]):
    """Joins what a batch says of products and writes what is new of it."""

    def __init__(self) -> None:
        super().__init__((*_SEEN, *_STATED, PRODUCT_PICTURED), read=_read, write=self._save)
        self._written: dict[_Key, Description] = {}

    def abandon(self) -> None:
        super().abandon()
        self._written.clear()

    def _save(self, conn: Connection, work: Work, notes: Sequence[tuple[WorkspaceId, Fact]], now: int) -> None:
        settings = {ws: work.known(conn, ws, reading_settings) for ws in {ws for ws, _ in notes}}
        said = [note for note in notes if note[1].name not in (PRODUCT_WITHDRAWN, PRODUCT_PICTURED)]
        told = [description for ws, fact in once(said) for description in describe(ws, fact, settings[ws])]
        before = self._written
        fresh = {key: description for key, description in newest(told).items() if self._is_news(key, description)}
        store.save(conn, fresh.values())
        other = [key for key, description in fresh.items() if _says_more(before.get(key), description)]
        stated = [
            statement
            for ws, fact in notes
            if fact.name in _STATED and (statement := statement_of(ws, fact, settings[ws])) is not None
        ]
        entries.save_stated(conn, stated)
        entries.save_prices(conn, stated)
        _describe(conn, other)
        pictured = (pictured_of(ws, fact) for ws, fact in notes if fact.name == PRODUCT_PICTURED)
        save_pictures(conn, [one for one in pictured if one is not None])
        entries.index_changed(conn, {*other, *((one.workspace, one.entry.product_id) for one in stated)})
        if len(self._written) > _REMEMBERED:
            self._written.clear()
        self._written.update(fresh)

    def _is_news(self, key: _Key, description: Description) -> bool:
        """Whether it changes more than when the product was last seen, or that by an hour."""
        written = self._written.get(key)
        return _says_more(written, description) or description[-2] - written[-2] >= HOUR  # type: ignore[index]  # says more


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
        for product in store.find_products(conn, workspace, ids).values()
    ]
    entries.save_described(conn, known)


def _read(seen: Seen) -> tuple[WorkspaceId, Fact] | None:
    if seen.fact.name in (*_STATED, PRODUCT_PICTURED) and seen.strand != shop_key(seen.workspace):
        return None  # it came before anybody knew that it is about the shop, from whomever
    return seen.workspace, seen.fact
