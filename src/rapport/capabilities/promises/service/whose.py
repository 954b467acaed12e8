"""Orders of which strangers said something, or several: kept as what counts of it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from rapport.capabilities.promises import store
from rapport.capabilities.promises.model import Known
from rapport.capabilities.promises.reading import NOT_YET, Said, read_fact
from rapport.collect.statements import REPORT, Statement, called_off_at, keep_statements, statement_of
from rapport.kernel.identifiers import shop_key
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.work import Connection, Seen
from rapport.remember.inputs import ReadingSettings
from rapport.remember.whose import told_of
from rapport.storage import log
from rapport.storage.log import facts
from rapport.storage.lookup import select_among

__all__ = ["keep_whose", "make_anew"]


def keep_whose(conn: Connection, workspace: WorkspaceId, said: Sequence[tuple[Seen, Said]]) -> None:
    """Keep who said something of which order."""
    shop = shop_key(workspace)
    keep_statements(
        conn,
        [
            statement_of(workspace, seen.strand, seen.fact, one.order_id)
            for seen, one in said
            if one.order_id and seen.strand != shop
        ],
    )


def make_anew(
    conn: Connection, workspace: WorkspaceId, order_ids: Collection[str], *, zone: str, reading: ReadingSettings
) -> None:
    """Write those of these orders of which not all that was said counts alike, by what does."""
    told = told_of(conn, workspace, order_ids)
    wanted = sorted(one.fact for order in told.values() for one in order.counting)
    rows = select_among(conn, sa.select(facts), workspace, facts.c.message_id, wanted)
    known = {row.message_id: (Key(bytes(row.strand)), log.to_fact(row)) for row in rows}
    said = {id: read_fact(strand, fact, zone=zone, reading=reading) for id, (strand, fact) in known.items()}
    found = (_order(order.counting, said, {id: fact.occurred_at for id, (_, fact) in known.items()})
             for order in told.values())  # fmt: skip
    store.replace_orders(conn, workspace, [one for one in found if one is not None])


def _order(
    told: Sequence[Statement], said: Mapping[str, Said], at: Mapping[str, int]
) -> tuple[Known, str, int] | None:  # fmt: skip
    """The order, the fact that reports it, and when its lines were told; None where no fact says any of it."""
    kept = [(one, said[one.fact].order) for one in told if one.fact in said]
    orders = [(one, order) for one, order in kept if order is not None]
    if not orders:
        return None
    reports = sorted(
        ((one, order) for one, order in orders if order.placed_at < NOT_YET),
        key=lambda pair: (pair[0].unverified, at[pair[0].fact], pair[0].fact),
    )
    by_shop = any(one.name == REPORT and not one.unverified for one, _ in orders)
    report, order = reports[0] if reports else orders[0]
    lined = [(one, some) for one, some in orders if some.lines and not (by_shop and one.unverified)]
    lines_of = max(lined, key=lambda pair: (at[pair[0].fact], pair[0].fact), default=None)
    states = ((one.state, at[one.fact], one.unverified) for one, _ in orders if one.state)
    ends = [some.cancelled_at for one, some in orders if one.name == "Order Refunded" and some.cancelled_at is not None]
    off = called_off_at(states, by_shop=by_shop)
    order = order._replace(
        lines=lines_of[1].lines if lines_of else (),
        cancelled_at=min([*ends, *([] if off is None else [off])], default=None),
    )
    return order, report.fact, at[lines_of[0].fact] if lines_of else 0
