"""What a batch of facts says of orders and refunds, kept: each order as all that counts of it says.

Usually all of it counts, and the rows are joined by SQL (`saving.py`). Where a browser told of an order that others
told of too, or an order was called off and stands again, the rows are made anew from the facts that count.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from rapport.capabilities.orders import kept_sums
from rapport.capabilities.orders.amounts import given_back, needs_order
from rapport.capabilities.orders.books import closed_orders, not_kept_yet
from rapport.capabilities.orders.changes import CHANGES, READING, order_id_of, refunded
from rapport.capabilities.orders.facts import ORDER_EVENTS
from rapport.capabilities.orders.ledger import CANCELLATION, REPORT, Orders, cancellation_of, update_of
from rapport.capabilities.orders.ledger_refunds import each_once
from rapport.capabilities.orders.refund_rows import RefundRow, lock_refunds, refund_key, refunds, save_refunds
from rapport.capabilities.orders.saving import replace_orders, save_orders
from rapport.capabilities.orders.settling import rows_of, settle
from rapport.capabilities.orders.store import NEVER, OrderPart, orders
from rapport.collect.statements import keep_statements, statement_of
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen
from rapport.remember import stated
from rapport.remember.inputs import ReadingSettings
from rapport.remember.whose import Told, told_of, touched_by_identity
from rapport.resolve.facts import MERGED, SPLIT
from rapport.storage import log
from rapport.storage.log import facts
from rapport.storage.lookup import change_among, select_among

__all__ = ["LISTENS_TO", "keep_orders"]

IDENTITY_FACTS = (MERGED, SPLIT)
"""After these, an order may be somebody else's."""

LISTENS_TO = frozenset({*ORDER_EVENTS, *IDENTITY_FACTS})


def keep_orders(conn: Connection, notes: Sequence[Seen], settings: Mapping[WorkspaceId, ReadingSettings]) -> None:
    """Keep what these facts say of orders and refunds, and what follows for others of the same orders."""
    parts: list[OrderPart] = []
    back: list[RefundRow] = []
    told = []
    moved: dict[WorkspaceId, set[Key]] = {}
    for note in notes:
        if note.fact.name in IDENTITY_FACTS:
            moved.setdefault(note.workspace, set()).add(note.strand)
            continue
        if note.fact.name not in ORDER_EVENTS:
            continue
        if (order_id := order_id_of(note.fact.properties)) is not None:
            told.append(statement_of(note.workspace, note.strand, note.fact, order_id))
        part, refund = _read(note, settings[note.workspace])
        if part is not None:
            parts.append(part)
        if refund is not None:
            back.append(refund)
    # Of orders that are made anew, also after a move, the refunds are written again.
    lock_refunds(conn, back, beside={*moved, *(part.workspace for part in parts)})
    shops = {note.workspace for note in notes}
    parts = [part for workspace in shops for part in _open(conn, workspace, parts)]
    save_orders(conn, parts)
    # Once their orders are this transaction's: what an erasure closed meanwhile is seen.
    back = [
        row for workspace in shops
        for row in not_kept_yet(conn, workspace, [one for one in back if one.workspace == workspace])
    ]  # fmt: skip
    save_refunds(conn, back)
    keep_statements(conn, told)
    for workspace in shops:
        order_ids = {part.order_id for part in parts if part.workspace == workspace}
        unnamed = {row.key for row in back if row.workspace == workspace and row.order_id is None}
        order_ids |= touched_by_identity(conn, workspace, moved.get(workspace, ()))
        if not order_ids and not unnamed:
            continue
        moments = _make_anew(conn, workspace, told_of(conn, workspace, order_ids), settings[workspace])
        kept_sums.mark(conn, workspace, moments | settle(conn, workspace, order_ids, unnamed))


def _open(conn: Connection, workspace: WorkspaceId, parts: Sequence[OrderPart]) -> list[OrderPart]:
    """Those of this shop without the orders that are kept for the books."""
    ours = [part for part in parts if part.workspace == workspace]
    closed = closed_orders(conn, workspace, {part.order_id for part in ours})
    return [part for part in ours if part.order_id not in closed]


def _read(note: Seen, settings: ReadingSettings) -> tuple[OrderPart | None, RefundRow | None]:
    """What the fact says of an order and of a refund."""
    if note.fact.name != "Order Refunded":
        return _order(note, settings), None
    refund = _refund(note, settings)
    # The order's row, whether it is known or not: whoever reports it later waits for this transaction.
    return OrderPart(note.workspace, refund.order_id, note.strand) if refund.order_id is not None else None, refund


