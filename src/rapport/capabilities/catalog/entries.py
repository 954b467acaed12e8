"""Tables of products as they are stated and of what they are found by; and writing them.

A product's rows in the tables of what is found are written by whoever holds its row in `catalog_entries`, so two
workers never mix them up. `indexed` is the digest they were made of; NULL before they are made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Connection, Index, Integer, LargeBinary, MetaData, Table

from rapport.capabilities.catalog.entry import Entry
from rapport.capabilities.catalog.indexing import DESCRIPTION, Indexed, digest_of, index_of
from rapport.capabilities.catalog.market_prices import find_market_prices, with_markets
from rapport.capabilities.catalog.stating import Statement
from rapport.capabilities.catalog.voices import at_home, sites
from rapport.capabilities.catalog.words import near_keys
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore, insert_rows, upsert
from rapport.storage.engine import CText
from rapport.storage.lookup import change_among, select_among
from rapport.storage.prepared import Prepared

__all__ = [
    "codes",
    "entries",
    "facets",
    "find_entries",
    "hidden_among",
    "index_changed",
    "lay_markets_over",
    "near_words",
    "pieces",
    "products_in_category",
    "products_shown",
    "products_with",
    "save_described",
    "save_stated",
    "shown_among",
    "variants_of",
    "words",
]

_metadata = MetaData()


def _workspace() -> Column[int]:
    return Column("workspace", Integer, primary_key=True, autoincrement=False)


def _key(name: str) -> Column[str]:
    return Column(name, CText, primary_key=True)


entries = Table(
    "catalog_entries", _metadata, _workspace(), _key("product_id"), Column("name", CText, nullable=False),
    Column("visible", Boolean, nullable=False), Column("body", LargeBinary, nullable=False),
    Column("digest", CText, nullable=False), Column("indexed", CText), Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
)  # fmt: skip
"""`body` is all of an `Entry`, as JSON. One that nobody stated, known from facts of others alone, was stated at 0."""

pieces = Table(
    "catalog_pieces", _metadata, _workspace(), _key("product_id"), _key("variant"), _key("market"),
    Column("since", BigInteger, primary_key=True, autoincrement=False), Column("until", BigInteger, nullable=False),
    Column("currency", CText), Column("price_minor", BigInteger),
)  # fmt: skip
"""What can be bought, with its price from one time to another: of every moment a row, of a market with prices of its
own another."""
words = Table(
    "catalog_words", _metadata, _workspace(), _key("word"), _key("product_id"),
    Column("weight", Integer, nullable=False), Index("catalog_words_of", "workspace", "product_id"),
)  # fmt: skip
near_words = Table("catalog_near_words", _metadata, _workspace(), _key("near"), _key("word"))
codes = Table(
    "catalog_codes", _metadata, _workspace(), _key("code"), _key("product_id"), _key("variant"),
    Column("alone", Boolean, nullable=False), Index("catalog_codes_of", "workspace", "product_id"),
)  # fmt: skip
facets = Table(
    "catalog_facets", _metadata, _workspace(), _key("name"), _key("value"), _key("product_id"), _key("variant"),
    Index("catalog_facets_of", "workspace", "product_id"),
)  # fmt: skip
_FOUND_BY = (pieces, words, codes, facets)
_KEY = ("workspace", "product_id")
_CHANGING = ("name", "visible", "body", "digest", "stated_at", "fact")
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Entry).decode
_Keys = Collection[tuple[WorkspaceId, str]]


def save_stated(conn: Connection, stated: Iterable[Statement]) -> None:
    """Keep the latest statement of each product, whatever order they come in."""
    latest: dict[tuple[WorkspaceId, str], Statement] = {}
    for one in sorted(stated, key=lambda one: (one.stated_at, one.fact)):
        latest[one.workspace, one.entry.product_id] = one
    rows = [_row(*latest[key]) for key in sorted(latest)]
    newer = "(excluded.stated_at, excluded.fact) > (catalog_entries.stated_at, catalog_entries.fact)"
    upsert(conn, entries, rows, key=_KEY, update=_CHANGING, where=newer)


def lay_markets_over(conn: Connection, keys: _Keys) -> None:
    """Lay what markets' own feeds say over the prices of these products, as they are kept now."""
    c = entries.c
    for workspace in sorted({ws for ws, _ in keys}):
        told = find_market_prices(conn, workspace, [product_id for ws, product_id in keys if ws == workspace])
        if not told:
            continue
        query = sa.select(c.product_id, c.body, c.digest)
        rows = []
        for product_id, body, digest in select_among(conn, query, workspace, c.product_id, sorted(told)):
            entry = with_markets(_decode(body), told[product_id])
            if digest_of(entry) != digest:
                rows.append({"of_shop": workspace, "of": product_id, "as": _encode(entry), "is": digest_of(entry)})
        if rows:
            here = (c.workspace == sa.bindparam("of_shop"), c.product_id == sa.bindparam("of"))
            changing = sa.update(entries).where(*here).values(body=sa.bindparam("as"), digest=sa.bindparam("is"))
            conn.execute(changing, rows)


