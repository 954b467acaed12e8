"""Tables of measuring: decisions with what they showed, what came of it, and facts by the minute."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table

from rapport.kernel.clock import MINUTE, to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Unsaid
from rapport.measure.days import day_column, spans_of, zone_named
from rapport.measure.model import Question
from rapport.storage.bulk import insert_ignore, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.lookup import change_among, select_among

__all__ = [
    "DecisionPlace",
    "DecisionRow",
    "ItemRow",
    "OutcomeRow",
    "add_minutes",
    "days_asked",
    "decision_items",
    "decision_outcomes",
    "decisions",
    "decisions_by",
    "fact_minutes",
    "facts_by",
    "has_items",
    "items_of",
    "latest_decisions",
    "placements_of",
    "save_decisions",
    "save_outcomes",
    "shown_by",
    "unsay",
]

_SALE = sa.text("kind = 'bought'")

decisions = Table(
    "decisions",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("id", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("placement", CText, nullable=False),
    Column("policy", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Index("decisions_at", "workspace", "at"),
)

decision_items = Table(
    "decision_items",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("strand", LargeBinary, primary_key=True),
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("decision_id", CText, primary_key=True),
    Column("item_id", CText, primary_key=True),
    Column("kind", CText, nullable=False, server_default="product"),
    sqlite_with_rowid=False,
)
"""What each decision showed, found by customer and time; all items of one decision are of one kind."""

decision_outcomes = Table(
    "decision_outcomes",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("decision_id", CText, primary_key=True),
    Column("kind", CText, primary_key=True),
    Column("product_id", CText, primary_key=True),
    Column("order_id", CText, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("fact_id", CText, nullable=False),
    Column("minor", BigInteger),
    Column("currency", CText),
    Index("decision_sales", "workspace", "at", sqlite_where=_SALE, postgresql_where=_SALE),
    sqlite_with_rowid=False,
)
"""`clicked`, once for a product of a decision, and `bought`, once for each order of it: `order_id` is the order's
number, or the id of the fact where it has none, and empty of a click. `minor` is what was paid for a bought
product, all its pieces, by the order's own prices; nothing where the order states none, or came before it was noted."""

