"""The numbers of carts and orders, each defined once."""

from __future__ import annotations

from rapport.measure.model import Column, Metric

__all__ = ["CART_ABANDONMENT", "REVENUE"]

CART_ABANDONMENT = Metric(
    name="cart_abandonment",
    title="Carts left",
    definition=(
        "Carts by the day, in the shop's time zone, of their first product. "
        "A cart is counted once it was ordered, emptied, or left: not "
        "changed for an hour (or what the shop has set) while something lies in it. Recovered: left, and ordered "
        "later. The rate is left and never ordered, of those ordered or left."
    ),
    by=("day",),
    columns=(
        Column(name="started", title="Started"),
        Column(name="ordered", title="Ordered"),
        Column(name="abandoned", title="Left"),
        Column(name="recovered", title="Recovered"),
        Column(
            name="abandonment_rate", title="Abandonment", unit="share",
            of=(("abandoned", "-recovered"), ("ordered", "abandoned", "-recovered")),
        ),
    ),
    main="abandonment_rate",
    every_period=True,
)  # fmt: skip

REVENUE = Metric(
    name="revenue_by",
    title="Revenue before refunds, and kept",
    definition=(
        "Revenue before refunds: what orders earned without shipping, tax, tips and duties, in minor units of "
        "each currency; each "
        "order once, as first reported with its amounts and as last corrected, by when it was placed; an order that "
        "names no country counts for the customer's. Refunds by when they were made, of an order at most its revenue, "
        "earlier ones first; one without an amount is what was left of its order, one without a currency is in its "
        "order's. Cancelled: what was not refunded of cancelled orders. Revenue kept is revenue before "
        "refunds, less both. Days are those of the shop's time zone. Over all customers their traits say the same."
    ),
    by=("day", "country", "currency"),
    columns=(
        Column(name="orders", title="Orders"),
        Column(name="revenue_minor", title="Revenue before refunds", unit="minor"),
        Column(name="cancelled_minor", title="Cancelled", unit="minor"),
        Column(name="refunds_minor", title="Refunds", unit="minor"),
        Column(name="net_minor", title="Revenue kept", unit="minor"),
    ),
    every_period=True,
    summable=False,
    instead="revenue",
)
"""Insights answer the same for more groups under `revenue`; this one reads kept sums, for who asks often."""