def save_described(conn: Connection, described: Iterable[tuple[WorkspaceId, Entry]]) -> None:
    """Keep what facts of others say of products that nobody stated."""
    rows = [_row(ws, entry, 0, "") for ws, entry in sorted(described, key=lambda one: (one[0], one[1].product_id))]
    news = "catalog_entries.stated_at = 0 AND catalog_entries.digest <> excluded.digest"
    upsert(conn, entries, rows, key=_KEY, update=_CHANGING, where=news)


def index_changed(conn: Connection, keys: _Keys) -> int:
    """Write anew what these products are found by, where they have changed. Returns how many had.

    Its caller has written the products' rows of `catalog_entries` in this transaction, and so holds them.
    """
    changed = 0
    for workspace in sorted({ws for ws, _ in keys}):
        mine = sorted({product_id for ws, product_id in keys if ws == workspace})
        c = entries.c
        query = sa.select(c.product_id, c.body).where(sa.or_(c.indexed.is_(None), c.indexed != c.digest))
        found = [(product_id, index_of(_decode(body)))
                 for product_id, body in select_among(conn, query, workspace, c.product_id, mine)]  # fmt: skip
        if found:
            _write(conn, workspace, sorted(found))
            changed += len(found)
    return changed


def _write(conn: Connection, workspace: WorkspaceId, found: Sequence[tuple[str, Indexed]]) -> None:
    ids = [product_id for product_id, _ in found]
    for table in _FOUND_BY:
        change_among(conn, sa.delete(table), workspace, table.c.product_id, ids)
    insert_rows(conn, words, [
        {"workspace": workspace, "word": word, "product_id": product_id, "weight": weight}
        for product_id, index in found for word, weight in index.words.items()
    ])  # fmt: skip
    forgiving = {word for _, index in found for word, weight in index.words.items() if weight > DESCRIPTION}
    near = sorted((key, word) for word in forgiving for key in near_keys(word))
    insert_ignore(conn, near_words, [{"workspace": workspace, "near": key, "word": word} for key, word in near],
                  key=("workspace", "near", "word"))  # fmt: skip
    insert_rows(conn, codes, [
        {"workspace": workspace, "code": code, "product_id": product_id, "variant": variant, "alone": alone}
        for product_id, index in found for code, variant, alone in index.codes
    ])  # fmt: skip
    insert_rows(conn, facets, [
        {"workspace": workspace, "name": facet.name, "value": facet.value, "product_id": product_id,
         "variant": facet.variant}
        for product_id, index in found for facet in index.facets
    ])  # fmt: skip
    insert_rows(conn, pieces, [
        {"workspace": workspace, "product_id": product_id, **piece._asdict()}
        for product_id, index in found for piece in index.pieces
    ])  # fmt: skip
    change_among(conn, sa.update(entries).values(indexed=entries.c.digest), workspace, entries.c.product_id, ids)


