"""All that is known of a product, asked of the slices that know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.catalog import FoundShown, ProductShown, Question, find, find_products, find_shown
from rapport.capabilities.fit import FitShown, buyers_of, fit_of
from rapport.capabilities.merchandising import Rule, rules_about
from rapport.capabilities.recommendations import ProductCounts, counts_of, neighbours_of
from rapport.capabilities.supply import ProductShown as StockShown
from rapport.capabilities.supply import product_shown
from rapport.decide.people import names_by_strand, roots_of
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext
from rapport.remember.membership import names_by_root

__all__ = ["Buyer", "ProductPage", "find_page", "search_page"]

PAGE = 30
_BUYERS = 200
_NAMED = 8
_WITH = 6
_SEGMENTS = 6


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who bought it."""

    strand: Key
    name: str
    at: int


class ProductPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a product shows."""

    product: ProductShown
    stock: StockShown
    counts: ProductCounts
    fit: FitShown
    rules: list[Rule]
    """Of merchandising, that are about it."""
    together: list[tuple[str, str, int, int]]
    """What it is met with most: id, name, in how many visits, in how many orders."""
    buyers: list[Buyer]
    """The latest; empty for who may not see customers."""
    looked_at: int
    """Of so many of the latest buyers the segments are counted."""
    segments: list[tuple[str, int]]
    """In which of them most of those buyers are."""


def search_page(
    conn: Connection, workspace: WorkspaceId, query: str, *, sort: Any, page: int, now: int
) -> tuple[FoundShown, dict[str, ProductCounts]]:
    """A page of what is found, with what became of each product."""
    question = Question(query=query, sort=sort, limit=PAGE, offset=(page - 1) * PAGE)
    found = find(conn, workspace, question, now=now)
    return found, counts_of(conn, workspace, [one.product_id for one in found.products])


def find_page(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, sees_people: bool, now: int
) -> ProductPage:  # fmt: skip
    """All of one product. Some two dozen bounded statements. Raises NotFound."""
    product = find_shown(conn, workspace, product_id, now=now)
    with_it = neighbours_of(conn, workspace, product_id, limit=_WITH)
    names = find_products(conn, workspace, [one.product_id for one in with_it])
    buyers = buyers_of(conn, workspace, product_id, limit=_BUYERS) if sees_people else []
    return ProductPage(
        product=product, stock=product_shown(conn, workspace, product_id, now=now),
        counts=counts_of(conn, workspace, [product_id]).get(product_id, ProductCounts()),
        fit=fit_of(conn, workspace, product_id, strands=None, now=now),
        rules=rules_about(conn, workspace, product_id, category=product.category or "", brand=product.brand or ""),
        together=[
            (one.product_id, (known.name if (known := names.get(one.product_id)) else None) or one.product_id,
             one.viewed, one.bought)
            for one in with_it
        ],
        buyers=_named(conn, workspace, buyers[:_NAMED]), looked_at=len(buyers),
        segments=_segments(conn, workspace, [strand for strand, _ in buyers]),
    )  # fmt: skip


def _named(conn: Connection, workspace: WorkspaceId, buyers: Sequence[tuple[Key, int]]) -> list[Buyer]:
    names = names_by_strand(conn, workspace, {strand for strand, _ in buyers})
    return [
        Buyer(strand=strand, name=names.get(strand) or gettext("Customer without a name"), at=at)
        for strand, at in buyers
    ]


def _segments(conn: Connection, workspace: WorkspaceId, strands: Sequence[Key]) -> list[tuple[str, int]]:
    """Segments by how many of these people are in them."""
    roots = set(roots_of(conn, workspace, strands).values())
    within = names_by_root(conn, workspace, roots)
    return Counter(name for names in within.values() for name in names).most_common(_SEGMENTS)
