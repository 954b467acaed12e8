"""The figures of all products, reckoned anew every few minutes: prices, what is bought when looked at, what comes back.

The job walks a shop's catalogue in the order of its ids, some hundred products a turn, and writes those that changed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection

from rapport.act.jobs import Job, Turn
from rapport.capabilities.catalog import ids_after, offers_of
from rapport.capabilities.fit import ENOUGH_IN_THE_SHOP, TIME_TO_RETURN, sold_of, sold_of_the_shop
from rapport.capabilities.goals.model import MILLION, Figures, drawn
from rapport.capabilities.goals.store import figures_of, save
from rapport.capabilities.recommendations import ProductCounts, counts_of, counts_of_the_shop
from rapport.kernel.clock import MINUTE, SECOND
from rapport.kernel.ids import WorkspaceId
from rapport.storage.workspaces import all_workspaces

__all__ = ["RECKONING", "reckon"]

REST = 2 * MINUTE
RESTS = 50
"""Between two walks, or so many times what the last one took, if that is longer: 2 % of a worker."""

LOOKS_OF_THE_SHOP, PIECES_OF_THE_SHOP = 50.0, 20.0
"""So many looks, or pieces, the shop's own share weighs against a product's."""


class _Walk:
    """How far the shops have been walked through, in the memory of the worker that does it."""

    def __init__(self) -> None:
        self.left: list[WorkspaceId] = []
        self.after = ""
        self.began_at = 0
        self.took = 0.0
        """Seconds of this walk so far, or of the last one."""


def reckon(
    conn: Connection, workspace: WorkspaceId, product_ids: Sequence[str], *, now: int
) -> list[Figures]:  # fmt: skip
    """The figures of these products as they are now. Some statements for 500 of them, and three of the whole shop."""
    until = now - TIME_TO_RETURN
    shop, everybody = counts_of_the_shop(conn, workspace), sold_of_the_shop(conn, workspace, until=until)
    offers = offers_of(conn, workspace, product_ids, now=now)
    counts, sold = counts_of(conn, workspace, product_ids), sold_of(conn, workspace, product_ids, until=until)
    usual = everybody.returned / everybody.sold if everybody.sold >= ENOUGH_IN_THE_SHOP else None
    buying = shop.bought / max(shop.viewed, shop.bought) if shop.bought else 0.0
    found = []
    for one in product_ids:
        met, offer, pieces = counts.get(one, ProductCounts()), offers.get(one), sold.get(one)
        found.append(Figures(
            product_id=one, price_minor=offer.price_minor if offer else None,
            cost_minor=offer.cost_minor if offer else None, currency=offer.currency if offer else None,
            buying=min(MILLION, drawn(met.bought, met.viewed, towards=buying, weight=LOOKS_OF_THE_SHOP)),
            returned=None if usual is None else drawn(
                pieces.returned if pieces else 0, pieces.sold if pieces else 0, towards=usual,
                weight=PIECES_OF_THE_SHOP,
            ),
        ))  # fmt: skip
    return found


def _due(conn: Connection, turn: Turn) -> bool:
    walk = turn.kept(_Walk)
    return bool(walk.left) or turn.now - walk.began_at >= max(REST, RESTS * int(walk.took * SECOND))


def _run(turn: Turn) -> int:
    walk, began = turn.kept(_Walk), time.perf_counter()
    with turn.db.read() as conn:
        if not walk.left:
            walk.left, walk.after = [shop.id for shop in all_workspaces(conn)], ""
            walk.began_at, walk.took = turn.now, 0.0
        if not walk.left:
            return 0
        workspace = walk.left[0]
        ids = ids_after(conn, workspace, walk.after, limit=turn.at_most)
        before = figures_of(conn, workspace, ids)
        changed = [one for one in reckon(conn, workspace, ids, now=turn.now) if before.get(one.product_id) != one]
    if changed:
        with turn.write() as conn:
            save(conn, workspace, changed)
    if len(ids) == turn.at_most:
        walk.after = ids[-1]
    else:
        walk.left, walk.after = walk.left[1:], ""
    if walk.left:
        turn.again()
    walk.took += time.perf_counter() - began
    return len(changed)


RECKONING = Job(
    name="goals.figures", title="What showing a product brings is reckoned", due=_due, run=_run, at_most=500,
    pause_seconds=30.0,
)  # fmt: skip
