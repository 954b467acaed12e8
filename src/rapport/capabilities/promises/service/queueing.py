"""A change of stock is about every order that waits for the goods: however many, they are looked at in turns."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

import msgspec

from rapport.capabilities.promises import store
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection, Timer, Work
from rapport.storage.bulk import chunks

__all__ = ["AT_ONCE", "LOOK_ON", "orders_waiting", "waiting_next"]

LOOK_ON = "promises.look_on"
AT_ONCE = 500
"""Waiting orders that are looked at in one transaction, of at most as many products."""


class _Left(msgspec.Struct, frozen=True):
    """What is still to be looked at: orders that wait for these products, beyond this (product, order)."""

    products: list[str]
    after: tuple[str, str] = ("", "")


def orders_waiting(
    conn: Connection, work: Work, workspace: WorkspaceId, product_ids: Collection[str], *, now: int
) -> set[str]:  # fmt: skip
    """The first of the orders that wait for one of these products; a timer sees to the others."""
    found: set[str] = set()
    for some in chunks(sorted(product_ids), AT_ONCE):
        found |= _turn(conn, work, workspace, _Left(some), now=now)
    return found


def waiting_next(conn: Connection, work: Work, timer: Timer, *, now: int) -> set[str]:
    """The orders whose turn it is now; a timer sees to those behind them."""
    return _turn(conn, work, timer.workspace, msgspec.json.decode(timer.payload, type=_Left), now=now)


def _turn(conn: Connection, work: Work, workspace: WorkspaceId, left: _Left, *, now: int) -> set[str]:
    rows = store.waiting_for(conn, workspace, left.products, after=left.after, limit=AT_ONCE)
    if len(rows) == AT_ONCE:
        last = rows[-1]
        rest = msgspec.json.encode(_Left([one for one in left.products if one >= last[0]], last))
        key = bytes(shop_key(workspace)) + blake2b(rest, digest_size=16).digest()
        work.schedule(workspace, LOOK_ON, key, now, rest)
    return {order_id for _, order_id in rows}
