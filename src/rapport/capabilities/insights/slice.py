"""What insights bring: numbers of who buys, comes again and gives back, and the pages that show them."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.insights import metrics, store
from rapport.capabilities.insights.service import funnel, money, people, promised
from rapport.capabilities.insights.service.asking import who_gave_back, who_ordered
from rapport.capabilities.insights.service.keeping import Met, keep, meeting
from rapport.compose.holding import of_person
from rapport.compose.slice import Slice
from rapport.kernel.work import EVERY_FACT, BatchStage, Retelling
from rapport.measure.model import Measured

__all__ = ["INSIGHTS"]

INSIGHTS = Slice(
    name="insights",
    title="Insights",
    stage=lambda: BatchStage[Met]((EVERY_FACT,), read=meeting, write=keep),
    retelling=Retelling(version=4),
    unsay=store.unsay,
    holds=(
        of_person(store.sales, "by which channel and device somebody ordered, and at what margin"),
        # Erased from the last to the first: lines name an order, not a person, so they are found by the orders.
        of_person(
            store.sale_lines, "the lines of what somebody ordered", by=(), export=store.lines_of,
            erase=store.erase_lines,
        ),
        of_person(store.touchpoints, "when and where somebody met the shop: which kind of page, which step"),
    ),
    migrations=Path(__file__).parent / "migrations",
    web="rapport.capabilities.insights.web:WEB",
    metrics=(
        Measured(metric=metrics.ORDERS, read=money.order_rows, who=who_ordered),
        Measured(metric=money.REVENUE, read=money.revenue_rows, who=who_ordered),
        Measured(metric=metrics.AVERAGE_ORDER, read=money.average_rows, who=who_ordered),
        Measured(metric=metrics.RETURN_RATE, read=money.return_rows, who=who_gave_back),
        Measured(metric=metrics.MARGIN, read=money.margin_rows, who=who_ordered),
        Measured(metric=metrics.NEW_CUSTOMERS, read=people.new_rows, who=people.who_new),
        Measured(metric=metrics.RETURNING_CUSTOMERS, read=people.returning_rows, who=people.who_returned),
        Measured(metric=metrics.RETENTION, read=people.retention_rows),
        Measured(metric=metrics.REPEAT_INTERVAL, read=people.interval_rows),
        Measured(metric=metrics.LIFETIME_VALUE, read=people.value_rows),
        Measured(metric=metrics.CHECKOUT_FUNNEL, read=funnel.funnel_rows, who=funnel.who_viewed),
        Measured(metric=metrics.CONTACT_RATE, read=promised.contact_rows),
        Measured(metric=metrics.PROMISE_KEPT, read=promised.promise_rows),
    ),
)  # fmt: skip
