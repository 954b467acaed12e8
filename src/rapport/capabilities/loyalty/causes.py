"""What facts say that earns points or takes them back, kept as rows: `Cause`. Pure.

A cause is kept by its fact's own id, so whatever comes twice or out of order is there once, and everything that follows
is a function of the set of causes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.loyalty.cart import Cart, cart_of
from rapport.capabilities.loyalty.facts import ORDER_FACTS
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = ["Cause", "Refunded", "cart_in", "cause_of", "order_named", "refunded_in"]

_REFUND_IDS = ("refund_id", "return_id", "credit_note_id")


class Cause(NamedTuple):
    """One fact, as loyalty understands it."""

    workspace: WorkspaceId
    fact: str
    subject: str
    """What it is about: `order:…`, or `fact:…` where it stands for itself."""
    name: str
    at: int
    strand: Key
    body: bytes
    """JSON of what it says: a `Cart` of an order, a `Refunded` of a refund."""


def order_named(cause: Cause) -> str | None:
    """Which order a fact that is no order's own speaks of: a promise, a pickup."""
    return msgspec.json.decode(cause.body, type=str | None)


class Refunded(NamedTuple):
    """What came back: lines, or an amount; neither is all that is left."""

    refund_id: str
    lines: tuple[tuple[str, int, int | None], ...]
    """Product, pieces, and what was paid back for them where it is said."""
    minor: int | None
    currency: str


def cause_of(seen: Seen, settings: ReadingSettings) -> Cause | None:
    """What a fact says; None for one that concerns no points."""
    fact, said = seen.fact, seen.fact.properties
    order_id = inputs.text(said.get("order_id"))
    body: Any
    if fact.name == "Order Completed":
        subject, body = f"order:{order_id}" if order_id else f"order:fact:{fact.id}", cart_of(fact, settings)
    elif fact.name in ORDER_FACTS:
        if order_id is None:
            return None
        subject = f"order:{order_id}"
        body = {"Order Updated": cart_of, "Order Refunded": _refunded}.get(fact.name, lambda *_: None)(fact, settings)
    else:
        subject, body = f"fact:{fact.id}", order_id
    return Cause(
        seen.workspace, fact.id, subject, fact.name, fact.occurred_at, seen.strand, msgspec.json.encode(body)
    )  # fmt: skip


def cart_in(cause: Cause) -> Cart:
    """The order that this cause says."""
    return msgspec.json.decode(cause.body, type=Cart)


def refunded_in(cause: Cause) -> Refunded:
    """The refund that this cause says."""
    return msgspec.json.decode(cause.body, type=Refunded)


def _refunded(fact: Any, settings: ReadingSettings) -> Refunded:
    said = fact.properties
    currency = inputs.currency(said, settings)
    refund_id = next((found for name in _REFUND_IDS if (found := inputs.text(said.get(name)))), None)
    lines = tuple(
        (inputs.product_id(product) or "", inputs.pieces(product), inputs.line_total(product, currency))
        for product in inputs.products(said)[:1_000]
    )
    amount = next(
        (abs(paid) for name in ("revenue", "subtotal", "amount", "total", "value")
         if said.get(name) is not None and (paid := inputs.amount(said[name], currency)) is not None),
        None,
    )  # fmt: skip
    return Refunded(refund_id or f"fact:{fact.id}", lines, amount, currency)
