"""What carts and orders bring: every change of a cart starts a clock, every order is kept."""

from __future__ import annotations

from rapport.capabilities.orders.facts import CART_EVENTS, ORDER_EVENTS
from rapport.capabilities.orders.metrics import CART_ABANDONMENT, REVENUE
from rapport.capabilities.orders.service import CART_TIMER, Note, carts_by_day, judge_carts, keep, revenue_rows
from rapport.kernel.facts import Fact
from rapport.kernel.ids import Key, WorkspaceId
from rapport.kernel.plug import Capability, Work
from rapport.measure.model import Measured

__all__ = ["capability"]

NAME = "orders"


def _note(work: Work, workspace: WorkspaceId, fact: Fact, strand: Key) -> None:
    work.note(NAME, Note(workspace, strand, fact))


def capability() -> Capability:
    """Carts and orders, for one worker process."""
    return Capability(
        name=NAME,
        handlers=dict.fromkeys((*CART_EVENTS, *ORDER_EVENTS), _note),
        flush=keep,
        timers={CART_TIMER: judge_carts},
        metrics=(
            Measured(metric=CART_ABANDONMENT, read=carts_by_day),
            Measured(metric=REVENUE, read=revenue_rows),
        ),
    )