def _order(note: Seen, settings: ReadingSettings) -> OrderPart | None:
    """What the fact says of an order, read by the rules of the customer's own ledger."""
    fact = note.fact
    change = CHANGES[fact.name](fact, settings)
    if change is None:
        return None
    what, order_id, state = change[:3]
    part = OrderPart(note.workspace, order_id, note.strand)
    if state == "cancelled":
        part = part._replace(cancelled_at=fact.occurred_at, cancelled_reading=READING)
    if what == "completed":
        currency, revenue, _, _, rank, gross, prices = change[4:]
        return part._replace(
            rank=rank, at=fact.occurred_at, fact=fact.id, country=_country(fact, settings), currency=currency,
            revenue_minor=revenue or 0, gross_minor=gross, prices=_json(prices), reading=READING,
        )  # fmt: skip
    if what == "updated" and change[5] is not None:
        currency, revenue, _, gross, amounts = change[4:]
        return part._replace(
            updated_at=fact.occurred_at, updated_fact=fact.id, updated_currency=currency, updated_minor=revenue,
            updated_gross=gross, updated_told=_json(amounts), updated_reading=READING,
        )  # fmt: skip
    return part


def _refund(note: Seen, settings: ReadingSettings) -> RefundRow:
    _, refund_id, order_id, claim, _, rank = refunded(note.fact, settings)
    currency, amount = given_back(claim, None)
    return RefundRow(
        workspace=note.workspace, key=refund_key(refund_id, order_id, note.strand), refund_id=refund_id,
        at=note.fact.occurred_at, fact=note.fact.id, strand=note.strand, rank=rank, order_id=order_id,
        country=_country(note.fact, settings), currency=currency, amount_minor=amount,
        claim=_json(claim) if order_id is not None and needs_order(claim) else None,
    )  # fmt: skip


def _make_anew(
    conn: Connection, workspace: WorkspaceId, told: Mapping[str, Told], settings: ReadingSettings
) -> set[int]:  # fmt: skip
    """Write these orders and their refunds as the facts that count say; returns the moments it was otherwise before."""
    closed = closed_orders(conn, workspace, told)
    told = {order_id: order for order_id, order in told.items() if order_id not in closed}
    if not told:
        return set()
    wanted = {one.fact for order in told.values() for one in order.counting if one.name in ORDER_EVENTS}
    known = _facts(conn, workspace, wanted)
    ledger, state = Orders(limit=2**31), Orders().zero()
    back: list[RefundRow] = []
    for note in known.values():
        change = CHANGES[note.fact.name](note.fact, settings)
        if change is not None:
            ledger.fold(state, note.fact.occurred_at, note.fact.id, note.fact.source, change)
        if note.fact.name == "Order Refunded":
            back.append(_refund(note, settings))
    of_orders = rows_of(conn, workspace, orders.c.order_id, told)
    of_refunds = rows_of(conn, workspace, refunds.c.order_id, told)
    said = {one.fact for order in told.values() for one in order.statements}
    # What facts said that are not told again yet, after an upgrade, stays as it is until they are.
    unsaid = {row["order_id"] for row in of_orders if row["fact"] and row["fact"] not in said}
    replace_orders(
        conn,
        [_row(workspace, order_id, order, state[0].get(order_id), known, settings)
         for order_id, order in told.items() if order_id not in unsaid],
    )  # fmt: skip
    old = sorted(row["key"] for row in of_refunds if row["fact"] in said)
    change_among(conn, sa.delete(refunds), workspace, refunds.c.key, old)
    once = {refund[1] for refund in each_once(state[1])}
    save_refunds(conn, [row for row in back if row.fact in once])
    before = (row[name] for row in (*of_orders, *of_refunds) for name in ("at", "was_at"))
    return {at for at in before if at is not None and at < NEVER}


def _facts(conn: Connection, workspace: WorkspaceId, ids: Collection[str]) -> dict[str, Seen]:
    rows = select_among(conn, sa.select(facts), workspace, facts.c.message_id, sorted(ids))
    return {row.message_id: Seen(workspace, Key(bytes(row.strand)), log.to_fact(row)) for row in rows}


def _row(
    workspace: WorkspaceId, order_id: str, told: Told, entry: Any, known: Mapping[str, Seen], settings: ReadingSettings
) -> OrderPart:  # fmt: skip
    """The order's row by its entry in the ledger of all that counts."""
    strand = min(told.counting or told.statements, key=lambda one: (one.received_at, one.seq)).strand
    part = OrderPart(workspace, order_id, strand)
    if entry is None:
        return part
    report = entry[REPORT]
    if report is None:
        called_off = entry[CANCELLATION] or (entry[-1] or [None, None])[1]
        return part if called_off is None else part._replace(cancelled_at=called_off[0], cancelled_reading=READING)
    update, called_off = update_of(entry), cancellation_of(entry)
    rank, at, fact, _, currency, revenue, _, gross, prices = report
    seen = known[fact]
    part = part._replace(
        strand=seen.strand, rank=rank, at=at, fact=fact, country=_country(seen.fact, settings),
        currency=currency, revenue_minor=revenue or 0, gross_minor=gross, prices=_json(prices), reading=READING,
    )  # fmt: skip
    if update is not None:
        part = part._replace(
            updated_at=update[0], updated_fact=update[1], updated_currency=update[3], updated_minor=update[4],
            updated_gross=update[6], updated_told=_json(update[7]), updated_reading=READING,
        )  # fmt: skip
    return part if called_off is None else part._replace(cancelled_at=called_off[0], cancelled_reading=READING)


def _json(value: object) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


def _country(fact: Fact, settings: ReadingSettings) -> str:
    found = stated.country(fact, settings)
    return str(found[1]) if found else ""