fact_minutes = Table(
    "fact_minutes",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("source", CText, primary_key=True),
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("facts", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Counted in one row a worker, so that workers do not wait for each other."""

_SHARDS = 64

MinuteKey = tuple[WorkspaceId, int, str]


class DecisionPlace(NamedTuple):
    """Where a decision stands in the list; several may have been made in one microsecond."""

    at: int
    id: str


class DecisionRow(NamedTuple):
    """A decision that was made."""

    workspace: WorkspaceId
    id: str
    at: int
    placement: str
    policy: str
    strand: bytes


class ItemRow(NamedTuple):
    """An item that a decision showed to a customer."""

    workspace: WorkspaceId
    strand: bytes
    at: int
    decision_id: str
    item_id: str
    kind: str


class OutcomeRow(NamedTuple):
    """What came of a decision."""

    workspace: WorkspaceId
    decision_id: str
    kind: str
    product_id: str
    at: int
    fact_id: str
    minor: int | None = None
    currency: str | None = None
    order_id: str = ""


def save_decisions(conn: Connection, made: Iterable[DecisionRow], items: Iterable[ItemRow]) -> None:
    """Keep decisions and what they showed; known ones are left out."""
    insert_ignore(conn, decisions, sorted(made))
    insert_ignore(conn, decision_items, sorted(items))


def save_outcomes(conn: Connection, rows: Iterable[OutcomeRow]) -> None:
    """Keep what came of decisions; of each kind, product and order the first that was handled."""
    key = ("workspace", "decision_id", "kind", "product_id", "order_id")
    named = [row._asdict() for row in sorted(rows, key=lambda row: row[:6])]
    insert_ignore(conn, decision_outcomes, named, key=key)


def add_minutes(conn: Connection, counts: Mapping[MinuteKey, int]) -> None:
    """Count facts to their minutes."""
    shard = os.getpid() % _SHARDS
    rows = [
        {"workspace": workspace, "minute": minute, "source": source, "shard": shard, "facts": counts[key]}
        for key in sorted(counts)
        for workspace, minute, source in [key]
    ]
    upsert(
        conn, fact_minutes, rows, key=("workspace", "minute", "source", "shard"),
        update={"facts": "fact_minutes.facts + excluded.facts"},
    )  # fmt: skip


def has_items(conn: Connection, workspace: WorkspaceId) -> bool:
    """Whether anything was ever shown to a known customer of this shop."""
    query = sa.select(decision_items.c.at).where(decision_items.c.workspace == workspace).limit(1)
    return conn.execute(query).first() is not None


def items_of(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key], *, kind: str, since: int, until: int
) -> list[ItemRow]:
    """Which items of this kind were shown to these strands in the period."""
    i = decision_items.c
    query = sa.select(i.workspace, i.strand, i.at, i.decision_id, i.item_id, i.kind).where(
        i.at >= since, i.at <= until, i.kind == kind
    )
    return [ItemRow._make(row) for row in select_among(conn, query, workspace, i.strand, strands)]


def shown_by(conn: Connection, workspace: WorkspaceId, decision_ids: Collection[str]) -> dict[str, set[str]]:
    """The products that these decisions showed, of those whose items are kept: for somebody known."""
    d, i = decisions.c, decision_items.c
    items = (i.workspace == d.workspace) & (i.strand == d.strand) & (i.at == d.at) & (i.decision_id == d.id)
    query = sa.select(d.id, i.item_id).select_from(decisions.join(decision_items, items)).where(i.kind == "product")
    found: dict[str, set[str]] = {}
    for row in select_among(conn, query, workspace, d.id, decision_ids):
        found.setdefault(row.id, set()).add(row.item_id)
    return found


def placements_of(conn: Connection, workspace: WorkspaceId, decision_ids: Collection[str]) -> dict[str, str]:
    """The placement of each of these decisions; one that is not known is missing."""
    query = sa.select(decisions.c.id, decisions.c.placement)
    return {row.id: row.placement for row in select_among(conn, query, workspace, decisions.c.id, decision_ids)}


def latest_decisions(
    conn: Connection, workspace: WorkspaceId, *, placement: str = "", before: DecisionPlace | None = None, limit: int
) -> list[DecisionRow]:
    """Decisions behind a place in the list (its start where None), the latest first; of one placement where named."""
    d = decisions.c
    query = sa.select(*(d[name] for name in DecisionRow._fields)).where(d.workspace == workspace)
    if placement:
        query = query.where(d.placement == placement)
    if before:
        query = query.where(sa.tuple_(d.at, d.id) < sa.tuple_(sa.literal(before.at), sa.literal(before.id)))
    return [DecisionRow._make(row) for row in conn.execute(query.order_by(d.at.desc(), d.id.desc()).limit(limit))]


def decisions_by(conn: Connection, question: Question) -> list[dict[str, Any]]:
    """Rows of the metric `decisions`."""
    d, o = decisions.c, decision_outcomes.c
    key = {"placement": d.placement, "policy": d.policy, "day": days_asked(d.at, question)}[question.by]
    also = decision_outcomes.alias().c
    of_decision = (o.workspace == d.workspace, o.decision_id == d.id)
    clicked = sa.exists().where(*of_decision, o.kind == "clicked")
    bought = sa.exists().where(
        *of_decision, o.kind == "bought", also.workspace == o.workspace, also.decision_id == o.decision_id,
        also.kind == "clicked", also.product_id == o.product_id,
    )  # fmt: skip
    query = (
        sa.select(key, sa.func.count(), _count_if(clicked), _count_if(bought))
        .where(d.workspace == question.workspace, d.at >= question.since, d.at < question.until)
        .group_by(sa.literal_column("1"))
        .order_by(sa.literal_column("1"))
    )
    return [
        {question.by: _label(question.by, group), "decided": decided, "clicked": hits or 0, "bought": sales or 0}
        for group, decided, hits, sales in conn.execute(query)
    ]


def days_asked(at: sa.ColumnElement[int], question: Question) -> sa.ColumnElement[int]:
    """The days, in the zone that is asked for, of the moments in a column."""
    return day_column(at, spans_of(zone_named(question.zone), question.since, question.until))


def facts_by(conn: Connection, question: Question) -> list[dict[str, Any]]:
    """Rows of the metric `facts`."""
    f = fact_minutes.c
    key = {"minute": f.minute, "source": f.source}[question.by]
    query = (
        sa.select(key, sa.func.sum(f.facts))
        .where(f.workspace == question.workspace, f.minute >= question.since, f.minute < question.until)
        .group_by(key)
        .order_by(key)
    )
    return [
        {question.by: to_iso(group) if question.by == "minute" else group, "facts": int(facts)}
        for group, facts in conn.execute(query)
    ]


def minutes_of(received: Iterable[tuple[WorkspaceId, int, str]]) -> Counter[MinuteKey]:
    """How many facts each shop received in each minute from each source."""
    return Counter((workspace, at - at % MINUTE, source) for workspace, at, source in received)


def _count_if(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


def _label(by: str, group: Any) -> str:
    return to_iso(group)[:10] if by == "day" else str(group)


def unsay(conn: Connection, unsaid: Unsaid) -> Mapping[str, int]:
    """Withdrawn facts are counted no more, and what came of decisions by them did not come of them."""
    change_among(conn, sa.delete(decision_outcomes), unsaid.workspace, decision_outcomes.c.fact_id, unsaid.facts)
    counted = minutes_of((one.workspace, one.fact.received_at, one.fact.source) for one in unsaid.said)
    f = fact_minutes.c
    for (workspace, minute, source), left in sorted(counted.items()):
        number = left
        here = (f.workspace == workspace, f.minute == minute, f.source == source)
        for row in conn.execute(sa.select(f.shard, f.facts).where(*here)).all():
            less = min(number, row.facts)
            number -= less
            conn.execute(fact_minutes.update().where(*here, f.shard == row.shard).values(facts=row.facts - less))
        conn.execute(fact_minutes.delete().where(*here, f.facts == 0))
    return {}
