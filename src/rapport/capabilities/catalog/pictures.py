"""Pictures of products as the shop states them by what they look like, and finding products by a photo."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, MetaData, Table

from rapport.capabilities.catalog.entries import hidden_among
from rapport.capabilities.catalog.looks import LOOK_BYTES, best_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import WorkspaceId
from rapport.remember import inputs
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText

__all__ = ["Pictured", "alike", "pictured_of", "pictures", "save_pictures"]

MOST_PICTURES = 100_000
"""Of a shop; all are looked at for each photo."""

pictures = Table(
    "catalog_pictures", MetaData(), Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, primary_key=True), Column("picture", CText, primary_key=True),
    Column("look", LargeBinary, nullable=False), Column("stated_at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
)  # fmt: skip


class Pictured(NamedTuple):
    """That a picture of a product looks so; the latest by (time, fact) of each name is what it looks like."""

    workspace: WorkspaceId
    product_id: str
    picture: str
    """What the shop calls it; a product may have several."""
    look: bytes
    stated_at: int
    fact: str


def pictured_of(workspace: WorkspaceId, fact: Fact) -> Pictured | None:
    """What a `Product Pictured` says; None where it says no look."""
    product_id, said = inputs.product_id(fact.properties), fact.properties.get("look")
    try:
        look = base64.b64decode(said, validate=True) if isinstance(said, str) else b""
    except (binascii.Error, ValueError):
        return None
    if product_id is None or len(look) != LOOK_BYTES:
        return None
    picture = inputs.text(fact.properties.get("picture")) or ""
    return Pictured(workspace, product_id, picture, look, fact.occurred_at, fact.id)


def save_pictures(conn: Connection, stated: Iterable[Pictured]) -> None:
    """Keep the latest look of each picture, whatever order they come in."""
    latest = {(one.workspace, one.product_id, one.picture): one
              for one in sorted(stated, key=lambda one: (one.stated_at, one.fact))}  # fmt: skip
    rows = [latest[key]._asdict() for key in sorted(latest)]
    newer = "(excluded.stated_at, excluded.fact) > (catalog_pictures.stated_at, catalog_pictures.fact)"
    key = ("workspace", "product_id", "picture")
    upsert(conn, pictures, rows, key=key, update=("look", "stated_at", "fact"), where=newer)


def alike(conn: Connection, workspace: WorkspaceId, look: bytes, *, limit: int) -> list[tuple[str, float]]:
    """Products whose pictures look most like this, with how much, each once; withdrawn ones are left out."""
    c = pictures.c
    query = sa.select(c.product_id, c.look).where(c.workspace == workspace).order_by(c.product_id, c.picture)
    rows = [(row[0], bytes(row[1])) for row in conn.execute(query.limit(MOST_PICTURES))]
    hidden = hidden_among(conn, workspace, [product_id for product_id, _ in rows])
    shown = [(product_id, one) for product_id, one in rows if product_id not in hidden]
    best: dict[str, float] = {}
    for place, much in best_of(look, [one for _, one in shown], limit=len(shown)):
        best.setdefault(shown[place][0], much)
        if len(best) == limit:
            break
    return list(best.items())
