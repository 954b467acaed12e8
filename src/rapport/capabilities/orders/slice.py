"""What carts and orders bring: every change of a cart starts a clock, every order is kept."""

from __future__ import annotations

from rapport.capabilities.orders import books, kept_sums, store
from rapport.capabilities.orders.changes import READING
from rapport.capabilities.orders.facts import CART_EVENTS, FACT_KINDS
from rapport.capabilities.orders.keeping import LISTENS_TO
from rapport.capabilities.orders.metrics import CART_ABANDONMENT, REVENUE
from rapport.capabilities.orders.refund_rows import refunds
from rapport.capabilities.orders.rereading import forget_older_readings
from rapport.capabilities.orders.service import CART_TIMER, carts_by_day, judge_carts, keep, revenue_rows
from rapport.capabilities.orders.settings import ORDER_SETTINGS
from rapport.capabilities.orders.traits import PARTS, TRAITS
from rapport.capabilities.orders.unsaying import unsay
from rapport.compose.holding import of_person, of_shop
from rapport.compose.slice import Slice
from rapport.kernel.work import BatchStage, Retelling, Seen
from rapport.measure.model import Measured

__all__ = ["ORDERS"]

ORDERS = Slice(
    name="orders",
    title="Orders",
    facts=FACT_KINDS,
    stage=lambda: BatchStage[Seen]({*CART_EVENTS, *LISTENS_TO}, read=lambda seen: seen, write=keep),
    retelling=Retelling(version=READING, finish=forget_older_readings),
    unsay=unsay,
    holds=(
        # Refunds name an order, not a person, so they are found by the orders and go before those: last here.
        of_person(store.carts, "the carts somebody filled, and what became of them"),
        of_person(
            store.orders,
            "what somebody ordered, for the numbers of the shop",
            erase=kept_sums.eraser_of(store.orders),
            keep_for_books=books.keep_orders,
        ),
        of_person(
            refunds,
            "what was given back",
            by=(),
            export=store.refunds_of,
            erase=kept_sums.eraser_of(refunds),
            keep_for_books=books.keep_refunds,
        ),
        of_shop(kept_sums.revenue_days, "what was sold and given back on each day, summed"),
        of_shop(kept_sums.revenue_marks, "days whose sums are to be made anew"),
        of_shop(kept_sums.revenue_zones, "the time zone in whose days they are summed"),
    ),
    jobs=(kept_sums.SUMMING, books.EXPIRING),
    web="rapport.capabilities.orders.web:WEB",
    settings=ORDER_SETTINGS,
    timers={CART_TIMER: judge_carts},
    parts=PARTS,
    traits=TRAITS,
    metrics=(
        Measured(metric=CART_ABANDONMENT, read=carts_by_day),
        Measured(metric=REVENUE, read=revenue_rows),
    ),
)
