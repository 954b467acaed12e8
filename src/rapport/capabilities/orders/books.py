"""What is kept for the books of the orders of somebody erased: numbers, days and amounts, tied to nobody.

An order keeps its id, when it was placed, currency, amounts, tax and country; its refunds theirs. In place of whose it
was stands a pseudonym that leads to nobody without the installation's secret; what was bought, and the facts, are gone.
So the revenue of the shop is the same before and after. The rows go by a job once the time that the law names is up.

What is kept is closed. Nobody is left whose word about it could be weighed against a stranger's, so nothing that comes
later changes it: no report, correction, cancellation or refund of such an order, not the shop's own either. What the
shop gives back for it after that stands in its books alone, as its message about somebody erased is refused anyway.

**Source**: Art. 17(3)(b) GDPR, a legal obligation that requires it; for how long stands in each market's policy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from rapport.act.jobs import Job, Turn
from rapport.capabilities.orders import kept_sums
from rapport.capabilities.orders.refund_rows import RefundRow, counts_for_its_customer, refunds
from rapport.capabilities.orders.store import (
    UNREPORTED,
    currency_of_order,
    is_corrected,
    orders,
    theirs,
    worth_of_order,
)
from rapport.compose.holding import Bookkeeping, ForBooks
from rapport.kernel.clock import HOUR, SECOND, to_datetime
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import inputs
from rapport.remember.store import customers
from rapport.resolve.graph.store import identifiers
from rapport.storage import log, suppression
from rapport.storage.bulk import chunks, insert_ignore
from rapport.storage.lookup import change_among, select_among

__all__ = ["EXPIRING", "closed_orders", "keep_orders", "keep_refunds", "not_kept_yet"]

_o, _r = orders.c, refunds.c
_NO_NEWER_READING = 32_767
"""As which version they are read: no fact says them any more, so none of any version takes their place."""
_AT_ONCE = 500
_ORDER, _REFUND = ([column.name for column in table.columns] for table in (orders, refunds))


def keep_orders(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], terms: Bookkeeping, now: int
) -> ForBooks:
    """Leave the orders of these strands to nobody; to be called after `keep_refunds`. Those out of time are left."""
    return _keep(conn, workspace, keys, terms, now, table=orders)


def keep_refunds(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], terms: Bookkeeping, now: int
) -> ForBooks:
    """The same for what was given back of them, or to these strands without naming an order."""
    return _keep(conn, workspace, keys, terms, now, table=refunds)


def closed_orders(conn: Connection, workspace: WorkspaceId, order_ids: Collection[str]) -> set[str]:
    """Those of these orders that are kept for the books, also where a hash stands in place of their id.

    Cost: one look where the shop keeps none, else one read more.
    """
    forms = _kept_forms(conn, workspace, orders, order_ids)
    query = sa.select(_o.order_id).where(_o.kept_until.is_not(None))
    return {forms[row.order_id] for row in select_among(conn, query, workspace, _o.order_id, sorted(forms))}


def not_kept_yet(conn: Connection, workspace: WorkspaceId, rows: Collection[RefundRow]) -> list[RefundRow]:
    """These refunds without those of orders that are closed, and those that are kept already and are told once more."""
    closed = closed_orders(conn, workspace, {row.order_id for row in rows if row.order_id is not None})
    texts = {text for row in rows for text in (row.refund_id, row.order_id) if text is not None}
    forms = _kept_forms(conn, workspace, refunds, texts)
    query = sa.select(_r.refund_id, _r.order_id, _r.at).where(_r.kept_until.is_not(None))
    kept = {
        (forms[row.refund_id], forms.get(row.order_id, row.order_id), row.at)
        for row in select_among(conn, query, workspace, _r.refund_id, sorted(forms))
    }
    return [row for row in rows if row.order_id not in closed and (row.refund_id, row.order_id, row.at) not in kept]


def _kept_forms(
    conn: Connection, workspace: WorkspaceId, table: Table, texts: Collection[str]
) -> dict[str, str]:  # fmt: skip
    """By how it may stand in what is kept: each of these texts. Nothing where the shop keeps nothing in this table."""
    kept = sa.exists().where(table.c.workspace == workspace, table.c.kept_until.is_not(None))
    if not texts or not conn.execute(sa.select(kept)).scalar():
        return {}
    make = suppression.pseudonyms(conn)
    hashed = {make(text.encode("utf-8", "surrogatepass")).hex(): text for text in texts}
    return hashed | {text: text for text in texts}


def _keep(
    conn: Connection, workspace: WorkspaceId, keys: Collection[Key], terms: Bookkeeping, now: int, *, table: Table
) -> ForBooks:
    number, until = 0, 0
    for some in chunks(sorted(keys), _AT_ONCE):
        which = theirs(table, workspace, some)
        found = [*conn.execute((_orders if table is orders else _refunds)(*which))]
        tax = _tax(conn, workspace, found) if table is orders else {}
        rows = [
            _order(row._mapping, terms, now, tax) if table is orders else _refund(row._mapping, terms, now)
            for row in found
        ]  # fmt: skip
        stay = [row for row in rows if row["kept_until"] > now]
        kept_sums.mark_of_orders(conn, *which, table=table)
        key = "order_id" if table is orders else "key"
        gone = sa.delete(table).where(table.c.kept_until.is_(None))
        kept = [row._mapping[key] for row, new in zip(found, rows, strict=True) if new["kept_until"] > now]
        change_among(conn, gone, workspace, table.c[key], kept)  # the rest goes, and is counted, as all of theirs does
        insert_ignore(conn, table, stay, key=("workspace", key))
        number, until = number + len(stay), max([until, *(row["kept_until"] for row in stay)])
    return ForBooks(number, until)


def _orders(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The orders that were reported, as they stand after corrections, with where their customers live."""
    i, c = identifiers.c, customers.c
    gross = sa.case((is_corrected(), sa.func.coalesce(_o.updated_gross, _o.gross_minor)), else_=_o.gross_minor)
    told = sa.case((is_corrected(), _o.updated_fact), else_=_o.fact)
    placed = orders.outerjoin(identifiers, (i.workspace == _o.workspace) & (i.key == _o.strand)).outerjoin(
        customers, (c.workspace == i.workspace) & (c.root == i.root)
    )
    return (
        sa.select(
            orders, currency_of_order().label("money"), worth_of_order().label("worth"), gross.label("gross"),
            told.label("told"), c.country.label("lives_in"),
        )
        .select_from(placed)
        .where(*which, _o.rank < UNREPORTED, _o.kept_until.is_(None))
    )  # fmt: skip


