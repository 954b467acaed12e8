"""Tables of carts and orders. Orders are joined by SQL, so that several workers may report the same one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.sql.util import ClauseAdapter

from rapport.capabilities.orders.model import CartStory
from rapport.capabilities.orders.refund_rows import counts_for_its_customer, refunds
from rapport.kernel.clock import to_iso
from rapport.kernel.ids import Key, WorkspaceId
from rapport.measure.model import Question
from rapport.measure.store import days_asked
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers
from rapport.storage.bulk import chunks, upsert
from rapport.storage.engine import CText, metadata
from rapport.storage.locks import Lock, lock_each

__all__ = [
    "NEVER",
    "UNREPORTED",
    "CartCounts",
    "OrderPart",
    "Range",
    "Revenue",
    "abandoned_carts",
    "cart_counts",
    "carts",
    "currency_of_order",
    "has_carts",
    "is_corrected",
    "left_of",
    "lock_customers",
    "orders",
    "refunds_of",
    "replace_carts",
    "revenue_live",
    "taken_by_refunds",
    "theirs",
    "with_open_carts",
    "worth_of_order",
]

_KEPT = sa.text("kept_until IS NOT NULL")
_LEFT = sa.text("abandoned_at IS NOT NULL AND ordered_at IS NULL AND emptied_at IS NULL")

carts = Table(
    "carts",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("started_by", CText, primary_key=True),
    Column("cart_id", Text),
    Column("strand", LargeBinary, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("abandoned_at", BigInteger),
    Column("ordered_at", BigInteger),
    Column("emptied_at", BigInteger),
    Column("value_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Index("carts_strand", "workspace", "strand"),
    Index("carts_started", "workspace", "started_at"),
    Index("carts_left", "workspace", "abandoned_at", sqlite_where=_LEFT, postgresql_where=_LEFT),
)

orders = Table(
    "orders",
    metadata,
    Column("workspace", Integer, primary_key=True, autoincrement=False),
    Column("order_id", CText, primary_key=True),
    Column("rank", SmallInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("fact", CText, nullable=False),
    Column("strand", LargeBinary, nullable=False),
    Column("country", CText, nullable=False),
    Column("currency", CText, nullable=False),
    Column("revenue_minor", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("updated_fact", CText, nullable=False),
    Column("updated_currency", CText, nullable=False),
    Column("updated_minor", BigInteger, nullable=False),
    Column("cancelled_at", BigInteger),
    Column("gross_minor", BigInteger),
    Column("prices", Text),
    Column("updated_gross", BigInteger),
    Column("updated_told", Text),
    Column("was_at", BigInteger),
    Column("reading", SmallInteger, nullable=False, server_default="1"),
    Column("updated_reading", SmallInteger, nullable=False, server_default="1"),
    Column("cancelled_reading", SmallInteger, nullable=False, server_default="1"),
    Column("kept_until", BigInteger),
    Column("kept_law", Text),
    Column("tax_minor", BigInteger),
    Index("orders_at", "workspace", "at"),
    Index("orders_of_strand", "workspace", "strand", "at"),
    Index("orders_kept", "kept_until", sqlite_where=_KEPT, postgresql_where=_KEPT),
)
"""By order id. `rank` is that of the report (`ledger.Change`), `UNREPORTED` where there is none so far. `prices` (JSON)
and `updated_told` (JSON, where the correction states no currency) are for the refunds and the currency: `settle`.
`reading`, of report, correction and cancellation each, is by which version it was read (`READING`; 0 where there is
none): what a newer one reads takes the place of what an older one did, whichever of the facts it was. `kept_until`,
`kept_law` and `tax_minor` are of what stays of somebody erased, for the books (`books.py`), and of it alone."""

UNREPORTED = 8

NEVER = 2**62


class OrderPart(NamedTuple):
    """What one fact says of an order; the defaults say nothing."""

    workspace: WorkspaceId
    order_id: str
    strand: bytes
    rank: int = UNREPORTED
    at: int = NEVER
    fact: str = ""
    country: str = ""
    currency: str = ""
    revenue_minor: int = 0
    updated_at: int = -1
    updated_fact: str = ""
    updated_currency: str = ""
    updated_minor: int = 0
    cancelled_at: int | None = None
    gross_minor: int | None = None
    prices: str | None = None
    updated_gross: int | None = None
    updated_told: str | None = None
    reading: int = 0
    updated_reading: int = 0
    cancelled_reading: int = 0


class Range(NamedTuple):
    """A span of time; its end does not belong to it."""

    since: int
    until: int


class CartCounts(NamedTuple):
    """Carts that were started on a day."""

    day: int
    started: int
    ordered: int
    abandoned: int
    recovered: int


class Revenue(NamedTuple):
    """What orders brought and refunds took back, in minor units."""

    key: str
    currency: str
    orders: int
    revenue_minor: int
    """Before refunds."""
    cancelled_minor: int
    """What was not refunded of cancelled orders."""
    refunds_minor: int

    @property
    def net_minor(self) -> int:
        """What was kept."""
        return self.revenue_minor - self.cancelled_minor - self.refunds_minor


def replace_carts(
    conn: Connection, workspace: WorkspaceId, since: Mapping[Key, int], stories: Sequence[CartStory]
) -> None:
    """These are the carts of the strands in `since`, of each those that were started at or after its moment."""
    for some in chunks(since, 500):
        by_moment: dict[int, list[Key]] = {}
        for strand in some:
            by_moment.setdefault(since[strand], []).append(strand)
        later = (
            carts.c.strand.in_(strands) & (carts.c.started_at >= moment)
            for moment, strands in sorted(by_moment.items())
        )
        conn.execute(carts.delete().where(carts.c.workspace == workspace, sa.or_(*later)))
    rows = [
        {
            "workspace": workspace, "started_by": story.started_by, "cart_id": story.cart_id, "strand": story.strand,
            "started_at": story.started_at, "changed_at": story.changed_at, "abandoned_at": story.abandoned_at,
            "ordered_at": story.ordered_at, "emptied_at": story.emptied_at, "value_minor": story.value_minor,
            "currency": story.currency,
        }
        for story in stories
    ]  # fmt: skip
    changing = [column.name for column in carts.columns if not column.primary_key]
    upsert(conn, carts, rows, key=("workspace", "started_by"), update=changing)


def abandoned_carts(
    conn: Connection, workspace: WorkspaceId, strands: Collection[Key]
) -> set[tuple[str, str | None, int]]:
    """(started_by, cart_id, abandoned_at) of the carts of these strands that are known to be abandoned."""
    c = carts.c
    query = sa.select(c.started_by, c.cart_id, c.abandoned_at).where(
        c.workspace == workspace, c.abandoned_at.is_not(None)
    )
    return {
        (started_by, cart_id, abandoned_at)
        for some in chunks(strands, 500)
        for started_by, cart_id, abandoned_at in conn.execute(query.where(c.strand.in_(some)))
    }


def has_carts(conn: Connection, workspace: WorkspaceId) -> bool:
    """Whether this shop has carts at all."""
    return bool(conn.execute(sa.select(sa.exists().where(carts.c.workspace == workspace))).scalar())


def with_open_carts(conn: Connection, workspace: WorkspaceId, strands: Collection[Key]) -> set[bytes]:
    """Those of the strands that have a cart neither ordered nor emptied."""
    query = sa.select(carts.c.strand).where(
        carts.c.workspace == workspace, carts.c.ordered_at.is_(None), carts.c.emptied_at.is_(None)
    )
    found: set[bytes] = set()
    for some in chunks(strands, 500):
        found.update(conn.execute(query.where(carts.c.strand.in_(some))).scalars())
    return found


def lock_customers(conn: Connection, roots: Iterable[bytes]) -> None:
    """Be the only one who judges the carts of these customers, until the transaction ends."""
    lock_each(conn, Lock.CARTS, (int.from_bytes(root[:4], "big", signed=True) for root in roots))


def refunds_of(conn: Connection, workspace: WorkspaceId, keys: Collection[Key]) -> list[dict[str, Any]]:
    """The refunds of the orders of these strands, in plain values."""
    columns = (refunds.c.refund_id, refunds.c.order_id, refunds.c.at, refunds.c.currency, refunds.c.amount_minor)
    return [
        {**row._mapping, "at": to_iso(row.at)}
        for some in chunks(sorted(keys), 500)
        for row in conn.execute(sa.select(*columns).where(*theirs(refunds, workspace, some)))
    ]


def theirs(table: Table, workspace: WorkspaceId, keys: Collection[Key]) -> tuple[sa.ColumnElement[bool], ...]:
    """Which rows of orders or refunds are of the orders of these strands; refunds that name none, or one that nobody
    has reported, are of their own.
    """
    of_orders = (orders.c.workspace == workspace, orders.c.strand.in_(keys))
    ours = sa.select(orders.c.order_id).where(*of_orders)
    if table is orders:
        return of_orders
    r, known = refunds.c, orders.alias("known")
    reported = sa.exists().where(known.c.workspace == r.workspace, known.c.order_id == r.order_id).correlate(refunds)
    alone = sa.or_(r.order_id.is_(None), ~reported)
    return r.workspace == workspace, sa.or_(r.order_id.in_(ours), sa.and_(alone, r.strand.in_(keys)))


def cart_counts(conn: Connection, question: Question) -> list[CartCounts]:
    """Carts by the day of the shop on which they were started, in order."""
    c = carts.c
    day = days_asked(c.started_at, question)
    query = (
        sa.select(
            day, sa.func.count(), sa.func.count(c.ordered_at), sa.func.count(c.abandoned_at),
            sa.func.count(sa.case((c.abandoned_at.is_not(None), c.ordered_at))),
        )
        .where(c.workspace == question.workspace, c.started_at >= question.since, c.started_at < question.until)
        .group_by(sa.literal_column("1"))
        .order_by(sa.literal_column("1"))
    )  # fmt: skip
    return [CartCounts._make(row) for row in conn.execute(query)]


def revenue_live(conn: Connection, question: Question, *, ranges: Sequence[Range] = ()) -> list[Revenue]:
    """Revenue by `day` (the shop's, by its local start), `country` or `currency`, and by currency within it.

    An order that names no country counts for the customer's. All of it as the customers' own ledgers have it: refunds
    of cancelled orders count as refunds, and of such an order only what was not refunded is lost besides.
    Only what lies in `ranges`, where there are any. Cost: the orders and refunds of that time.
    """
    found: dict[tuple[str, str], Revenue] = {}
    for group, code, count, total, cancelled in conn.execute(_sold(question, ranges)):
        found[str(group), code] = Revenue(str(group), code, count, int(total or 0), int(cancelled or 0), 0)
    for group, code, total in conn.execute(_given_back(question, ranges)):
        before = found.get((str(group), code), Revenue(str(group), code, 0, 0, 0, 0))
        found[str(group), code] = before._replace(refunds_minor=int(total or 0))
    return [found[key] for key in sorted(found)]


def _sold(question: Question, ranges: Sequence[Range]) -> sa.Select[*tuple[Any, ...]]:
    """Group, currency, orders, what they earned before refunds, what cancelling lost besides refunds."""
    o = orders.c
    currency = currency_of_order()
    placed, lives_in = _with_customers(orders, question)
    keys: dict[str, sa.ColumnElement[Any]] = {
        "day": days_asked(o.at, question), "country": _first_stated(o.country, lives_in), "currency": currency,
    }  # fmt: skip
    lost = sa.case((o.cancelled_at.is_(None), 0), else_=left_of(refunds.alias("given"), currency))
    return (
        sa.select(keys[question.by], currency, sa.func.count(), sa.func.sum(worth_of_order()), sa.func.sum(lost))
        .select_from(placed)
        .where(o.workspace == question.workspace, o.rank < UNREPORTED, _within(o.at, question, ranges))
        .group_by(sa.literal_column("1"), sa.literal_column("2"))
    )


def _given_back(question: Question, ranges: Sequence[Range]) -> sa.Select[*tuple[Any, ...]]:
    """Group, currency, refunds."""
    r = refunds.c
    asked = _within(r.at, question, ranges)
    taken = taken_by_refunds(question.workspace, asked)
    made, lives_in = _with_customers(taken, question)
    t = taken.c
    keys: dict[str, sa.ColumnElement[Any]] = {
        "day": days_asked(t.at, question), "country": _first_stated(t.order_country, t.country, lives_in),
        "currency": t.currency,
    }  # fmt: skip
    return (
        sa.select(keys[question.by], t.currency, sa.func.sum(t.amount))
        .select_from(made)
        .where(_within(t.at, question, ranges))
        .group_by(sa.literal_column("1"), sa.literal_column("2"))
    )


def taken_by_refunds(workspace: WorkspaceId, *which: sa.ColumnElement[bool]) -> sa.Subquery:
    """At least these refunds, each with the `amount` it takes of its order: the earlier ones first, until nothing is
    left; where that order is not known, or is in another currency, what it says. Beside it `order_id`, `at`, `currency`
    and `country`, and of the order `fact`, `strand` and `order_country`. Cost: one pass over these orders' refunds.
    """
    o, r = orders.c, refunds.c
    theirs = refunds.alias("theirs")
    worth = worth_of_order()
    says = sa.case((r.amount_minor < worth, r.amount_minor), else_=worth)
    before = sa.func.sum(says).over(
        partition_by=(r.order_id, r.currency), order_by=(r.at, r.fact), rows=(None, -1)
    )  # fmt: skip
    rest = worth - sa.func.coalesce(before, 0)
    left = sa.case((worth <= 0, 0), (rest > 0, rest), else_=0)
    capped = sa.case((r.amount_minor < left, r.amount_minor), else_=left)
    of_its_order = (o.rank < UNREPORTED) & (r.currency == currency_of_order())
    unnamed = sa.and_(r.order_id.is_(None), counts_for_its_customer(), *which)
    own = sa.select(theirs.c.order_id).where(
        theirs.c.workspace == workspace, theirs.c.order_id.is_not(None),
        *(ClauseAdapter(theirs).traverse(one) for one in which),
    )  # fmt: skip
    return (
        sa.select(
            r.order_id, r.at, r.currency, r.country, o.fact, o.strand, o.country.label("order_country"),
            sa.case((of_its_order, capped), else_=sa.func.coalesce(r.amount_minor, 0)).label("amount"),
        )
        .select_from(refunds.outerjoin(orders, (o.workspace == r.workspace) & (o.order_id == r.order_id)))
        .where(r.workspace == workspace, sa.or_(unnamed, r.order_id.in_(own)) if which else sa.true())
        .subquery("taken")
    )  # fmt: skip


def _within(at: sa.ColumnElement[int], question: Question, ranges: Sequence[Range]) -> sa.ColumnElement[bool]:
    some = ranges or [Range(question.since, question.until)]
    return sa.or_(*(sa.and_(at >= since, at < until) for since, until in some))


def is_corrected() -> sa.ColumnElement[bool]:
    """Whether a correction is later than the report of an order."""
    return sa.tuple_(orders.c.updated_at, orders.c.updated_fact) > sa.tuple_(orders.c.at, orders.c.fact)


def currency_of_order() -> sa.ColumnElement[str]:
    """An order's currency, after corrections."""
    return sa.case((is_corrected(), orders.c.updated_currency), else_=orders.c.currency)


def worth_of_order() -> sa.ColumnElement[int]:
    """An order's revenue before refunds."""
    return sa.case((is_corrected(), orders.c.updated_minor), else_=orders.c.revenue_minor)


def left_of(
    given: sa.FromClause, currency: sa.ColumnElement[str], *which: sa.ColumnElement[bool]
) -> sa.ColumnElement[int]:
    """What these refunds, those in this currency, left of the order's revenue; never less than 0.

    Each takes what it says, one without an amount all there is, until nothing is left: so what they took together is
    the smaller of the revenue and the sum of what they say.
    """
    g, worth = given.c, worth_of_order()
    of_order = (g.workspace == orders.c.workspace, g.order_id == orders.c.order_id, g.currency == currency, *which)
    says = sa.case((g.amount_minor < worth, g.amount_minor), else_=worth)
    back = sa.select(sa.func.coalesce(sa.func.sum(says), 0)).where(*of_order)
    left = worth - back.correlate(orders, refunds).scalar_subquery()
    return sa.case((worth <= 0, 0), (left > 0, left), else_=0)


def _with_customers(rows: Table | sa.Subquery, question: Question) -> tuple[sa.FromClause, sa.ColumnElement[str]]:
    """The rows joined to the customers who placed their orders, and the country of those; where that is asked for."""
    if question.by != "country":
        return rows, sa.literal("")
    i, c = identifiers.c, customers.c
    joined = rows.outerjoin(identifiers, (i.workspace == question.workspace) & (i.key == rows.c.strand)).outerjoin(
        customers, (c.workspace == i.workspace) & (c.root == i.root)
    )
    return joined, c.country


def _first_stated(*countries: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    return sa.func.coalesce(*(sa.func.nullif(country, "") for country in countries), "")
