"""Points that an order was paid with come back into their lots: once the shop tells it, or with the order itself.

Both are kept apart, and what came back is the larger of the two: a shop that tells of a refund as a fact and by the
interface gives nothing back twice. With an order it is a function of what is known of it, so an order that stands again
takes its points again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from rapport.capabilities.loyalty import store
from rapport.capabilities.loyalty.ledger import Lot
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.language import kept, noted
from rapport.kernel.work import Connection
from rapport.storage.lookup import select_among

__all__ = ["Return", "bring_back", "of_return"]


_BACK = noted("given back"), kept("given back, order %(order)s")


class Return(NamedTuple):
    """A redemption, and how much of it is to be back in all."""

    row: Any
    told: int
    """As the shop has told it."""
    by_order: int
    """As its order has it."""
    cause: str
    words: str
    good_until: int
    """For what comes back after its lot has expired."""


def of_return(order_id: str) -> str:
    """Why points came back, in words."""
    return _BACK[1] % {"order": order_id[:40]} if order_id else _BACK[0]


def bring_back(
    conn: Connection, workspace: WorkspaceId, several: Sequence[Return], *, now: int,
    known: Callable[[str, str], Lot | None] = lambda *_: None,
) -> list[Lot]:  # fmt: skip
    """Move what each redemption's lots lack or have too much; the lots are not written yet. `known` says a lot by
    programme and name that is changed already. Cost: two reads and two writes for all of them.
    """
    d, r = store.draws.c, store.redemptions.c
    draws: dict[str, list[Any]] = {}
    ids = {one.row.id for one in several}
    for row in select_among(conn, sa.select(store.draws), workspace, d.redemption, ids) if ids else ():
        draws.setdefault(row.redemption, []).append(row)
    kept = store.lots_named(conn, workspace, {row.lot for rows in draws.values() for row in rows})
    lots: dict[tuple[str, str], Lot] = {}
    moved: list[dict[str, Any]] = []
    for one in several:
        change = max(one.told, one.by_order) - one.row.returned
        for row in draws.get(one.row.id, ()):
            place = (one.row.programme, row.lot)
            lots.setdefault(place, known(*place) or kept[place])
        moved += _move(one, change, draws.get(one.row.id, ()), lots, now=now)
    if moved:
        conn.execute(
            sa.update(store.draws).values(returned=d.returned + sa.bindparam("more"))
            .where(d.workspace == workspace, d.redemption == sa.bindparam("of"), d.lot == sa.bindparam("in_lot")),
            moved,
        )  # fmt: skip
    if several:
        conn.execute(
            sa.update(store.redemptions)
            .values(returned=sa.bindparam("back"), told=sa.bindparam("by_shop"), by_order=sa.bindparam("with_order"))
            .where(r.workspace == workspace, r.id == sa.bindparam("of")),
            [{"of": one.row.id, "back": max(one.told, one.by_order), "by_shop": one.told, "with_order": one.by_order}
             for one in several],
        )  # fmt: skip
    return [lot for lot in lots.values() if lot.new]


def _move(
    one: Return, change: int, draws: Sequence[Any], lots: Mapping[tuple[str, str], Lot], *, now: int
) -> list[dict[str, Any]]:  # fmt: skip
    """Those that expire last come back first, and go again last."""
    moved, left = [], abs(change)
    latest = sorted(draws, key=lambda row: (-lots[one.row.programme, row.lot].expires_at, row.lot))
    for row in latest if change > 0 else latest[::-1]:
        some = min(left, row.points - row.returned if change > 0 else row.returned)
        if not some:
            continue
        lot = lots[one.row.programme, row.lot]
        if change > 0:
            lot.give_back(some, now=now, cause=one.cause, words=one.words, good_until=one.good_until)
        else:
            lot.pay_again(some, now=now, cause=one.cause, words=one.words)
        moved.append({"of": one.row.id, "in_lot": row.lot, "more": some if change > 0 else -some})
        left -= some
    return moved
