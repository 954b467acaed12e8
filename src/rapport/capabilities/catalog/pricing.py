"""What each piece cost when: the plans of prices that the shop stated, and the points at which a price began to hold.

A statement says what holds from now on and, with `from` and `until`, what will. So what is kept is its whole plan; when
each of its prices held is found out on reading, when all statements are there, whatever order they came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table

from rapport.capabilities.catalog.entry import Price, changes_of, price_at
from rapport.capabilities.catalog.prices import PricePoint
from rapport.capabilities.catalog.stating import Statement
from rapport.kernel.clock import DAY
from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText

__all__ = ["price_points", "prices", "save_prices"]

_PLANS = 50_000
_NAMES = ("product_id", "variant", "market", "currency", "plan")

prices = Table(
    "catalog_price_plans", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    *(Column(name, CText, primary_key=True) for name in _NAMES),
    Column("day", BigInteger, primary_key=True, autoincrement=False), Column("body", LargeBinary, nullable=False),
    Column("first_at", BigInteger, nullable=False), Column("last_at", BigInteger, nullable=False),
)  # fmt: skip
"""When each plan was stated first and last on a day: however often a feed says the same, it is one row a day."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(tuple[Price, ...]).decode


def save_prices(conn: Connection, stated: Iterable[Statement]) -> None:
    """Keep what each piece is to cost when; the order of statements changes nothing."""
    rows: dict[tuple[Any, ...], tuple[bytes, int, int]] = {}
    for ws, entry, at, _ in stated:
        for piece in entry.pieces if entry.visible else ():
            for market, currency, plan in _plans(entry.prices_of(piece)):
                body = _encode(plan)
                digest = blake2b(body, digest_size=12).hexdigest()
                key = (ws, entry.product_id, piece.variant, market, currency, digest, at // DAY)
                _, first, last = rows.get(key, (body, at, at))
                rows[key] = (body, min(first, at), max(last, at))
    names, values = ("workspace", *_NAMES, "day"), ("body", "first_at", "last_at")
    listed = [dict(zip(names, key, strict=True)) | dict(zip(values, rows[key], strict=True)) for key in sorted(rows)]
    update = {
        "first_at": "{least}(catalog_price_plans.first_at, excluded.first_at)",
        "last_at": "{greatest}(catalog_price_plans.last_at, excluded.last_at)",
    }
    upsert(conn, prices, listed, key=names, update=update)


def price_points(
    conn: Connection, workspace: WorkspaceId, product_id: str, *, since: int, now: int
) -> dict[tuple[str, str, str], list[PricePoint]]:
    """What a product cost when, by variant, market and currency: from `since` until now, and what held at `since`."""
    c = prices.c
    mine = (c.workspace == workspace, c.product_id == product_id)
    of_each = (c.variant, c.market, c.currency)
    held = (
        sa.select(*of_each, sa.func.max(c.last_at).label("at"))
        .where(*mine, c.last_at < since)
        .group_by(*of_each)
        .subquery()
    )
    is_held = sa.and_(*(c[name] == held.c[name] for name in ("variant", "market", "currency")), c.last_at == held.c.at)
    query = sa.select(*of_each, c.body, c.first_at, c.last_at)
    found: dict[tuple[str, str, str], list[tuple[int, bytes]]] = {}
    for row in (
        *conn.execute(query.where(*mine, c.last_at >= since).limit(_PLANS)),
        *conn.execute(query.join(held, is_held).where(*mine)),
    ):
        body = bytes(row[3])
        found.setdefault((row[0], row[1], row[2]), []).extend(((row[4], body), (row[5], body)))
    return {piece: list(_points(said, market=piece[1], now=now)) for piece, said in found.items()}


def _plans(said: tuple[Price, ...]) -> Iterator[tuple[str, str, tuple[Price, ...]]]:
    """What holds by market and currency: a market's own prices, and behind them those of all markets."""
    for market, currency in sorted({(price.market, price.currency) for price in said}):
        yield (
            market,
            currency,
            tuple(price for price in said if price.currency == currency and price.market in ("", market)),
        )


def _points(said: list[tuple[int, bytes]], *, market: str, now: int) -> Iterator[PricePoint]:
    """When another price began to hold: each plan counts until the next one was stated. One price a moment."""
    stated = sorted(said)
    for (at, body), (until, _) in pairwise([*stated, (now + 1, b"")]):
        plan = _decode(body)
        for moment in [at, *(one for one in changes_of(plan) if at < one)]:
            if at <= moment < min(until, now + 1) and (price := price_at(plan, now=moment, market=market)):
                yield PricePoint(moment, price.price_minor)
