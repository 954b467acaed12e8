"""The metrics of this room, and the arithmetic every metric shares. Slices define theirs in their own `metrics.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rapport.measure.model import Column, Metric, Row

__all__ = [
    "BOUGHT_WITHIN_DAYS",
    "CLICKED_WITHIN_MINUTES",
    "DECISIONS",
    "DECISION_SALES",
    "FACTS",
    "MINUTES_KEPT_DAYS",
    "totals_of",
    "with_shares",
]

CLICKED_WITHIN_MINUTES = 30
BOUGHT_WITHIN_DAYS = 7
MINUTES_KEPT_DAYS = 90
"""Who looks at single minutes wants to know how an hour or a week went; a row for each source, minute and worker would
grow by a million a year."""

DECISIONS = Metric(
    name="decisions",
    title="Decided, clicked, bought",
    definition=(
        "Decisions by when they were made, days in the shop's time zone. "
        "Clicked: a shown product was clicked with the decision's id, or viewed by "
        f"the same customer within {CLICKED_WITHIN_MINUTES} minutes (the latest decision that showed it). Bought: a "
        f"clicked product was ordered by the same customer within {BOUGHT_WITHIN_DAYS} days of the decision."
    ),
    by=("placement", "day", "policy"),
    columns=(
        Column(name="decided", title="Decided"),
        Column(name="clicked", title="Clicked"),
        Column(name="bought", title="Bought"),
        Column(name="click_rate", title="Clicked of decided", unit="share", of=(("clicked",), ("decided",))),
        Column(name="buy_rate", title="Bought of clicked", unit="share", of=(("bought",), ("clicked",))),
    ),
    every_period=True,
)

DECISION_SALES = Metric(
    name="decision_sales",
    title="Sold after it was shown",
    definition=(
        "Products that a decision showed, that were clicked, and that the same customer ordered within "
        f"{BOUGHT_WITHIN_DAYS} days of the decision; by when the order was placed, days in the shop's time zone. What "
        "was paid for them by the order's own prices, before discounts on the whole order and before refunds; each "
        "product of an order once, however often it was shown (once in each placement and policy where these are "
        "asked for). Some of it would have been sold anyway: this is no effect."
    ),
    by=("placement", "day", "policy", "currency"),
    columns=(
        Column(name="orders", title="Orders with such a product"),
        Column(name="products", title="Products sold"),
        Column(name="revenue_minor", title="Paid for them", unit="minor"),
    ),
    every_period=True,
    summable=False,
)

FACTS = Metric(
    name="facts",
    title="Facts received",
    definition=(
        "Facts handled, by the minute in which the server received them, of the last "
        f"{MINUTES_KEPT_DAYS} days. Duplicates were left out before."
    ),
    by=("minute", "source"),
    columns=(Column(name="facts", title="Facts"),),
)


def with_shares(metric: Metric, row: Row) -> dict[str, Any]:
    """The row with the metric's shares; a share of nothing is None.

    >>> with_shares(DECISIONS, {"decided": 4, "clicked": 1, "bought": 0})["click_rate"]
    0.25
    """
    found = dict(row)
    for column in metric.columns:
        if column.of is not None:
            above, below = (_sum(row, names) for names in column.of)
            found[column.name] = round(above / below, 6) if below else None
    return found


def totals_of(metric: Metric, rows: Sequence[Row]) -> dict[str, Any]:
    """The columns over all rows with their shares; empty where the rows may not be added up."""
    if not metric.summable:
        return {}
    plain = [column.name for column in metric.columns if column.of is None]
    return with_shares(metric, {name: sum(row[name] for row in rows) for name in plain})


def _sum(row: Row, names: Sequence[str]) -> int:
    return sum(-row[name[1:]] if name.startswith("-") else row[name] for name in names)
