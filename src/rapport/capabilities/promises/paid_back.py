"""What of an order was paid back: those pieces are to come no more. Each refund once, whatever order facts come in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, MetaData, Table, Text

from rapport.capabilities.promises import store, unsaying
from rapport.capabilities.promises.shipments import Back, Line
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.remember.whose import told_of
from rapport.storage.bulk import insert_ignore
from rapport.storage.engine import CText
from rapport.storage.lookup import change_among, select_among

__all__ = ["PaidBack", "backs_of", "paid_back", "save_backs", "unsay"]

paid_back = Table(
    "promises_paid_back",
    MetaData(),
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("order_id", CText, nullable=False),
    Column("refund_id", CText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("lines", Text, nullable=False),
    Index("promises_paid_back_of_order", "workspace", "order_id"),
)
"""Refunds, with the products (JSON) of which they are: none where they only say an amount."""


class PaidBack(NamedTuple):
    """What a fact says of a refund."""

    order_id: str
    fact: str
    refund_id: str
    at: int
    lines: tuple[Line, ...]


def save_backs(conn: Connection, workspace: WorkspaceId, said: Iterable[PaidBack]) -> None:
    """Keep refunds, each by its fact."""
    rows = [{"workspace": workspace, **one._asdict(), "lines": store.encode_lines(one.lines)} for one in sorted(said)]
    insert_ignore(conn, paid_back, rows, key=("workspace", "fact"))


def backs_of(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> Mapping[str, list[Back]]:
    """By order: what was paid back of it, the first first. Strangers' refunds are none."""
    rows = list(select_among(conn, sa.select(paid_back), workspace, paid_back.c.order_id, order_ids))
    if not rows:
        return {}
    with_refunds = sorted({row.order_id for row in rows})
    aside = {fact for told in told_of(conn, workspace, with_refunds).values() for fact in told.aside}
    latest = {
        (row.order_id, row.refund_id): row
        for row in sorted(rows, key=lambda one: (one.at, one.fact))
        if row.fact not in aside
    }
    found: defaultdict[str, list[Back]] = defaultdict(list)
    for row in sorted(latest.values(), key=lambda one: (one.at, one.fact)):
        found[row.order_id].append(Back(row.at, store.decode_lines(row.lines)))
    return found


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take away what withdrawn facts said of orders, refunds included."""
    change_among(conn, sa.delete(paid_back), unsaid.workspace, paid_back.c.fact, unsaid.facts)
    return unsaying.unsay(conn, unsaid)
