"""Table and queries of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Table, Text

from rapport.capabilities.catalog.model import Description, Product
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.prepared import Prepared

__all__ = ["find_products", "products", "products_in_category", "save"]

products = Table(
    "products",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("name", Text),
    Column("category", CText),
    Column("brand", Text),
    Column("price_minor", BigInteger),
    Column("cost_minor", BigInteger),
    Column("currency", Text),
    Column("url", Text),
    Column("image_url", Text),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("last_fact", CText, nullable=False),
    Index("products_category", "workspace", "category", "product_id"),
)

_NEWER = "(excluded.last_seen_at, excluded.last_fact) > (products.last_seen_at, products.last_fact)"


def _latest(column: str) -> str:
    new, old = f"excluded.{column}", f"products.{column}"
    return f"CASE WHEN {_NEWER} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"


_UPDATE = {
    column: _latest(column)
    for column in Description._fields
    if column not in ("workspace", "product_id")
}  # fmt: skip


def save(conn: Connection, descriptions: Iterable[Description]) -> None:
    """Keep what is new about products, one description each; an older one fills gaps only."""
    rows = [description._asdict() for description in sorted(descriptions, key=lambda d: (d.workspace, d.product_id))]
    upsert(conn, products, rows, key=("workspace", "product_id"), update=_UPDATE)


def find_products(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, Product]:
    """What is known of these products, by id; unknown ones are missing."""
    rows = _FIND.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace)
    return {row[0]: Product(**dict(zip(_NAMES, row, strict=True))) for row in rows}


def products_in_category(conn: Connection, workspace: WorkspaceId, category: str, *, limit: int) -> list[str]:
    """Ids of products of a category, at most `limit`."""
    return [row[0] for row in _OF_CATEGORY.rows(conn, ws=workspace, category=category, most=limit)]


_NAMES = Product.__struct_fields__
_FIND = Prepared(
    sa.select(*(products.c[name] for name in _NAMES)).where(
        products.c.workspace == sa.bindparam("ws"), products.c.product_id.in_(sa.bindparam("ids", expanding=True))
    )
)
_OF_CATEGORY = Prepared(
    sa.select(products.c.product_id)
    .where(products.c.workspace == sa.bindparam("ws"), products.c.category == sa.bindparam("category"))
    .limit(sa.bindparam("most", type_=Integer))
)