def _refunds(*which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The refunds that count, with where the customers of their orders live."""
    i, c = identifiers.c, customers.c
    counts = sa.or_(_r.order_id.is_not(None), counts_for_its_customer())
    of = orders.alias("of")
    o = of.c
    given = refunds.outerjoin(of, (o.workspace == _r.workspace) & (o.order_id == _r.order_id)).outerjoin(
        identifiers, (i.workspace == o.workspace) & (i.key == o.strand)
    ).outerjoin(customers, (c.workspace == i.workspace) & (c.root == i.root))  # fmt: skip
    found = sa.select(refunds, c.country.label("lives_in")).select_from(given)
    return found.where(*which, _r.kept_until.is_(None), counts)


def _order(row: Mapping[Any, Any], terms: Bookkeeping, now: int, tax: Mapping[str, int]) -> dict[str, Any]:
    """What the books need of it, as a report that no correction follows."""
    kept = {name: row[name] for name in _ORDER}
    return kept | {
        "order_id": _number(row["order_id"], terms), "strand": terms.pseudonym, "fact": "",
        "country": row["country"] or row["lives_in"] or "", "currency": row["money"], "revenue_minor": row["worth"],
        "gross_minor": row["gross"], "tax_minor": tax.get(row["told"]), "prices": None, "updated_at": -1,
        "updated_fact": "", "updated_currency": "", "updated_minor": 0, "updated_gross": None, "updated_told": None,
        "was_at": None, "reading": _NO_NEWER_READING, "updated_reading": _NO_NEWER_READING,
        "cancelled_reading": _NO_NEWER_READING, "kept_until": _until(row["at"], terms, now), "kept_law": terms.law,
    }  # fmt: skip


def _refund(row: Mapping[Any, Any], terms: Bookkeeping, now: int) -> dict[str, Any]:
    """What the books need of it; one that had no id of its own has a hash of its fact's."""
    kept = {name: row[name] for name in _REFUND}
    ident = row["refund_id"]
    ident = terms.hashed(ident) if ident == f"fact:{row['fact']}" else _number(ident, terms)
    order = None if row["order_id"] is None else _number(row["order_id"], terms)
    return kept | {
        "key": f"{ident}\x1f{order}" if order is not None else f"{ident}\x1f\x1f{terms.pseudonym.hex()}",
        "refund_id": ident, "order_id": order, "strand": terms.pseudonym, "fact": "", "claim": None, "was_at": None,
        "shared": 0, "country": row["country"] or row["lives_in"] or "",
        "reading": _NO_NEWER_READING, "kept_until": _until(row["at"], terms, now), "kept_law": terms.law,
    }  # fmt: skip


def _number(text: str, terms: Bookkeeping) -> str:
    """The number of an order or refund, as the shop's books have it; a hash where it names the person."""
    return terms.hashed(text) if any(one.casefold() in text.casefold() for one in terms.texts) else text


def _until(at: int, terms: Bookkeeping, now: int) -> int:
    """The end of the year (UTC) so many years after the one in which it was; what is dated in the future is of now."""
    year = to_datetime(max(0, min(at, now))).year + 1 + terms.years
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * SECOND


def _tax(conn: Connection, workspace: WorkspaceId, found: Iterable[Any]) -> dict[str, int]:
    """By fact that tells what an order is: the tax it states, in minor units."""
    money = {row.told: row.money for row in found if row.told}
    told = select_among(conn, sa.select(log.facts), workspace, log.facts.c.message_id, sorted(money))
    stated = {row.message_id: log.to_fact(row).properties.get("tax") for row in told}
    read = {ident: inputs.amount(tax, money[ident]) for ident, tax in stated.items()}
    return {ident: tax for ident, tax in read.items() if tax is not None}


class _Look:
    """When the worker that leads looks again."""

    def __init__(self) -> None:
        self.next_at = 0


def _due(conn: Connection, turn: Turn) -> bool:
    return turn.kept(_Look).next_at <= turn.now


def _expire(turn: Turn) -> int:
    """Take away what no law asks for any more, some at a time."""
    gone = 0
    with turn.write() as conn:
        for table in (refunds, orders):
            over = table.c.kept_until <= turn.now
            key = table.c.key if table is refunds else table.c.order_id
            some = sa.select(table.c.workspace, key).where(over).limit(turn.at_most)
            for workspace, ids in _by_shop(conn.execute(some)).items():
                which = (table.c.workspace == workspace, key.in_(ids), over)
                kept_sums.mark_of_orders(conn, *which, table=table)
                gone += conn.execute(table.delete().where(*which)).rowcount
    if gone:
        turn.again()
    else:
        turn.kept(_Look).next_at = turn.now + HOUR
    return gone


def _by_shop(rows: Iterable[Any]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for workspace, ident in rows:
        found.setdefault(workspace, []).append(ident)
    return found


EXPIRING = Job(
    name="orders.books", title="What was kept of orders for the books goes when its time is up", due=_due, run=_expire,
    at_most=_AT_ONCE, pause_seconds=60.0, waiting_seconds=0.2,
)  # fmt: skip
