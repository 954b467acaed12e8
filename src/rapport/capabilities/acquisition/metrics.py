"""What new customers cost and when they had paid it back; defined once, for console, API and experiments."""

from __future__ import annotations

from rapport.measure.model import Column, Metric

__all__ = ["ACQUISITION_COST", "PAYBACK"]

_WHO = (
    " New customers are those whose first order of all lies in the period, over all devices. A customer's campaign is "
    "that of their first visit which came from one; capitals do not matter. By month, week or day all new customers "
    "count, whoever brought them. Whoever came by no campaign is under (none). Costs are those stated of the period's "
    "days, in the currency they are paid in. Some of these customers would have come without it: this is no effect."
)

ACQUISITION_COST = Metric(
    name="acquisition_cost",
    title="Cost of a new customer",
    definition="What campaigns cost, by the number of new customers, half up." + _WHO,
    by=("campaign", "month", "week", "day"),
    columns=(
        Column(name="cost_minor", title="Cost", unit="minor"),
        Column(name="clicks", title="Clicks"),
        Column(name="new_customers", title="New customers"),
        Column(name="per_customer_minor", title="Cost of a new customer", unit="minor", is_mean=True),
    ),
    main="per_customer_minor",
    every_period=True,
    summable=False,
)

PAYBACK = Metric(
    name="payback",
    title="Payback of campaigns",
    definition=(
        "What the period's new customers have left so far in all their orders, in the currency of the row: revenue "
        "kept (before refunds, less refunds and what cancelling lost), and the margin after returns of the orders "
        "whose cost is known. Earned back is that margin by the cost; days to pay back are those after the first "
        "order of each by which their margin together had reached the cost, empty where it has not. Customers of the "
        "last days have had little time." + _WHO
    ),
    by=("campaign", "month"),
    columns=(
        Column(name="cost_minor", title="Cost", unit="minor"),
        Column(name="new_customers", title="New customers"),
        Column(name="kept_minor", title="Revenue kept", unit="minor"),
        Column(name="margin_minor", title="Margin after returns", unit="minor"),
        Column(name="unknown_minor", title="Revenue kept whose cost is not known", unit="minor"),
        Column(name="earned_back", title="Earned back", unit="share", of=(("margin_minor",), ("cost_minor",))),
        Column(name="payback_days", title="Days to pay back", unit="days", is_mean=True),
    ),
    main="earned_back",
    every_period=True,
    summable=False,
)
