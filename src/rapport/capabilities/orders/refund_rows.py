"""The refunds that are kept, each once: by its order and its id, or, where it names none, by its customer and its id.

Shops number refunds one by one, or those of each order from 1. So an id says which refund it is only together with its
order. One that names no order is the same as another of the same id of the same customer, and the one that names an
order counts then. Who that customer is may change with any fact, so it is asked when refunds are counted; only where
another refund of the same id is there at all (`shared`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.capabilities.orders.changes import READING
from rapport.kernel.ids import Key, WorkspaceId
from rapport.resolve.graph.store import identifiers
from rapport.storage.bulk import upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.locks import Lock, lock_each
from rapport.storage.lookup import change_among

__all__ = ["IS_SHARED", "RefundRow", "counts_for_its_customer", "lock_refunds", "refund_key", "refunds", "save_refunds"]

_KEPT = sa.text("kept_until IS NOT NULL")
_SHARED = sa.text("shared = 1")

IS_SHARED = sa.literal_column("refunds.shared = 1", sa.Boolean)
_IS_ALONE = sa.literal_column("refunds.order_id IS NULL AND refunds.shared = 0", sa.Boolean)
"""As the partial indexes say it: `= ?` would not be seen to be the same."""

refunds = Table(
    "refunds",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("key", CText, primary_key=True),
    Column("refund_id", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("order_id", CText),
    Column("country", CText, nullable=False),
    Column("currency", CText, nullable=False),
    Column("amount_minor", BigInteger),
    Column("claim", Text),
    Column("was_at", BigInteger),
    Column("reading", SmallInteger, nullable=False, server_default="1"),
    Column("shared", SmallInteger, nullable=False, server_default="0"),
    Column("kept_until", BigInteger),
    Column("kept_law", Text),
    Index("refunds_at", "workspace", "at"),
    Index("refunds_order", "workspace", "order_id"),
    Index("refunds_strand", "workspace", "strand", "refund_id"),
    Index("refunds_same", "workspace", "refund_id"),
    Index("refunds_shared", "workspace", "at", sqlite_where=_SHARED, postgresql_where=_SHARED),
    Index("refunds_kept", "kept_until", sqlite_where=_KEPT, postgresql_where=_KEPT),
)
"""By `refund_key`. `strand` is of whom the fact tells, `rank` 0 the shop's word and 1 a browser's. Without an amount it
is what was left of the order. `claim` (JSON) is what it says of money, where its order decides what that is worth:
currency and amount follow it whenever the order changes. `was_at` is what the report before this one said; the kept
sums need it. `shared` (0 or 1): it names no order, and another has the same id. `kept_until` and `kept_law` are of
what stays of somebody erased, for the books (`books.py`)."""


class RefundRow(NamedTuple):
    """Money that went back."""

    workspace: WorkspaceId
    key: str
    refund_id: str
    at: int
    fact: str
    strand: bytes
    rank: int
    order_id: str | None
    country: str
    currency: str
    amount_minor: int | None
    claim: str | None
    reading: int = READING


def refund_key(refund_id: str, order_id: str | None, strand: Key) -> str:
    """Which refund of the shop it is: of its order, or of whom the fact tells. Ids hold no control characters."""
    return f"{refund_id}\x1f{order_id}" if order_id is not None else f"{refund_id}\x1f\x1f{strand.hex()}"


def lock_refunds(conn: Connection, rows: Collection[RefundRow], beside: Collection[WorkspaceId]) -> None:
    """Whoever keeps a refund without an order is alone with it in its shop; all others share: so that of two with one
    id, the later sees the earlier. `beside`: shops of which refunds that name an order may be kept beside these rows.
    To be called first, before any row is written.
    """
    alone = {row.workspace for row in rows if row.order_id is None}
    lock_each(conn, Lock.REFUNDS, alone, shared={*beside, *(row.workspace for row in rows)})


def save_refunds(conn: Connection, rows: Iterable[RefundRow]) -> None:
    """Keep refunds, of each the shop's word before a browser's, and then the earliest."""
    first: dict[tuple[int, str], RefundRow] = {}
    for row in rows:
        known = first.get((row.workspace, row.key))
        if known is None or (row.rank, row.at, row.fact) < (known.rank, known.at, known.fact):
            first[row.workspace, row.key] = row
    upsert(
        conn, refunds, [first[key] for key in sorted(first)], key=("workspace", "key"), update=_UPDATE, where=_EARLIER
    )
    for workspace in sorted({row.workspace for row in first.values()}):
        ours = (row for row in first.values() if row.workspace == workspace)
        _note_shared(conn, workspace, {row.refund_id for row in ours if row.refund_id != f"fact:{row.fact}"})


_REPORT = tuple(name for name in RefundRow._fields if name not in ("workspace", "key"))
_UPDATE = {**{name: f"excluded.{name}" for name in _REPORT}, "was_at": "refunds.at"}
_EARLIER = (
    "(excluded.reading > refunds.reading OR (excluded.reading = refunds.reading"
    " AND (excluded.rank, excluded.at, excluded.fact) < (refunds.rank, refunds.at, refunds.fact)))"
)


def _note_shared(conn: Connection, workspace: WorkspaceId, refund_ids: Collection[str]) -> None:
    """Those of these ids that name no order are shared where another refund has the id."""
    r, o = refunds.c, refunds.alias("other").c
    others = sa.exists().where(o.workspace == r.workspace, o.refund_id == r.refund_id, o.key != r.key)
    update = sa.update(refunds).values(shared=1).where(_IS_ALONE, others.correlate(refunds))
    change_among(conn, update, workspace, r.refund_id, sorted(refund_ids))


def counts_for_its_customer() -> sa.ColumnElement[bool]:
    """Whether a refund that names no order is not told better by another of the same id of the same customer: one that
    names its order and is not less the shop's word, or else an earlier one. As `ledger_refunds.each_once` has it.
    """
    r, other, mine, theirs = refunds.c, refunds.alias("other"), identifiers.alias("mine"), identifiers.alias("theirs")
    of_mine = (mine.c.workspace == r.workspace, mine.c.key == r.strand)
    root = sa.select(mine.c.root).where(*of_mine).correlate(refunds).scalar_subquery()
    of_theirs = (theirs.c.workspace == r.workspace, theirs.c.root == root)
    strands = (
        sa.select(theirs.c.key).where(*of_theirs).correlate(refunds).union_all(sa.select(r.strand).correlate(refunds))
    )
    o = other.c
    better = sa.or_(
        sa.and_(o.order_id.is_not(None), o.rank <= r.rank),
        sa.and_(o.order_id.is_(None), sa.tuple_(o.rank, o.at, o.fact) < sa.tuple_(r.rank, r.at, r.fact)),
    )
    same = (o.workspace == r.workspace, o.refund_id == r.refund_id, o.strand.in_(strands))
    told = sa.exists().where(*same, better).correlate(refunds)
    return sa.or_(r.shared == 0, ~told)
