"""The part of fit in a worker's batch: lines that were bought, as reports and corrections say, lines that came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rapport.capabilities.fit import store
from rapport.capabilities.fit.model import says_size
from rapport.capabilities.fit.store import Back, Bought
from rapport.kernel.work import BatchStage, Connection, Seen, Work
from rapport.remember import inputs

__all__ = ["stage"]

_LINES = 200
_REFUND_IDS = ("refund_id", "return_id", "credit_note_id")

Note = list[Bought] | list[Back]


def stage() -> BatchStage[Note]:
    """The stage of one worker."""
    return BatchStage[Note](("Order Completed", "Order Updated", "Order Refunded"), read=_read, write=_write)


def _read(seen: Seen) -> Note | None:
    """A refund that names no lines says nothing of any item."""
    workspace, strand, fact = seen
    order_id = inputs.text(fact.properties.get("order_id"))
    if order_id is None:
        return None
    pieces: Counter[tuple[str, str]] = Counter()
    reasons: dict[tuple[str, str], str] = {}
    for product in inputs.products(fact.properties)[:_LINES]:
        product_id = inputs.product_id(product)
        if product_id is not None:
            what = (product_id, inputs.variant(product) or "")
            pieces[what] += inputs.pieces(product)
            reasons[what] = inputs.text(product.get("reason") or product.get("return_reason")) or ""
    if fact.name != "Order Refunded":
        return [
            Bought(workspace, order_id, fact.id, *what, strand, min(n, 10**6), fact.occurred_at)
            for what, n in pieces.items() if n
        ] or None  # fmt: skip
    found = (inputs.text(fact.properties.get(name)) for name in _REFUND_IDS)
    refund_id = next((one for one in found if one), f"fact:{fact.id}")
    whole = inputs.text(fact.properties.get("reason")) or ""
    return [
        Back(workspace, order_id, *what, refund_id, strand, min(n, 10**6), says_size(reasons[what] or whole),
             fact.occurred_at, fact.id)
        for what, n in pieces.items() if n
    ] or None  # fmt: skip


def _write(conn: Connection, work: Work, notes: Sequence[Note], now: int) -> None:
    rows = [row for note in notes for row in note]
    store.save(
        conn, [row for row in rows if isinstance(row, Bought)], [row for row in rows if isinstance(row, Back)]
    )  # fmt: skip
