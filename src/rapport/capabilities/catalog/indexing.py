"""What of a product is found by searching: its words, codes, facets and what its variants cost. Pure.

Rows of one product depend on nothing but its entry, so writing them again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import msgspec

from rapport.capabilities.catalog.entry import Entry, Variant, changes_of, price_at
from rapport.capabilities.catalog.words import code_of, words_of

__all__ = ["Facet", "Indexed", "Piece", "digest_of", "index_of"]

_VERSION = 2
"""Counted up where the same entry is found by other words than before; entries are then indexed anew when stated."""

NAME, BRAND, CATEGORY, ATTRIBUTE, CODE, DESCRIPTION = 16, 8, 6, 4, 4, 1
"""How much a word counts, by where it stands; only words that count more than a description's forgive slips."""
_WORDS, _FACETS, _LONGEST_VALUE = 400, 2_000, 80
_FOR_EVER = 2**62
_encode = msgspec.json.Encoder(order="deterministic").encode


class Facet(NamedTuple):
    """A value of a variant that shoppers narrow their search by."""

    variant: str
    name: str
    value: str


class Piece(NamedTuple):
    """What can be bought, and what it costs from one time to another; in all markets, or in one that has prices."""

    variant: str
    market: str
    since: int
    until: int
    currency: str | None
    price_minor: int | None


class Indexed(NamedTuple):
    """All that is found of one product."""

    words: dict[str, int]
    """How much each counts."""
    codes: list[tuple[str, str, bool]]
    """Code, variant, and whether it stands for this product alone (a number of the shop's own may mean anything)."""
    facets: list[Facet]
    pieces: list[Piece]


def digest_of(entry: Entry) -> str:
    """Stands for what is found of the entry."""
    return blake2b(b"%d" % _VERSION + _encode(entry), digest_size=12).hexdigest()


def index_of(entry: Entry) -> Indexed:
    """What is found of an entry; nothing of one that is not shown."""
    if not entry.visible:
        return Indexed({}, [], [], [])
    words: dict[str, int] = {}
    for text, weight in _texts(entry):
        for word in words_of(text, most=_WORDS):
            if word not in words and len(words) >= _WORDS:
                continue
            words[word] = max(words.get(word, 0), weight)
    facets = list(dict.fromkeys(facet for variant in entry.pieces for facet in _facets(entry, variant)))
    return Indexed(words, list(_codes(entry)), facets[:_FACETS], list(_pieces(entry)))


def _texts(entry: Entry) -> Iterator[tuple[str, int]]:
    yield entry.name or "", NAME
    yield entry.brand or "", BRAND
    for category in entry.categories or (entry.category or "",):
        yield category, CATEGORY
    for values in entry.attributes.values():
        yield " ".join(values), ATTRIBUTE
    for variant in entry.pieces:
        yield variant.name or "", ATTRIBUTE
        yield " ".join(value for values in variant.attributes.values() for value in values), ATTRIBUTE
        yield f"{variant.sku or ''} {variant.gtin or ''}", CODE
    yield " ".join((*entry.tags, entry.sku or "", entry.product_id)), CODE
    yield entry.description or "", DESCRIPTION


def _codes(entry: Entry) -> Iterator[tuple[str, str, bool]]:
    found: dict[tuple[str, str], bool] = {}
    for variant in entry.pieces:
        for code in (variant.sku, variant.gtin):
            if code and (plain := code_of(code)):
                found[plain, variant.variant] = True
    for code in (entry.sku, entry.gtin, entry.product_id):
        if code and (plain := code_of(code)):
            found.setdefault((plain, ""), code != entry.product_id or not plain.isdigit())
    for (plain, name), alone in found.items():
        yield plain, name, alone


def _facets(entry: Entry, variant: Variant) -> Iterator[Facet]:
    named = {"brand": (entry.brand,), "category": entry.categories or (entry.category,)}
    for name, values in (*named.items(), *(entry.attributes | variant.attributes).items()):
        for value in values:
            if value and len(value) <= _LONGEST_VALUE:
                yield Facet(variant.variant, name, value)


def _pieces(entry: Entry) -> Iterator[Piece]:
    """A price for every moment, by market: what holds then, or none where nothing does."""
    for variant in entry.pieces:
        said = entry.prices_of(variant)
        for market in sorted({"", *(price.market for price in said)}):
            fitting = tuple(price for price in said if price.market in ("", market))
            for since, until in pairwise((0, *(at for at in changes_of(fitting) if at > 0), _FOR_EVER)):
                price = price_at(fitting, now=since, market=market)
                currency, minor = (price.currency, price.price_minor) if price else (None, None)
                yield Piece(variant.variant, market, since, until, currency, minor)
