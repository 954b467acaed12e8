"""Tables of fit: what was bought line by line, and what of it came back, each by the ids that make it count once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table

from rapport.capabilities.fit.model import Line, Pieces
from rapport.kernel.clock import DAY
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among

__all__ = [
    "Back", "Bought", "bought", "came_back", "lines_of", "of_item", "of_shop", "reasons_of", "save", "sold_of", "unsay",
]  # fmt: skip

bought = Table(
    "fit_bought",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("product_id", CText, primary_key=True),
    Column("variant", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Index("fit_bought_of_strand", "workspace", "strand"),
    Index("fit_bought_of_product", "workspace", "product_id", "at"),
    Index("fit_bought_at", "workspace", "at"),
)

came_back = Table(
    "fit_came_back",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("product_id", CText, primary_key=True),
    Column("variant", CText, primary_key=True),
    Column("refund_id", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("says", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Index("fit_came_back_of_product", "workspace", "product_id"),
)
"""`says`: -1 too small, 1 too large, 0 nothing of the size (`model.says_size`)."""

RECENT = 5_000
"""Lines, the latest that count, by which the share of an item and of the whole shop are told."""
OF_A_PERSON = 300

_b, _r = bought.c, came_back.c
_SAME = (_r.workspace == _b.workspace, _r.order_id == _b.order_id, _r.product_id == _b.product_id,
         _r.variant == _b.variant)  # fmt: skip


class Bought(NamedTuple):
    """A line of an order."""

    workspace: WorkspaceId
    order_id: str
    product_id: str
    variant: str
    strand: Key
    pieces: int
    at: int
    fact: str


class Back(NamedTuple):
    """A line that was sent back."""

    workspace: WorkspaceId
    order_id: str
    product_id: str
    variant: str
    refund_id: str
    strand: Key
    pieces: int
    says: int
    at: int
    fact: str


def save(conn: Connection, lines: Iterable[Bought], backs: Iterable[Back]) -> None:
    """Keep lines; of several reports of one the earliest counts, in whatever order they come."""
    _save(conn, bought, lines, 4)
    _save(conn, came_back, backs, 5)


def _save(conn: Connection, table: Table, rows: Iterable[Bought | Back], keys: int) -> None:
    first: dict[tuple[object, ...], Bought | Back] = {}
    for row in rows:
        known = first.setdefault(row[:keys], row)
        if (row.at, row.fact) < (known.at, known.fact):
            first[row[:keys]] = row
    names = [column.name for column in table.columns]
    upsert(
        conn, table, [first[key] for key in sorted(first, key=str)], key=tuple(names[:keys]),
        update={name: f"excluded.{name}" for name in names[keys:]},
        where=f"(excluded.at, excluded.fact) < ({table.name}.at, {table.name}.fact)",
    )  # fmt: skip


def of_shop(conn: Connection, workspace: WorkspaceId, *, until: int) -> Pieces:
    """Of the shop's latest lines before `until`: pieces sold and come back. Bounded, whatever the shop's size."""
    return _counted(conn, sa.select(bought).where(_b.workspace == workspace, _b.at < until))


def of_item(conn: Connection, workspace: WorkspaceId, product_id: str, *, until: int, variant: str = "") -> Pieces:
    """The same of one product, or of one of its variants."""
    which = (_b.variant == variant,) if variant else ()
    query = sa.select(bought).where(_b.workspace == workspace, _b.product_id == product_id, _b.at < until, *which)
    return _counted(conn, query)


def sold_of(
    conn: Connection, workspace: WorkspaceId, product_ids: Iterable[str], *, until: int
) -> dict[str, Pieces]:  # fmt: skip
    """Pieces of each of these products sold in the year before `until`, and come back; one never sold is missing."""
    back = sa.select(sa.func.coalesce(sa.func.sum(_r.pieces), 0)).where(*_SAME).correlate(bought).scalar_subquery()
    found: dict[str, Pieces] = {}
    query = sa.select(_b.product_id, _b.pieces, back).where(_b.at < until, _b.at >= until - 365 * DAY)
    for product_id, pieces, returned in select_among(conn, query, workspace, _b.product_id, product_ids):
        before = found.get(product_id, Pieces())
        found[product_id] = Pieces(before.sold + pieces, before.returned + min(pieces, int(returned)))
    return found


def _counted(conn: Connection, lines: sa.Select[tuple[object, ...]]) -> Pieces:
    some = lines.order_by(_b.at.desc(), _b.fact).limit(RECENT).subquery()
    back = sa.select(sa.func.sum(_r.pieces)).where(
        _r.workspace == some.c.workspace, _r.order_id == some.c.order_id, _r.product_id == some.c.product_id,
        _r.variant == some.c.variant,
    )  # fmt: skip
    each = sa.select(
        some.c.pieces, sa.func.coalesce(back.correlate(some).scalar_subquery(), 0).label("back")
    ).subquery()  # fmt: skip
    least = sa.case((each.c.back < each.c.pieces, each.c.back), else_=each.c.pieces)
    sold, returned = conn.execute(sa.select(sa.func.sum(each.c.pieces), sa.func.sum(least))).one()
    return Pieces(int(sold or 0), int(returned or 0))


def lines_of(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> list[Line]:
    """What a person bought, the latest lines first, each with what of it came back."""
    back = sa.select(sa.func.sum(_r.pieces)).where(*_SAME).correlate(bought).scalar_subquery()
    query = sa.select(_b.product_id, _b.variant, _b.pieces, sa.func.coalesce(back, 0), _b.at)
    rows = select_among(conn, query, workspace, _b.strand, strands)
    found = [
        Line(product, variant, sold, min(sold, int(returned)), at) for product, variant, sold, returned, at in rows
    ]
    return sorted(found, key=lambda line: -line.at)[:OF_A_PERSON]


def buyers_of(conn: Connection, workspace: WorkspaceId, product_id: str, *, limit: int) -> list[tuple[Key, int]]:
    """Who bought a product last, each identifier once, with when."""
    query = (
        sa.select(_b.strand, sa.func.max(_b.at).label("at"))
        .where(_b.workspace == workspace, _b.product_id == product_id)
        .group_by(_b.strand)
        .order_by(sa.desc("at"), _b.strand)
        .limit(limit)
    )
    return [(Key(bytes(strand)), at) for strand, at in conn.execute(query)]


def reasons_of(conn: Connection, workspace: WorkspaceId, product_id: str) -> tuple[int, int]:
    """Returns of a product that said too small, and too large."""
    query = sa.select(_r.says, sa.func.count()).where(
        _r.workspace == workspace, _r.product_id == product_id, _r.says != 0
    )  # fmt: skip
    small, large = 0, 0
    for says, number in conn.execute(query.group_by(_r.says)):
        small, large = (number, large) if says < 0 else (small, number)
    return small, large


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take away the lines of orders that withdrawn facts name; what others say of them is told again."""
    for table in (bought, came_back):
        change_among(conn, sa.delete(table), unsaid.workspace, table.c.order_id, unsaid.orders)
    return {}
