"""Tables of fit: what was bought line by line, and what of it came back, each by the ids that make it count once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

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
    "Back", "Bought", "bought", "came_back", "lines_of", "of_item", "of_shop", "reasons_of", "save", "sold_of",
    "told_by_line", "unsay",
]  # fmt: skip

bought = Table(
    "fit_bought",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("fact", CText, primary_key=True),
    Column("product_id", CText, primary_key=True),
    Column("variant", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("pieces", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("fit_bought_of_strand", "workspace", "strand"),
    Index("fit_bought_of_product", "workspace", "product_id", "at"),
    Index("fit_bought_at", "workspace", "at"),
)
"""By report and correction; of each order those lines count that the fact which counts says (`counted`)."""

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


class Bought(NamedTuple):
    """A line of an order."""

    workspace: WorkspaceId
    order_id: str
    fact: str
    product_id: str
    variant: str
    strand: Key
    pieces: int
    at: int


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
    """Keep lines; of several reports of one return the earliest counts, in whatever order they come."""
    own = {row[:5]: row for row in lines}
    names = [column.name for column in bought.columns]
    upsert(conn, bought, [own[key]._asdict() for key in sorted(own, key=str)], key=tuple(names[:5]),
           update=tuple(names[5:]))  # fmt: skip
    first: dict[tuple[object, ...], Back] = {}
    for row in backs:
        known = first.setdefault(row[:5], row)
        if (row.at, row.fact) < (known.at, known.fact):
            first[row[:5]] = row
    names = [column.name for column in came_back.columns]
    upsert(
        conn, came_back, [first[key]._asdict() for key in sorted(first, key=str)], key=tuple(names[:5]),
        update=tuple(names[5:]), where="(excluded.at, excluded.fact) < (fit_came_back.at, fit_came_back.fact)",
    )  # fmt: skip


def of_shop(conn: Connection, workspace: WorkspaceId, orders: sa.Subquery, *, until: int) -> Pieces:
    """Of the shop's latest lines before `until`: pieces sold and come back. Bounded, whatever the shop's size.

    `orders`, here and below: those that count, as `orders.sold` tells them.
    """
    return _summed(conn, _counted(workspace, orders).where(_b.at < until))


def of_item(
    conn: Connection, workspace: WorkspaceId, orders: sa.Subquery, product_id: str, *, until: int, variant: str = ""
) -> Pieces:
    """The same of one product, or of one of its variants."""
    which = (_b.variant == variant,) if variant else ()
    return _summed(conn, _counted(workspace, orders).where(_b.product_id == product_id, _b.at < until, *which))


def sold_of(
    conn: Connection, workspace: WorkspaceId, orders: sa.Subquery, product_ids: Iterable[str], *, until: int
) -> dict[str, Pieces]:
    """Pieces of each of these products sold in the year before `until`, and come back; one never sold is missing."""
    found: dict[str, Pieces] = {}
    query = _counted(workspace, orders).where(_b.at < until, _b.at >= until - 365 * DAY)
    for row in select_among(conn, query, workspace, _b.product_id, product_ids):
        before = found.get(row.product_id, Pieces())
        found[row.product_id] = Pieces(before.sold + row.pieces, before.returned + min(row.pieces, int(row.back)))
    return found


def _counted(workspace: WorkspaceId, orders: sa.Subquery) -> sa.Select[*tuple[Any, ...]]:
    """The lines that count, each with what of it came back: `strand, order_id, product_id, variant, pieces, at, back`.

    Those of the order's correction where it names any, or else of the report; none of a cancelled order. What came back
    under a variant that the order does not have, or under none, came back of the product's only line.
    """
    o, other = orders.c, bought.alias("other").c
    mine = (_b.order_id == o.order_id, other.workspace == workspace, other.order_id == o.order_id)
    is_corrected = sa.exists().where(*mine, other.fact == o.told)
    counts = sa.or_(_b.fact == o.told, sa.and_(_b.fact == o.fact, ~is_corrected))
    beside = sa.exists().where(
        *mine, other.fact == _b.fact, other.product_id == _b.product_id, other.variant != _b.variant
    )
    back = sa.select(sa.func.coalesce(sa.func.sum(_r.pieces), 0)).where(
        _r.workspace == workspace, _r.order_id == _b.order_id, _r.product_id == _b.product_id,
        sa.or_(_r.variant == _b.variant, ~beside),
    )  # fmt: skip
    return (
        sa.select(_b.strand, _b.order_id, _b.product_id, _b.variant, _b.pieces, _b.at,
                  back.correlate(bought, orders).scalar_subquery().label("back"))
        .select_from(bought.join(orders, o.order_id == _b.order_id))
        .where(_b.workspace == workspace, o.cancelled == 0, counts)
    )  # fmt: skip


def _summed(conn: Connection, lines: sa.Select[*tuple[Any, ...]]) -> Pieces:
    some = lines.order_by(_b.at.desc(), _b.fact, _b.product_id, _b.variant).limit(RECENT).subquery()
    least = sa.case((some.c.back < some.c.pieces, some.c.back), else_=some.c.pieces)
    sold, returned = conn.execute(sa.select(sa.func.sum(some.c.pieces), sa.func.sum(least))).one()
    return Pieces(int(sold or 0), int(returned or 0))


def told_by_line(conn: Connection, workspace: WorkspaceId, given_back: sa.Subquery) -> Pieces:
    """Of the latest refunded orders how many there are, and how many of them say which products came back."""
    g = given_back.c
    latest = sa.select(g.order_id, sa.func.max(g.at).label("at")).where(g.order_id.is_not(None)).group_by(g.order_id)
    some = latest.order_by(sa.desc("at")).limit(RECENT).subquery()
    named = sa.exists().where(_r.workspace == workspace, _r.order_id == some.c.order_id)
    orders, told = conn.execute(sa.select(sa.func.count(), sa.func.sum(sa.case((named, 1), else_=0)))
                                .select_from(some)).one()  # fmt: skip
    return Pieces(int(orders), int(told or 0))


def lines_of(
    conn: Connection, workspace: WorkspaceId, orders: sa.Subquery, strands: Collection[Key]
) -> list[Line]:  # fmt: skip
    """What a person bought, the latest lines first, each with what of it came back."""
    rows = select_among(conn, _counted(workspace, orders), workspace, _b.strand, strands)
    found = [Line(row.product_id, row.variant, row.pieces, min(row.pieces, int(row.back)), row.at) for row in rows]
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
