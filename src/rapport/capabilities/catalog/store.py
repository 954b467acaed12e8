"""Tables and queries of what facts say of products: what servers said, and beside it statements and browsers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Table, Text

from rapport.capabilities.catalog.model import Description, Product
from rapport.capabilities.catalog.voices import BROWSERS, SHOP, STATED, at_home, joined, sites
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.prepared import Prepared

__all__ = ["find_groups", "find_products", "find_said", "ids_after", "products", "said", "save"]

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
"""What servers said, and of every product a row: whoever writes what is known of one holds it."""

said = Table(
    "catalog_said", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True),
    Column("voice", Integer, primary_key=True, autoincrement=False), Column("name", Text), Column("category", Text),
    Column("brand", Text), Column("price_minor", BigInteger), Column("cost_minor", BigInteger),
    Column("currency", Text), Column("url", Text), Column("image_url", Text),
    Column("last_seen_at", BigInteger, nullable=False), Column("last_fact", CText, nullable=False),
)  # fmt: skip
"""What others say of products: browsers and the shop's statements (`voices.py`)."""

_NEWER = "(excluded.last_seen_at, excluded.last_fact) > (products.last_seen_at, products.last_fact)"


def _latest(column: str) -> str:
    new, old = f"excluded.{column}", f"products.{column}"
    return f"CASE WHEN {_NEWER} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"


_SAID = tuple(column for column in Description._fields if column not in ("workspace", "product_id"))
_UPDATE = {column: _latest(column) for column in _SAID}
_of_browsers = {column: text.replace("products.", "catalog_said.") for column, text in _UPDATE.items()}
_IS_NEWER = _NEWER.replace("products.", "catalog_said.")
_Key = tuple[WorkspaceId, str]


def save(conn: Connection, told: Mapping[int, Mapping[_Key, Description]]) -> None:
    """Keep what is new about products by who says it; what is older fills gaps only, and none of a statement's."""
    keys = sorted({key for of_voice in told.values() for key in of_voice})
    of_shop = told.get(SHOP, {})
    rows = [of_shop.get(key) or _nothing(key) for key in keys]
    upsert(conn, products, rows, key=("workspace", "product_id"), update=_UPDATE)
    for voice in (BROWSERS, STATED):
        others = told.get(voice, {})
        rows_of_voice = [{"voice": voice} | others[key]._asdict() for key in sorted(others)]
        key = ("workspace", "product_id", "voice")
        if voice == BROWSERS:
            upsert(conn, said, rows_of_voice, key=key, update=_of_browsers)
        else:
            upsert(conn, said, rows_of_voice, key=key, update=_SAID, where=_IS_NEWER)


def find_products(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, Product]:
    """What is known of these products, by id; unknown ones are missing. Nothing that leads away from the shop."""
    known = _joined(conn, workspace, product_ids)
    if not any(browsed for _, browsed in known.values()):
        return {product_id: product for product_id, (product, _) in known.items()}
    own = sites(conn, workspace)
    for product_id, (product, browsed) in known.items():
        foreign = {name: None for name in browsed
                   if not at_home(getattr(product, name), sites=own, picture=name == "image_url")}  # fmt: skip
        known[product_id] = (msgspec.structs.replace(product, **foreign), browsed)
    return {product_id: product for product_id, (product, _) in known.items()}


def find_said(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, Product]:
    """Likewise, with addresses wherever they lead."""
    return {product_id: product for product_id, (product, _) in _joined(conn, workspace, product_ids).items()}


def _joined(
    conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]
) -> dict[str, tuple[Product, frozenset[str]]]:
    found: dict[str, list[Any]] = {}
    for row in _FIND.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace):
        found.setdefault(row[1], []).append(row)
    return {product_id: _of_rows(rows) for product_id, rows in found.items()}


def _of_rows(rows: Sequence[Any]) -> tuple[Product, frozenset[str]]:
    """What the rows of a product say together; mostly the shop alone says something, and that is so."""
    told = [row for row in rows if row[0] != SHOP or row[-1] or any(one is not None for one in row[2:-1])]
    if len(told) == 1 and told[0][0] != BROWSERS:
        return _product(told[0]), _NONE
    return joined({row[0]: _product(row) for row in rows})


def _product(row: Any) -> Product:
    _, product_id, name, category, brand, price, cost, currency, url, image_url, seen = row
    return Product(
        product_id=product_id, name=name, category=category, brand=brand, price_minor=price, cost_minor=cost,
        currency=None if price is None and cost is None else currency, url=url, image_url=image_url, last_seen_at=seen,
    )  # fmt: skip


def find_groups(
    conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]
) -> dict[str, tuple[str | None, str | None]]:
    """Category and brand of these products, by id, as `find_products` tells them; for whoever wants no more."""
    found: dict[str, list[Any]] = {}
    for row in _GROUPS.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace):
        found.setdefault(row[1], []).append(row)
    return {product_id: _groups(rows) for product_id, rows in found.items()}


def _groups(rows: Sequence[Any]) -> tuple[str | None, str | None]:
    if len(rows) == 1:
        return rows[0][2], rows[0][3]
    told = sorted(rows, reverse=True)
    believed = [row for row in told if row[0] != BROWSERS] if told[0][0] == STATED else told
    category, brand = (next((row[place] for row in believed if row[place] is not None), None) for place in (2, 3))
    return category, brand


def _nothing(key: _Key) -> Description:
    return Description(*key, None, None, None, None, None, None, None, None, 0, "")


def ids_after(conn: Connection, workspace: WorkspaceId, after: str, *, limit: int) -> list[str]:
    """The next ids of the catalogue in the order of their bytes, from the beginning for an empty `after`."""
    p = products.c
    query = sa.select(p.product_id).where(p.workspace == workspace, p.product_id > after)
    return list(conn.execute(query.order_by(p.product_id).limit(limit)).scalars())


_NAMES = Product.__struct_fields__
_NONE: frozenset[str] = frozenset()


def _of(table: Table, voice: sa.ColumnElement[int], names: Sequence[str] = _NAMES) -> sa.Select[Any]:
    query: sa.Select[Any] = sa.select(voice.label("voice"), *(table.c[name] for name in names))
    return query.where(
        table.c.workspace == sa.bindparam("ws"), table.c.product_id.in_(sa.bindparam("ids", expanding=True))
    )


_SHOPS = sa.literal_column(str(SHOP), sa.Integer)
_GROUPED = ("product_id", "category", "brand")
_FIND = Prepared(sa.union_all(_of(products, _SHOPS), _of(said, said.c.voice)))
_GROUPS = Prepared(sa.union_all(_of(products, _SHOPS, _GROUPED), _of(said, said.c.voice, _GROUPED)))
