"""Queries of searching: a statement each, however many products match, the same on both engines.

Every count is one of products, of those that have a variant which passes all filters: so no count grows when a filter
is added, and each is what looking through the whole catalogue would find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import CTE, Connection, Select

from rapport.capabilities.catalog.entries import codes, entries, facets, near_words, pieces, words
from rapport.kernel.ids import WorkspaceId
from rapport.storage.lookup import select_among

__all__ = [
    "Asked",
    "Filters",
    "FoundProduct",
    "by_code",
    "count",
    "facet_counts",
    "found",
    "likely",
    "longer",
    "page",
    "price_spans",
]  # as one line

_AT_MOST_WORDS = 60
_FACETS = 3_000


class Asked(NamedTuple):
    """One word that fits a place of the question."""

    way: int
    """Which way of asking it belongs to: the question itself is 0, synonyms are others."""
    place: int
    word: str
    slips: int
    places: int
    """How many places that way of asking has."""


class Filters(NamedTuple):
    """What a variant must be to count; nothing said passes all. Its price is the one that holds now, in the market."""

    values: Mapping[str, tuple[str, ...]] = {}
    """By the facet's name: one of these values."""
    currency: str = ""
    price_min: int | None = None
    price_max: int | None = None
    market: str = ""
    now: int = 0


class FoundProduct(NamedTuple):
    """A product on a page of what was found; prices are of the variants that pass."""

    product_id: str
    currency: str | None
    price_low: int | None
    price_high: int | None


def by_code(conn: Connection, workspace: WorkspaceId, code: str) -> list[tuple[str, str, bool]]:
    """Products that have this code, with the variant it is of, and whether it stands for them alone."""
    c = codes.c
    query = sa.select(c.product_id, c.variant, c.alone).where(c.workspace == workspace, c.code == code)
    return [(row[0], row[1], bool(row[2])) for row in conn.execute(query.order_by(c.product_id, c.variant).limit(100))]


def likely(conn: Connection, workspace: WorkspaceId, near: Iterable[str]) -> list[str]:
    """Words of the catalogue that share one of these keys."""
    query = sa.select(near_words.c.word).distinct()
    return sorted({row[0] for row in select_among(conn, query, workspace, near_words.c.near, near)})


def longer(conn: Connection, workspace: WorkspaceId, start: str) -> list[str]:
    """Words of the catalogue that begin so."""
    c = words.c
    after = start[:-1] + chr(ord(start[-1]) + 1)
    query = sa.select(c.word).where(c.workspace == workspace, c.word > start, c.word < after).distinct()
    return list(conn.execute(query.order_by(c.word).limit(_AT_MOST_WORDS)).scalars())


def found(workspace: WorkspaceId, asked: Sequence[Asked], *, all_places: bool, only: Sequence[str] = ()) -> CTE:
    """The products that were asked for with how well they fit; all of them where nothing was asked.

    `all_places`: a word of each place is needed; else one of them is. `only`: these products, whatever was asked.
    """
    if only or not asked:
        p = pieces.c
        some = sa.select(p.product_id, *(sa.literal(0).label(name) for name in ("missing", "slips", "weight")))
        some = some.where(p.workspace == workspace, *((p.product_id.in_(only),) if only else ()))
        return some.distinct().cte("found")
    named = sa.values(*(sa.column(name, sa.Text if name == "word" else sa.Integer) for name in Asked._fields),
                      name="said").data(list(asked)).cte("asked")  # fmt: skip
    a, w = named.c, words.c
    hits = (
        sa.select(w.product_id, a.way, a.place, sa.func.min(a.slips).label("slips"),
                  sa.func.max(w.weight).label("weight"), sa.func.max(a.places).label("places"))
        .join_from(named, words, sa.and_(w.workspace == workspace, w.word == a.word))
        .group_by(w.product_id, a.way, a.place)
    ).cte("hits")  # fmt: skip
    h = hits.c
    number = sa.func.count()
    ways = (
        sa.select(h.product_id, (sa.func.max(h.places) - number).label("missing"), sa.func.sum(h.slips).label("slips"),
                  sa.func.sum(h.weight).label("weight"))
        .group_by(h.product_id, h.way)
    )  # fmt: skip
    if all_places:
        ways = ways.having(number == sa.func.max(h.places))
    y = ways.cte("ways").c
    return (
        sa.select(y.product_id, sa.func.min(y.missing).label("missing"), sa.func.min(y.slips).label("slips"),
                  sa.func.max(y.weight).label("weight"))
        .group_by(y.product_id)
    ).cte("found")  # fmt: skip