def find_entries(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> dict[str, tuple[Entry, int]]:
    """These products with when they were stated (0: by nobody), by id; unknown ones are missing.

    Of what nobody stated, no address leads away from the shop.
    """
    rows = _FIND.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace)
    found = {row[0]: (_decode(row[1]), row[2]) for row in rows}
    unstated = {one: entry for one, (entry, at) in found.items() if not at and (entry.url or entry.media)}
    own = sites(conn, workspace) if unstated else {}
    return found | {one: (_at_home(entry, own), 0) for one, entry in unstated.items()}


def products_in_category(conn: Connection, workspace: WorkspaceId, category: str, *, limit: int) -> list[str]:
    """Ids of products of a category that are shown, at most `limit`."""
    return products_with(conn, workspace, "category", category, limit=limit)


def products_with(conn: Connection, workspace: WorkspaceId, facet: str, value: str, *, limit: int) -> list[str]:
    """Ids of products that are shown and have this value of a facet (`category`, `brand` …), at most `limit`."""
    return [row[0] for row in _WITH.rows(conn, ws=workspace, facet=facet, value=value, most=limit)]


def products_shown(conn: Connection, workspace: WorkspaceId, *, limit: int) -> list[str]:
    """Ids of some products of the catalogue that are shown, whichever they are."""
    return [row[0] for row in _SOME.rows(conn, ws=workspace, most=limit)]


def variants_of(conn: Connection, workspace: WorkspaceId, product_id: str) -> tuple[str, ...] | None:
    """The variants of a product in the shop's order; None for one that is not in the catalogue."""
    found = find_entries(conn, workspace, [product_id]).get(product_id)
    return None if found is None else tuple(one.variant for one in found[0].variants)


def hidden_among(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> set[str]:
    """Those of the products that are withdrawn."""
    query = sa.select(entries.c.product_id).where(entries.c.visible.is_(False))
    return {row[0] for row in select_among(conn, query, workspace, entries.c.product_id, dict.fromkeys(product_ids))}


def shown_among(conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str]) -> set[str]:
    """Those of the products that a fact has described and the shop has not withdrawn. One statement for 500."""
    return {row[0] for row in _SHOWN.among(conn, "ids", dict.fromkeys(product_ids), ws=workspace)}


def _at_home(entry: Entry, own: Mapping[str, bool]) -> Entry:
    media = tuple(one for one in entry.media if at_home(one.url, sites=own, picture=True))
    return msgspec.structs.replace(
        entry, media=media, url=entry.url if at_home(entry.url, sites=own, picture=False) else None
    )


_FIND = Prepared(
    sa.select(entries.c.product_id, entries.c.body, entries.c.stated_at).where(
        entries.c.workspace == sa.bindparam("ws"), entries.c.product_id.in_(sa.bindparam("ids", expanding=True))
    )
)
_SHOWN = Prepared(
    sa.select(entries.c.product_id).where(
        entries.c.visible, entries.c.workspace == sa.bindparam("ws"),
        entries.c.product_id.in_(sa.bindparam("ids", expanding=True)),
    )
)  # fmt: skip
_SOME = Prepared(
    sa.select(entries.c.product_id)
    .where(entries.c.workspace == sa.bindparam("ws"), entries.c.visible)
    .order_by(entries.c.product_id)
    .limit(sa.bindparam("most", type_=Integer))
)
_WITH = Prepared(
    sa.select(facets.c.product_id)
    .where(
        facets.c.workspace == sa.bindparam("ws"), facets.c.name == sa.bindparam("facet"),
        facets.c.value == sa.bindparam("value"),
    )
    .distinct()
    .limit(sa.bindparam("most", type_=Integer))
)  # fmt: skip


def _row(workspace: WorkspaceId, entry: Entry, stated_at: int, fact: str) -> dict[str, Any]:
    return {
        "workspace": workspace, "product_id": entry.product_id, "name": entry.name or entry.product_id,
        "visible": entry.visible, "body": _encode(entry), "digest": digest_of(entry), "indexed": None,
        "stated_at": stated_at, "fact": fact,
    }  # fmt: skip
