"""Tables of the recommendations: each strand's recent products, pairs of products, and each product's own counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, Table

from rapport.capabilities.recommendations.model import (
    BOUGHT_WEIGHT,
    Counts,
    Neighbour,
    Recent,
    Steps,
)
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import select_among
from rapport.storage.prepared import Prepared

__all__ = [
    "ProductCounts",
    "add_counts",
    "counts_of",
    "counts_of_the_shop",
    "covisits",
    "load_recents",
    "neighbours_of",
    "popular",
    "popular_among",
    "popularity_of",
    "product_counts",
    "recent_products",
    "save_recents",
]

recent_products = Table(
    "recent_products",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, primary_key=True),
    Column("recent", LargeBinary, nullable=False),
    Column("last_day", Integer, nullable=False),
    sqlite_with_rowid=False,
)

covisits = Table(
    "covisits",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product", CText, primary_key=True),
    Column("other", CText, primary_key=True),
    Column("viewed", Integer, nullable=False),
    Column("bought", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Index("covisits_other", "other", "workspace"),
    sqlite_with_rowid=False,
)
"""Each pair once, `product` < `other`; the second index finds it from the other side. It begins with `other` because
SQLite, which knows no statistics, would rather scan a shop's whole table by the primary key's first column."""

product_counts = Table(
    "product_counts",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("viewed", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("bought", Integer, nullable=False),
    Column("popularity", Integer, nullable=False),
    Index("product_counts_popular", "workspace", "popularity"),
)

_recents = msgspec.json.Decoder(list[Recent])

OF_ONE = 16
"""Strands as one customer has them; more are a batch's, which plans its statement by their number."""


class ProductCounts(NamedTuple):
    """How often a product was viewed, put into a cart and bought."""

    viewed: int = 0
    added: int = 0
    bought: int = 0


RecentsByStrand = dict[tuple[WorkspaceId, bytes], list[Recent]]


def load_recents(conn: Connection, strands: Iterable[tuple[WorkspaceId, bytes]]) -> RecentsByStrand:
    """The recent products of these strands, oldest first; an empty list where there are none yet."""
    found: RecentsByStrand = {strand: [] for strand in strands}
    by_workspace: dict[WorkspaceId, list[bytes]] = {}
    for workspace, strand in found:
        by_workspace.setdefault(workspace, []).append(strand)
    r = recent_products.c
    for workspace, keys in by_workspace.items():
        if len(keys) <= OF_ONE:
            rows: Iterable[Any] = _RECENTS.rows(conn, ws=workspace, ids=keys)
        else:
            rows = select_among(conn, sa.select(r.strand, r.recent), workspace, r.strand, keys)
        for strand, recent in rows:
            found[workspace, strand] = _recents.decode(recent)
    return found


def save_recents(conn: Connection, recents: Mapping[tuple[WorkspaceId, bytes], list[Recent]], *, now: int) -> None:
    """Replace the recent products of these strands."""
    rows = [
        {
            "workspace": workspace, "strand": strand, "recent": msgspec.json.encode(recent), "last_day": now // DAY,
        }
        for (workspace, strand), recent in recents.items()
    ]  # fmt: skip
    upsert(conn, recent_products, rows, key=("workspace", "strand"), update=("recent", "last_day"))


def add_counts(conn: Connection, steps: Steps, *, now: int) -> None:
    """Add what a batch counted. Rows are written in the order of their keys, so that workers cannot deadlock."""
    pairs = [
        {
            "workspace": pair.workspace, "product": pair.product, "other": pair.other,
            "viewed": steps.pairs_viewed[pair], "bought": steps.pairs_bought[pair], "last_at": now,
        }
        for pair in sorted(steps.pairs_viewed.keys() | steps.pairs_bought.keys())
    ]  # fmt: skip
    upsert(
        conn, covisits, pairs, key=("workspace", "product", "other"),
        update={
            "viewed": "covisits.viewed + excluded.viewed", "bought": "covisits.bought + excluded.bought",
            "last_at": "excluded.last_at",
        },
    )  # fmt: skip
    counts = [
        {
            "workspace": key[0], "product_id": key[1],
            "viewed": steps.viewed[key], "added": steps.added[key], "bought": steps.bought[key],
            "popularity": steps.viewed[key] + BOUGHT_WEIGHT * steps.bought[key],
        }
        for key in sorted(steps.viewed.keys() | steps.added.keys() | steps.bought.keys())
    ]  # fmt: skip
    upsert(
        conn, product_counts, counts, key=("workspace", "product_id"),
        update={name: f"product_counts.{name} + excluded.{name}" for name in (*Counts._fields, "popularity")},
    )  # fmt: skip


