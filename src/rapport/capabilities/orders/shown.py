"""One order as it stands: what was bought, what was given back, whose it is. From the order's row, its refunds and the
facts that decide them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.store import currency_of_order, is_corrected, orders, worth_of_order
from rapport.kernel.clock import to_iso
from rapport.kernel.errors import NotFound
from rapport.kernel.facts import decode_fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.remember import inputs
from rapport.resolve.graph.customer_ids import load_customer_ids
from rapport.resolve.reading.identities import find
from rapport.storage.log import facts

__all__ = ["OrderShown", "find_order"]

State = Literal["placed", "partly_refunded", "refunded", "cancelled"]

MOST_LINES = 500
"""Lines that are shown; the sums are of all."""


class LineShown(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an order. Amounts in minor units; null where the order does not tell."""

    product_id: str | None
    variant: str | None
    name: str | None
    quantity: str
    """Exact, as a decimal number; 1 where none is stated."""
    price_minor: int | None
    """Of one piece."""
    total_minor: int | None


class RefundShown(msgspec.Struct, frozen=True, kw_only=True):
    """Money given back: null where it says only that the rest of the order was."""

    refund_id: str
    at: str
    currency: str
    amount_minor: int | None
    taken_minor: int
    """What it takes of this order: never more than is left of it, and nothing in another currency."""


class OrderShown(msgspec.Struct, frozen=True, kw_only=True):
    """An order. Amounts are minor units of `currency`; revenue before refunds, without shipping, tax, tip, duties."""

    order_id: str
    customer_id: str | None
    at: str
    updated_at: str | None
    cancelled_at: str | None
    state: State
    currency: str
    revenue_minor: int
    refunded_minor: int
    net_minor: int
    """What is left of the revenue; nothing of a cancelled order."""
    lines: list[LineShown]
    more_lines: int
    """Lines beyond those shown."""
    refunds: list[RefundShown]
    kept_for: str = ""
    """Of an order whose customer was erased: the law that makes the shop keep it, without whose it was."""
    kept_until: str | None = None
    shipments: list[Any] = []
    """A set, the earliest first, as `GET /api/v1/orders/{id}/promise` shows them."""


def find_order(conn: Connection, workspace: WorkspaceId, order_id: str, *, shipments: Sequence[Any] = ()) -> OrderShown:
    """The order of this id. Raises NotFound where no fact has reported it; reads four rows and its refunds by keys.

    `shipments` are those that another slice knows of.
    """
    query = sa.select(
        orders, is_corrected().label("corrected"), currency_of_order().label("money"), worth_of_order().label("worth")
    ).where(orders.c.workspace == workspace, orders.c.order_id == order_id)
    found = conn.execute(query).one_or_none()
    if found is None or not (found.fact or found.kept_until):
        raise NotFound(f"no order {order_id[:60]!r} is known", hint="orders are known by the order_id of their facts")
    currency, revenue = found.money, found.worth
    given_back = _refunds(conn, workspace, order_id, currency, revenue)
    refunded = sum(one.taken_minor for one in given_back)
    lines = _lines(conn, workspace, [found.updated_fact if found.corrected else "", found.fact], currency)
    root = find(conn, workspace, Key(found.strand))
    return OrderShown(
        order_id=order_id, customer_id=load_customer_ids(conn).customer_id(root) if root else None,
        at=to_iso(found.at), updated_at=to_iso(found.updated_at) if found.corrected else None,
        cancelled_at=None if found.cancelled_at is None else to_iso(found.cancelled_at),
        state=_state(found.cancelled_at, revenue, refunded), currency=currency, revenue_minor=revenue,
        refunded_minor=refunded, net_minor=0 if found.cancelled_at is not None else revenue - refunded,
        lines=lines[:MOST_LINES], more_lines=max(0, len(lines) - MOST_LINES), refunds=given_back,
        kept_for=found.kept_law or "", kept_until=None if found.kept_until is None else to_iso(found.kept_until),
        shipments=list(shipments),
    )  # fmt: skip


def _state(cancelled_at: int | None, revenue: int, refunded: int) -> State:
    if cancelled_at is not None:
        return "cancelled"
    if refunded == 0:
        return "placed"
    return "refunded" if refunded >= revenue else "partly_refunded"


def _refunds(conn: Connection, workspace: WorkspaceId, order_id: str, currency: str, revenue: int) -> list[RefundShown]:
    """Each once, the earlier ones first, until nothing is left, as the ledger counts them."""
    r = refunds.c
    rows = conn.execute(
        sa.select(r.refund_id, r.at, r.currency, r.amount_minor)
        .where(r.workspace == workspace, r.order_id == order_id)
        .order_by(r.at, r.fact)
    )
    left, shown = max(0, revenue), []
    for row in rows:
        wanted = left if row.amount_minor is None else row.amount_minor
        taken = min(max(0, wanted), left) if row.currency == currency else 0
        left -= taken
        shown.append(RefundShown(
            refund_id=row.refund_id, at=to_iso(row.at), currency=row.currency, amount_minor=row.amount_minor,
            taken_minor=taken,
        ))  # fmt: skip
    return shown


def _lines(conn: Connection, workspace: WorkspaceId, told_by: Sequence[str], currency: str) -> list[LineShown]:
    """Those of the first of these facts that tells any: a correction, else the report."""
    f = facts.c
    asked = [fact for fact in told_by if fact]
    rows = conn.execute(sa.select(facts).where(f.workspace == workspace, f.message_id.in_(asked)))
    by_id = {row.message_id: row for row in rows}
    for row in (by_id[fact] for fact in asked if fact in by_id):
        fact = decode_fact(
            row.body, occurred_at=row.occurred_at, received_at=row.received_at, source=row.source, seq=row.seq
        )
        if products := inputs.products(fact.properties):
            return [_line(product, currency) for product in products]
    return []


def _line(product: dict[str, Any], currency: str) -> LineShown:
    number = inputs.quantity(product)
    return LineShown(
        product_id=inputs.product_id(product), variant=inputs.variant(product),
        name=inputs.text(product.get("name")), quantity=str(1 if number is None else number),
        price_minor=inputs.amount(product.get("price"), currency), total_minor=inputs.line_total(product, currency),
    )  # fmt: skip
