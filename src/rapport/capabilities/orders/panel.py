"""A customer's orders in words, beside the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.orders.ledger import HeldOrder, held_orders, holds_all
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.money import format_minor
from rapport.remember.folder import decoder_of
from rapport.remember.registry import Remembered
from rapport.remember.store import states_of

__all__ = ["OrderLine", "OrdersShown", "order_lines", "orders_shown"]

SHOWN_ORDERS = 8


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """An order in words; `state` is empty, refunded or cancelled."""

    label: str
    amount: str
    state: str
    fact_id: str
    """The fact that reported it."""
    occurred_at: int


class OrdersShown(NamedTuple):
    """The newest orders; `all_orders` and `some_orders` say whether there are none but these, or not all are known."""

    orders: list[OrderLine]
    all_orders: bool
    some_orders: bool


def orders_shown(
    conn: Connection, workspace: WorkspaceId, strands: Iterable[Key], remembered: Remembered
) -> OrdersShown:
    """The orders as the ledgers of a customer's strands hold them."""
    bodies = states_of(conn, workspace, strands)
    decode = decoder_of(remembered.keys_of(["orders"]))
    ledger = remembered.merge([decode(body) for body in bodies.values()]).get("orders")
    if ledger is None:
        return OrdersShown([], all_orders=True, some_orders=False)
    orders = held_orders(ledger)
    return OrdersShown(
        order_lines(orders[:SHOWN_ORDERS]), all_orders=len(orders) <= SHOWN_ORDERS, some_orders=not holds_all(ledger)
    )


def order_lines(orders: Iterable[HeldOrder]) -> list[OrderLine]:
    """Orders as lines, in the order given."""
    return [
        OrderLine(
            label=order.order_id[:60] or order.fact_id[:60], fact_id=order.fact_id, occurred_at=order.at,
            amount="" if order.revenue is None else format_minor(order.revenue, order.currency),
            state="cancelled" if order.cancelled else "refunded" if order.refunded else "",
        )
        for order in orders
    ]  # fmt: skip
