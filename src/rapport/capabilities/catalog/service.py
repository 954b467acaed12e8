"""What the catalogue says to decisions about products: which are known, and how each looks when shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from rapport.capabilities.catalog.store import find_products
from rapport.decide.model import Ask, Candidate
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection

__all__ = ["details", "unknown"]

_SHOWN = ("name", "category", "brand", "price_minor", "currency", "url", "image_url")


def unknown(conn: Connection, ask: Ask, candidates: Sequence[Candidate]) -> set[str]:
    """Products that no fact ever described."""
    ids = {candidate.item_id for candidate in candidates}
    return ids - find_products(conn, ask.workspace, ids).keys()


def details(conn: Connection, workspace: WorkspaceId, item_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """What a storefront needs to draw these products, as far as it is known."""
    found = find_products(conn, workspace, item_ids)
    return {product_id: _shown(msgspec.structs.asdict(product)) for product_id, product in found.items()}


def _shown(product: Mapping[str, Any]) -> dict[str, Any]:
    return {name: product[name] for name in _SHOWN if product[name] is not None}