def neighbours_of(conn: Connection, workspace: WorkspaceId, product_id: str, *, limit: int) -> list[Neighbour]:
    """The products that were met most often together with this one."""
    return [Neighbour._make(row) for row in _NEIGHBOURS.rows(conn, ws=workspace, met=product_id, most=limit)]


def popularity_of(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, int]:
    """How popular each of these products is; those never met are missing."""
    return dict(_POPULARITY.among(conn, "ids", product_ids, ws=workspace))


def counts_of(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, ProductCounts]:
    """What became of each of these products; those never met are missing."""
    c = product_counts.c
    query = sa.select(c.product_id, c.viewed, c.added, c.bought)
    rows = select_among(conn, query, workspace, c.product_id, dict.fromkeys(product_ids))
    return {row[0]: ProductCounts(row[1], row[2], row[3]) for row in rows}


def counts_of_the_shop(conn: Connection, workspace: WorkspaceId) -> ProductCounts:
    """The sums over all products. One look at each of them."""
    c = product_counts.c
    sums = sa.select(*(sa.func.coalesce(sa.func.sum(column), 0) for column in (c.viewed, c.added, c.bought)))
    return ProductCounts(*(int(one) for one in conn.execute(sums.where(c.workspace == workspace)).one()))


def popular(conn: Connection, workspace: WorkspaceId, *, limit: int) -> dict[str, int]:
    """The products most often viewed and bought, most popular first, with their popularity."""
    return dict(_POPULAR.rows(conn, ws=workspace, most=limit))


def popular_among(
    conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str], *, limit: int
) -> dict[str, int]:
    """The most popular of these products, most popular first; those never met count 0."""
    wanted = list(product_ids)
    found = popularity_of(conn, workspace, wanted)
    best = sorted(wanted, key=lambda product_id: -found.get(product_id, 0))[:limit]
    return {product_id: found.get(product_id, 0) for product_id in best}


def _side(
    mine: sa.ColumnElement[str], theirs: sa.ColumnElement[str], workspace: sa.ColumnElement[int]
) -> sa.Select[tuple[str, int, int]]:
    return sa.select(theirs.label("id"), covisits.c.viewed, covisits.c.bought).where(
        mine == sa.bindparam("met"), workspace == sa.bindparam("ws")
    )


def _neighbours() -> sa.Select[tuple[str, int, int, int]]:
    sides = sa.union_all(
        _side(covisits.c.product, covisits.c.other, covisits.c.workspace),
        _side(covisits.c.other, covisits.c.product, covisits.c.workspace + 0),
    ).subquery()
    weight = sides.c.viewed + BOUGHT_WEIGHT * sides.c.bought
    best = (
        sa.select(sides.c.id, sides.c.viewed, sides.c.bought)
        .order_by(weight.desc(), sides.c.id)
        .limit(sa.bindparam("most", type_=Integer))
        .subquery()
    )
    p = product_counts.c
    return sa.select(best.c.id, best.c.viewed, best.c.bought, p.popularity).join(
        product_counts, (p.workspace == sa.bindparam("ws")) & (p.product_id == best.c.id)
    )


_RECENTS = Prepared(
    sa.select(recent_products.c.strand, recent_products.c.recent).where(
        recent_products.c.workspace == sa.bindparam("ws"),
        recent_products.c.strand.in_(sa.bindparam("ids", expanding=True)),
    )
)
_NEIGHBOURS = Prepared(_neighbours())
_POPULARITY = Prepared(
    sa.select(product_counts.c.product_id, product_counts.c.popularity).where(
        product_counts.c.workspace == sa.bindparam("ws"),
        product_counts.c.product_id.in_(sa.bindparam("ids", expanding=True)),
    )
)
_POPULAR = Prepared(
    sa.select(product_counts.c.product_id, product_counts.c.popularity)
    .where(product_counts.c.workspace == sa.bindparam("ws"))
    .order_by(product_counts.c.popularity.desc())
    .limit(sa.bindparam("most", type_=Integer))
)
