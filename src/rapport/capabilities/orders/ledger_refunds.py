"""The refunds of a ledger: each once, by its order and its id. Pure.

A refund is: stamp, order id or None, claim, pieces, rank (0 the shop's word, 1 a browser's), raw (sums over all reports
of it; None while there is only one). One that names no order is the same as one of its id that names one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rapport.capabilities.orders.amounts import given_back
from rapport.capabilities.orders.changes import Change
from rapport.capabilities.orders.ledger_sums import add
from rapport.kernel.mergeable import State

__all__ = ["CLAIM", "ORDER", "PIECES", "each_once", "key_of", "merge_refunds", "refund_of", "refund_sums"]

ORDER, CLAIM, PIECES, RANK, RAW = 3, 4, 5, 6, 7

_OF_ORDER = "\x1f"
"""Between the id of a refund and its order's: ids hold no control characters."""


def key_of(change: Change) -> str:
    """By what a ledger knows the refund that a fact states."""
    _, refund_id, order_id, *_ = change
    return str(refund_id) if order_id is None else f"{refund_id}{_OF_ORDER}{order_id}"


def refund_of(at: int, fact_id: str, source: str, change: Change) -> State:
    """The refund that a fact states."""
    return [at, fact_id, source, *change[2:], None]


def merge_refunds(left: State, right: State) -> State:
    """Two reports of one refund: the shop's word comes before a browser's, and then the earlier one counts."""
    chosen = min(left, right, key=lambda refund: (refund[RANK], *refund[:2]))
    return [*chosen[:RAW], add(refund_sums(left), refund_sums(right))]


def refund_sums(refund: State) -> State:
    """The sums over all reports of a refund."""
    if refund[RAW] is not None:
        return list(refund[RAW])
    stamp = refund[:3]
    currency, amount = given_back(refund[CLAIM], None)
    return [{currency: 1}, {} if amount is None else {currency: amount}, {}, 0, refund[PIECES], stamp, stamp]


def each_once(refunds: Mapping[str, State]) -> Iterator[State]:
    """The refunds, without those that name no order where another of the same id does and is not less the shop's word
    (`refund_rows.counts_for_its_customer` asks the same of the tables).
    """
    named: dict[str, int] = {}
    for key, refund in refunds.items():
        if refund[ORDER] is not None:
            refund_id = key.partition(_OF_ORDER)[0]
            named[refund_id] = min(named.get(refund_id, 1), refund[RANK])
    for key, refund in refunds.items():
        if refund[ORDER] is not None or named.get(key, 2) > refund[RANK]:
            yield refund
