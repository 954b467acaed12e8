"""What facts say that earns points or takes them back, kept as rows: `Cause`. Pure.

A cause is kept by its fact's own id, so whatever comes twice or out of order is there once, and everything that follows
is a function of the set of causes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from rapport.capabilities.loyalty.cart import Cart, cart_of
from rapport.capabilities.loyalty.facts import ABOUT, ORDER_FACTS, REFERRED
from rapport.kernel.clock import DAY, from_iso
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Seen
from rapport.remember import inputs
from rapport.remember.inputs import ReadingSettings

__all__ = [
    "Cause", "Refunded", "Stated", "cart_in", "cause_of", "lot_of", "refunded_in", "segments_in", "stated_in",
]  # fmt: skip

_NET = ("revenue", "subtotal")
_REFUND_IDS = ("refund_id", "return_id", "credit_note_id")


class Cause(NamedTuple):
    """One fact, as loyalty understands it."""

    workspace: WorkspaceId
    fact: str
    subject: str
    """What it is about: `order:…`, `referral:…` of a friend's order, or `fact:…` where it stands for itself."""
    name: str
    at: int
    strand: Key
    body: bytes
    """JSON of what it says: a `Cart` of an order, a `Refunded` of a refund, a `Stated` of others."""
    segments: str = ""
    """JSON of the names of the segments somebody was in when it came; empty where no rule asks."""


class Stated(NamedTuple):
    """What a fact that is no order's own says."""

    order_id: str | None
    about: str | None = None
    """What it is about, by `facts.ABOUT`; None: itself alone."""
    days_late: int = 0


def lot_of(cause: Cause) -> str:
    """What the lot of its points is called."""
    return f"fact:{cause.fact}" if cause.subject.startswith("referral:") else cause.subject


def stated_in(cause: Cause) -> Stated:
    """What this cause says of an order, a conversation, a product. Before there was more, it was an order alone."""
    said = msgspec.json.decode(cause.body)
    return msgspec.convert(said, Stated) if isinstance(said, list) else Stated(said, said)


def segments_in(cause: Cause) -> frozenset[str]:
    """In which segments somebody was when it came."""
    return frozenset(msgspec.json.decode(cause.segments)) if cause.segments else frozenset()


class Refunded(NamedTuple):
    """What came back: lines, or an amount; neither is all that is left."""

    refund_id: str
    lines: tuple[tuple[str, int, int | None], ...]
    """Product, pieces, and what was paid back for them where it is said."""
    minor: int | None
    currency: str
    is_net: bool = False
    """Of revenue, without tax and delivery; else of what was paid with them."""


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
        is_referral = fact.name == REFERRED and order_id is not None
        subject = f"referral:{order_id}" if is_referral else f"fact:{fact.id}"
        body = _stated(fact, order_id)
    return Cause(
        seen.workspace, fact.id, subject, fact.name, fact.occurred_at, seen.strand, msgspec.json.encode(body)
    )  # fmt: skip


def cart_in(cause: Cause) -> Cart:
    """The order that this cause says."""
    return msgspec.json.decode(cause.body, type=Cart)


def refunded_in(cause: Cause) -> Refunded:
    """The refund that this cause says."""
    return msgspec.json.decode(cause.body, type=Refunded)


def _stated(fact: Fact, order_id: str | None) -> Stated:
    field = ABOUT.get(fact.name)
    about = field if not field else inputs.text(fact.properties.get(field))
    return Stated(order_id, about, _days_late(fact))


def _days_late(fact: Fact) -> int:
    """Begun days after the promised window, as far as the fact says; at most a year."""
    said = fact.properties
    for field, days in (("days_late", 1.0), ("hours_late", 1 / 24)):
        late = said.get(field)
        if isinstance(late, int | float) and not isinstance(late, bool) and 0 < late < 1e6:
            return min(-int(-late * days // 1), 366)
    window, arrived = said.get("window"), said.get("arrived_at")
    until = window.get("to") if isinstance(window, dict) else said.get("promised_at")
    if isinstance(until, str) and isinstance(arrived, str):
        try:
            whole_day = DAY if len(until) == len("2026-11-23") else 0  # a day lasts to its end
            late_us = from_iso(arrived) - from_iso(until) - whole_day
        except ValueError:
            return 0
        return max(0, min(-(-late_us // DAY), 366))
    return 0


def _refunded(fact: Any, settings: ReadingSettings) -> Refunded:
    said = fact.properties
    currency = inputs.currency(said, settings)
    refund_id = next((found for name in _REFUND_IDS if (found := inputs.text(said.get(name)))), None)
    lines = tuple(
        (inputs.product_id(product) or "", inputs.pieces(product), inputs.line_total(product, currency))
        for product in inputs.products(said)[:1_000]
    )
    field, amount = next(
        ((name, abs(paid)) for name in (*_NET, "amount", "total", "value")
         if said.get(name) is not None and (paid := inputs.amount(said[name], currency)) is not None),
        ("", None),
    )  # fmt: skip
    return Refunded(refund_id or f"fact:{fact.id}", lines, amount, currency, field in _NET)
