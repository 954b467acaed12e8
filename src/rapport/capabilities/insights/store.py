"""Tables of insights: what each report of an order says beside its money, and its lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text

from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among

__all__ = [
    "Line",
    "Sale",
    "Touch",
    "erase_lines",
    "lines_of",
    "sale_lines",
    "sales",
    "save",
    "save_touchpoints",
    "touchpoints",
    "unsay",
]

sales = Table(
    "sales",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("strand", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("channel", CText, nullable=False),
    Column("device", CText, nullable=False),
    Column("margin_minor", BigInteger),
    Index("sales_strand", "workspace", "strand"),
)
"""By the fact that reported an order; which of several reports counts, the order's own row says. Empty: not known."""

sale_lines = Table(
    "sale_lines",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("fact", CText, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("product_id", CText, nullable=False),
    Column("name", Text, nullable=False),
    Column("pieces", BigInteger, nullable=False),
    Column("minor", BigInteger),
    Column("cost_minor", BigInteger),
    Index("sale_lines_product", "workspace", "product_id"),
)
"""The lines of those reports: what all pieces of a line were sold for and cost, in the report's currency."""

touchpoints = Table(
    "touchpoints",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, nullable=False),
    Column("kind", CText, nullable=False),
    Column("step", SmallInteger, nullable=False),
    Column("channel", CText, nullable=False),
    Column("device", CText, nullable=False),
    Index("touchpoints_strand", "workspace", "strand"),
    sqlite_with_rowid=False,
)
"""Each fact in which somebody met the shop (`touchpoints.py`), in the order of time, so that a period is read as one
piece. `step` is that towards an order, 0 for none."""

MOST_LINES = 500
"""Lines of an order that are kept."""


class Line(NamedTuple):
    """One line of an order."""

    product_id: str
    name: str
    pieces: int
    minor: int | None
    cost_minor: int | None


class Sale(NamedTuple):
    """What a report of an order says beside its money."""

    workspace: WorkspaceId
    fact: str
    strand: Key
    at: int
    channel: str
    device: str
    margin_minor: int | None
    lines: Sequence[Line]


def save(conn: Connection, told: Iterable[Sale]) -> None:
    """Keep them; told again, a report takes the place of itself."""
    by_fact = {(one.workspace, one.fact): one for one in told}
    found = [by_fact[key] for key in sorted(by_fact)]
    rows: list[dict[str, Any]] = [{name: getattr(one, name) for name in sales.c.keys()} for one in found]  # noqa: SIM118
    upsert(conn, sales, rows, key=("workspace", "fact"), update=("channel", "device", "margin_minor"))
    lines = [
        {"workspace": one.workspace, "fact": one.fact, "line": number, **line._asdict()}
        for one in found
        for number, line in enumerate(one.lines[:MOST_LINES])
    ]
    upsert(
        conn, sale_lines, lines, key=("workspace", "fact", "line"),
        update=("product_id", "name", "pieces", "minor", "cost_minor"),
    )  # fmt: skip


class Touch(NamedTuple):
    """One touchpoint of somebody."""

    workspace: WorkspaceId
    at: int
    seq: int
    strand: Key
    kind: str
    step: int
    channel: str
    device: str


def save_touchpoints(conn: Connection, met: Iterable[Touch]) -> None:
    """Keep them; one that is told again is read anew."""
    rows = sorted({(one.workspace, one.at, one.seq): one for one in met}.values())
    upsert(
        conn, touchpoints, rows, key=("workspace", "at", "seq"), update=("kind", "step", "channel", "device"),
    )  # fmt: skip


def lines_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> Iterable[dict[str, Any]]:
    """The lines of a person's orders, in plain values."""
    own = (sale_lines.c.workspace == sales.c.workspace) & (sale_lines.c.fact == sales.c.fact)
    query = sa.select(
        sales.c.at, *(sale_lines.c[name] for name in ("fact", "product_id", "name", "pieces", "minor"))
    ).select_from(sale_lines.join(sales, own))
    for some in chunks(sorted(keys), 500):
        for row in conn.execute(query.where(sales.c.workspace == workspace, sales.c.strand.in_(some))):
            yield {**row._mapping, "at": to_iso(row.at)}


def erase_lines(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> int:
    """Take away the lines of a person's orders; before those."""
    gone = 0
    for some in chunks(sorted(keys), 500):
        theirs = sa.select(sales.c.fact).where(sales.c.workspace == workspace, sales.c.strand.in_(some))
        query = sale_lines.delete().where(sale_lines.c.workspace == workspace, sale_lines.c.fact.in_(theirs))
        gone += conn.execute(query).rowcount
    return gone


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Take away the reports and touchpoints of withdrawn facts."""
    for table in (sale_lines, sales):
        change_among(conn, sa.delete(table), unsaid.workspace, table.c.fact, unsaid.facts)
    t = touchpoints.c
    places = sa.tuple_(t.workspace, t.at, t.seq)
    met = sorted((int(unsaid.workspace), one.fact.occurred_at, one.fact.seq) for one in unsaid.said)
    gone = sum(conn.execute(touchpoints.delete().where(places.in_(some))).rowcount for some in chunks(met, 300))
    return {"touchpoints": gone} if gone else {}
