"""The table of gift cards' movements, and what follows from it.

Each fact is one row by its own id, so facts may come twice and in any order; what is left on a card is a sum.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, MetaData, Table

from rapport.kernel.ids import WorkspaceId
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText

__all__ = ["Amount", "CardShown", "Movement", "cards", "cards_of", "expired", "left", "movements", "save"]

movements = Table(
    "giftcards_movements",
    MetaData(),
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("code", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("currency", CText, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Index("giftcards_movements_by_code", "workspace", "code"),
    Index("giftcards_movements_by_strand", "workspace", "strand"),
)
"""`minor` is what came onto the card (sold) or, below zero, went off it (redeemed), in minor units."""


class Movement(NamedTuple):
    """Something that happened to a card."""

    workspace: WorkspaceId
    fact: str
    code: str
    strand: bytes
    at: int
    currency: str
    minor: int


class CardShown(NamedTuple):
    """What is left on a card, and when it was sold: 0 where nobody has told us."""

    code: str
    currency: str
    left_minor: int
    sold_at: int


class Amount(NamedTuple):
    """What is left on all cards of one currency."""

    currency: str
    minor: int
    cards: int


def save(conn: Connection, rows: Sequence[Movement]) -> None:
    """Keep movements, each once for ever."""
    insert_ignore(conn, movements, [row._asdict() for row in sorted(rows)], key=("workspace", "fact"))


def cards(conn: Connection, workspace: WorkspaceId, *, code: str = "", limit: int = 100) -> list[CardShown]:
    """The cards of a shop (the one of this code where it is given), the latest first."""
    return _cards(conn, workspace, *([movements.c.code == code] if code else []), limit=limit)


def cards_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[bytes], *, limit: int = 10
) -> list[CardShown]:
    """The cards that somebody bought or paid with, the latest first."""
    m = movements.c
    theirs = sa.select(m.code).where(m.workspace == workspace, m.strand.in_(strands))
    return _cards(conn, workspace, m.code.in_(theirs), limit=limit)


def _cards(conn: Connection, workspace: WorkspaceId, *which: sa.ColumnElement[bool], limit: int) -> list[CardShown]:
    m = movements.c
    sold_at = sa.func.coalesce(sa.func.min(sa.case((m.minor > 0, m.at))), 0)
    query = (
        sa.select(m.code, m.currency, sa.func.sum(m.minor), sold_at)
        .where(m.workspace == workspace, *which)
        .group_by(m.code, m.currency)
        .order_by(sa.func.max(m.at).desc(), m.code, m.currency)
        .limit(limit)
    )
    return [CardShown(code, currency, int(left), int(at)) for code, currency, left, at in conn.execute(query)]


def left(conn: Connection, workspace: WorkspaceId) -> list[Amount]:
    """What is left on all cards that have something on them, by currency, the most cards first."""
    m = movements.c
    each = (
        sa.select(m.currency, sa.func.sum(m.minor).label("minor"))
        .where(m.workspace == workspace)
        .group_by(m.code, m.currency)
        .having(sa.func.sum(m.minor) > 0)
        .subquery()
    )
    number = sa.func.count()
    query = sa.select(each.c.currency, sa.func.sum(each.c.minor), number).group_by(each.c.currency)
    rows = conn.execute(query.order_by(number.desc(), each.c.currency))
    return [Amount(currency, int(minor), cards) for currency, minor, cards in rows]


def expired(conn: Connection, workspace: WorkspaceId, *, sold_before: int, limit: int) -> list[Movement]:
    """For each card with something on it that was sold before this time: the movement that takes it off.

    It is of whom the card was first, and its id is the card's own, so that writing it twice is writing it once.
    """
    m = movements.c
    each = (m.code, m.currency)
    cards = (
        sa.select(
            m.code, m.currency, m.strand,
            sa.func.sum(m.minor).over(partition_by=each).label("left"),
            sa.func.max(m.at).over(partition_by=each).label("moved_at"),
            sa.func.max(sa.case((m.minor > 0, m.at))).over(partition_by=each).label("sold_at"),
            sa.func.row_number().over(partition_by=each, order_by=(m.at, m.fact)).label("place"),
        )
        .where(m.workspace == workspace)
        .subquery()
    )  # fmt: skip
    c = cards.c
    query = (
        sa.select(c.code, c.currency, c.left, c.strand, c.moved_at)
        .where(c.place == 1, c.left > 0, c.sold_at < sold_before)
        .order_by(c.code, c.currency)
        .limit(limit)
    )
    return [
        Movement(workspace, f"expired:{code}:{currency}:{at}", code, strand, at, currency, -int(left))
        for code, currency, left, strand, at in conn.execute(query)
    ]
