"""All that is known of a product, asked of the slices that know it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.catalog import FoundShown, ProductShown, Question, find, find_products, find_shown
from rapport.capabilities.fit import FitShown, buyers_of, fit_of
from rapport.capabilities.merchandising import Rule, rules_about
from rapport.capabilities.recommendations import ProductCounts, counts_of, neighbours_of
from rapport.capabilities.supply import Bundle, Part, bundles_after, find_bundles, product_shown, state_bundle
from rapport.capabilities.supply import ProductShown as StockShown
from rapport.collect.appender import Appender
from rapport.collect.names import Vocabulary
from rapport.decide.people import names_by_strand, roots_of
from rapport.kernel.errors import InvalidInput
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.language import gettext
from rapport.remember.membership import names_by_root
from rapport.storage.engine import Database

__all__ = [
    "BundleLine",
    "Buyer",
    "ProductPage",
    "bundle_written",
    "bundles_page",
    "find_page",
    "keep_bundle",
    "search_page",
]

PAGE = 30
_BUYERS = 200
_NAMED = 8
_WITH = 6
BUNDLES = 20
_SEGMENTS = 6


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who bought it."""

    strand: Key
    name: str
    at: int


class BundleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle, as a page lists it."""

    bundle: Bundle
    name: str
    parts: list[tuple[str, Part]]
    """With the name of each."""
    stock: StockShown


class ProductPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a product shows."""

    product: ProductShown
    stock: StockShown
    counts: ProductCounts
    fit: FitShown
    parts: list[tuple[str, Part]]
    """What it is made of, where it is a bundle, with the name of each."""
    within: list[tuple[str, str]]
    """Bundles that it is a part of: id, name."""
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
        parts=_parts_named(conn, workspace, find_bundles(conn, workspace, [product_id]).get(product_id, ())),
        within=_named_products(conn, workspace, [
            one.product_id for one in bundles_after(conn, workspace, "", limit=_WITH, part=product_id)
        ]),
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


def bundles_page(conn: Connection, workspace: WorkspaceId, after: str, *, now: int) -> tuple[list[BundleLine], str]:
    """A page of bundles with what is in them and can be had, and what `after` is for the next page; empty: none."""
    found = bundles_after(conn, workspace, after, limit=BUNDLES + 1)
    ids = {one.product_id for one in found} | {part.product_id for one in found for part in one.parts}
    names = dict(_named_products(conn, workspace, sorted(ids)))
    lines = [
        BundleLine(
            bundle=one, name=names[one.product_id], parts=[(names[part.product_id], part) for part in one.parts],
            stock=product_shown(conn, workspace, one.product_id, now=now),
        )
        for one in found[:BUNDLES]
    ]  # fmt: skip
    return lines, found[BUNDLES - 1].product_id if len(found) > BUNDLES else ""


def _parts_named(conn: Connection, workspace: WorkspaceId, parts: Sequence[Part]) -> list[tuple[str, Part]]:
    names = dict(_named_products(conn, workspace, [part.product_id for part in parts]))
    return [(names[part.product_id], part) for part in parts]


def _named_products(conn: Connection, workspace: WorkspaceId, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each id with the product's name, or the id again where the catalogue does not know it."""
    known = find_products(conn, workspace, ids) if ids else {}
    return [(one, (found.name if (found := known.get(one)) else None) or one) for one in ids]


_PART = re.compile(r"(?:(\d{1,5})\s*[x\u00d7]?\s+)?(\S.*)", re.ASCII)


def keep_bundle(
    db: Database, workspace: WorkspaceId, appender: Appender, vocabulary: Vocabulary, product_id: str, written: str, *,
    now: int,
) -> None:  # fmt: skip
    """State what a product is made of, written one part a line: `2 corkscrew`, `1 shirt / red`; nothing: no bundle.

    Raises InvalidInput where a line names no product that the catalogue knows: a slip would leave nothing to be had.
    """
    parts = [_part(line) for line in written.splitlines() if line.strip()]
    with db.read() as conn:
        wanted = [product_id, *(part.product_id for part in parts)]
        unknown = sorted(set(wanted) - set(find_products(conn, workspace, wanted)))
    if unknown and product_id:
        raise InvalidInput(f"no product {unknown[0][:60]!r} is known", hint="its id as the shop tells it")
    state_bundle(workspace, appender, vocabulary, product_id, parts, now=now)


def bundle_written(conn: Connection, workspace: WorkspaceId, product_id: str) -> str:
    """What a bundle is made of, as `keep_bundle` reads it."""
    parts = find_bundles(conn, workspace, [product_id]).get(product_id, ())
    return "\n".join(
        f"{part.pieces} {part.product_id}" + (f" / {part.variant}" if part.variant else "") for part in parts
    )


def _part(line: str) -> Part:
    found = _PART.fullmatch(line.strip())
    pieces = int(found[1] or 1) if found else 0
    if found is None or not 0 < pieces <= 10_000:
        raise InvalidInput(f"{line.strip()[:60]!r} is no part", hint="pieces and the id of a product: 2 corkscrew")
    product, _, variant = (one.strip() for one in found[2].partition(" / "))
    return Part(product[:120], variant[:120], pieces)
