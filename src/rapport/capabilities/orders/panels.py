"""A customer's cart and orders in words, beside the timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.capabilities.orders.ledger import HeldOrder, held_orders, holds_all
from rapport.capabilities.orders.traits import PARTS
from rapport.kernel.language import noted
from rapport.kernel.money import format_minor
from rapport.remember.registry import Remembered
from rapport.remember.store import states_of
from rapport.remember.strands import decoder_of
from rapport.web.cards import OfPerson, Panel

__all__ = ["PANELS", "OrderLine", "order_lines"]

SHOWN_ORDERS = 8


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """An order in words; `state` is empty, refunded or cancelled."""

    label: str
    amount: str
    state: str
    fact_id: str
    """The fact that reported it."""
    occurred_at: int


def _orders(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    """The newest orders as the ledgers of the customer's strands hold them."""
    bodies = states_of(conn, asked.workspace, asked.strands)
    decode = decoder_of(_remembered.keys_of(["orders"]))
    ledger = _remembered.merge([decode(body) for body in bodies.values()]).get("orders")
    if ledger is None:
        return None
    orders = held_orders(ledger)
    return {
        "orders": order_lines(orders[:SHOWN_ORDERS]), "all_orders": len(orders) <= SHOWN_ORDERS,
        "some_orders": not holds_all(ledger),
    }  # fmt: skip


def _cart(conn: Connection, asked: OfPerson) -> Mapping[str, Any] | None:
    cart = asked.traits.get("cart")
    return {"cart": cart} if cart else None


PANELS: tuple[Panel, ...] = (
    Panel(
        name="orders.cart", title="Cart now", order=100, permission="customers:read", template="orders/cart.html",
        read=_cart,
    ),
    Panel(
        name="orders.latest", title="Orders", order=200, permission="customers:read", template="orders/orders.html",
        read=_orders,
    ),
)  # fmt: skip

_remembered = Remembered(PARTS, ())


def order_lines(orders: Iterable[HeldOrder]) -> list[OrderLine]:
    """Orders as lines, in the order given."""
    return [
        OrderLine(
            label=order.order_id[:60] or order.fact_id[:60], fact_id=order.fact_id, occurred_at=order.at,
            amount="" if order.revenue is None else format_minor(order.revenue, order.currency),
            state=noted("cancelled") if order.cancelled else noted("refunded") if order.refunded else "",
        )
        for order in orders
    ]  # fmt: skip