def count(conn: Connection, workspace: WorkspaceId, these: CTE, filters: Filters, *, at_most: int = 0) -> int:
    """How many products pass; no more than `at_most` are looked at where it is given."""
    passing = sa.select(_passing(workspace, these, filters).c.product_id).distinct()
    counted = (passing.limit(at_most) if at_most else passing).subquery()
    return conn.execute(sa.select(sa.func.count()).select_from(counted)).scalar() or 0


def page(
    conn: Connection, workspace: WorkspaceId, these: CTE, filters: Filters, *, sort: str, first: Sequence[str] = (),
    limit: int, offset: int,
) -> list[FoundProduct]:  # fmt: skip
    """One page of the products that pass; `first` are those that come before all others by relevance."""
    p = _passing(workspace, these, filters)
    low, high = sa.func.min(p.c.price_minor), sa.func.max(p.c.price_minor)
    query = (
        sa.select(p.c.product_id, sa.func.min(p.c.currency), low, high)
        .join_from(p, entries, sa.and_(entries.c.workspace == workspace, entries.c.product_id == p.c.product_id))
        .group_by(p.c.product_id, entries.c.name, p.c.missing, p.c.slips, p.c.weight)
    )
    leading = (sa.case((p.c.product_id.in_(first), 0), else_=1),) if first else ()
    order: Mapping[str, tuple[sa.ColumnElement[Any], ...]] = {
        "relevance": (*leading, p.c.missing, p.c.slips, p.c.weight.desc()),
        "price": (low.is_(None), low),
        "-price": (high.is_(None), high.desc()),
        "name": (),
    }
    ordered = query.order_by(*order[sort], entries.c.name, p.c.product_id)
    return [FoundProduct(*row) for row in conn.execute(ordered.limit(limit).offset(offset))]


def facet_counts(
    conn: Connection, workspace: WorkspaceId, these: CTE, filters: Filters
) -> list[tuple[str, str, int]]:  # fmt: skip
    """Facet, value, and how many products that pass have a passing variant with it; the most frequent first."""
    p, f = _passing(workspace, these, filters), facets.c
    number = sa.func.count(p.c.product_id.distinct())
    query = (
        sa.select(f.name, f.value, number)
        .join_from(p, facets, sa.and_(f.workspace == workspace, f.product_id == p.c.product_id,
                                      f.variant == p.c.variant))
        .group_by(f.name, f.value)
        .order_by(number.desc(), f.name, f.value)
        .limit(_FACETS)
    )  # fmt: skip
    return [(row[0], row[1], row[2]) for row in conn.execute(query)]


def price_spans(
    conn: Connection, workspace: WorkspaceId, these: CTE, filters: Filters
) -> list[tuple[str, int, int]]:  # fmt: skip
    """By currency: the lowest and the highest price of a passing variant."""
    p = _passing(workspace, these, filters)
    c = p.c
    query = sa.select(c.currency, sa.func.min(c.price_minor), sa.func.max(c.price_minor))
    query = query.where(c.price_minor.is_not(None)).group_by(c.currency).order_by(c.currency)
    return [(row[0], row[1], row[2]) for row in conn.execute(query)]


def _passing(workspace: WorkspaceId, these: CTE, filters: Filters) -> sa.Subquery:
    """The variants that pass, with how well their product fits."""
    p, t = pieces.c, these.c
    query: Select[*tuple[object, ...]] = sa.select(
        p.product_id, p.variant, p.currency, p.price_minor, t.missing, t.slips, t.weight
    ).join_from(these, pieces, sa.and_(p.workspace == workspace, p.product_id == t.product_id))
    query = query.where(p.since <= filters.now, p.until > filters.now, _of_market(filters.market))
    for name, values in filters.values.items():
        f = facets.c
        query = query.where(
            sa.exists().where(
                f.workspace == workspace, f.name == name, f.value.in_(values), f.product_id == p.product_id,
                f.variant == p.variant,
            )
        )  # fmt: skip
    if filters.price_min is not None or filters.price_max is not None:
        query = query.where(p.currency == filters.currency)
    if filters.price_min is not None:
        query = query.where(p.price_minor >= filters.price_min)
    if filters.price_max is not None:
        query = query.where(p.price_minor <= filters.price_max)
    return query.subquery()


def _of_market(market: str) -> sa.ColumnElement[bool]:
    """The prices of the market; of a variant that has none there, those of all markets."""
    p = pieces.c
    if not market:
        return p.market == ""
    own = pieces.alias("own").c
    has_own = sa.exists().where(
        own.workspace == p.workspace, own.product_id == p.product_id, own.variant == p.variant, own.market == market
    )
    return sa.or_(p.market == market, sa.and_(p.market == "", ~has_own))
