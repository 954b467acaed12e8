"""Which causes of an order count: none of a stranger, and the shop's own word before a browser's, as in its ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from rapport.capabilities.loyalty.causes import Cause, refunded_in
from rapport.collect.statements import Statement, called_off_at
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.order_states import OrderState
from rapport.kernel.work import Connection
from rapport.remember.whose import told_of

__all__ = ["counting"]

OF_ORDER = "order:"
REPORT, UPDATE, CANCELLED, REFUND = "Order Completed", "Order Updated", "Order Cancelled", "Order Refunded"


def counting(conn: Connection, workspace: WorkspaceId, causes: Collection[Cause]) -> list[Cause]:
    """Those of these causes that count. Where an order was called off and stands again, none says that it was."""
    order_ids = {one.subject.removeprefix(OF_ORDER) for one in causes if one.subject.startswith(OF_ORDER)}
    told = told_of(conn, workspace, order_ids) if order_ids else {}
    if not told:
        return list(causes)
    found = [one for one in causes if one.subject.removeprefix(OF_ORDER) not in told or not _is_of_order(one)]
    for order_id, order in told.items():
        by_fact = {one.fact: one for one in order.counting}
        mine = [one for one in causes if one.subject == OF_ORDER + order_id and one.fact not in order.aside]
        found += _of_order(mine, by_fact)
    return found


def _is_of_order(cause: Cause) -> bool:
    return cause.subject.startswith(OF_ORDER)


def _of_order(causes: Sequence[Cause], said: Mapping[str, Statement]) -> list[Cause]:
    """Those that count of one order's, none of which is a stranger's."""
    own = [one for one in causes if one.fact not in said or not said[one.fact].unverified]
    theirs = [one for one in causes if one not in own]
    by_shop = any(one.name == REPORT for one in own)
    corrected = by_shop or any(one.name == UPDATE for one in own)
    over = {REPORT} if by_shop else set()
    over |= {UPDATE} if corrected else set()
    given = {refunded_in(one).refund_id for one in own if one.name == REFUND}
    kept = own + [
        one
        for one in theirs
        if one.name not in over and not (one.name == REFUND and refunded_in(one).refund_id in given)
    ]
    off = _called_off(own, theirs, said, by_shop=by_shop)
    return [one for one in kept if one.name != CANCELLED] + ([off._replace(name=CANCELLED)] if off else [])


def _called_off(
    own: Sequence[Cause], theirs: Sequence[Cause], said: Mapping[str, Statement], *, by_shop: bool
) -> Cause | None:  # fmt: skip
    """By which cause the order is called off, unless it was said later that it stands."""

    def state(one: Cause) -> OrderState:
        return said[one.fact].state if one.fact in said else "cancelled" if one.name == CANCELLED else ""

    every = [
        (state(one), one.at, unverified, one) for some, unverified in ((own, False), (theirs, True)) for one in some
    ]
    at = called_off_at((one[:3] for one in every), by_shop=by_shop)
    return next((cause for is_off, when, _, cause in every if is_off == "cancelled" and when == at), None)
