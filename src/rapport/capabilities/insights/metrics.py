"""The numbers of who bought, came again and gave back; each defined once, for console, API and experiments."""

from __future__ import annotations

from rapport.measure.model import Column, Metric

__all__ = [
    "AVERAGE_ORDER",
    "CHECKOUT_FUNNEL",
    "CONTACT_RATE",
    "GROUPS",
    "GROUPS_SAID",
    "LIFETIME_VALUE",
    "MARGIN",
    "NEW_CUSTOMERS",
    "ORDERS",
    "PROMISE_KEPT",
    "REPEAT_INTERVAL",
    "RETENTION",
    "RETURNING_CUSTOMERS",
    "RETURN_RATE",
]

GROUPS = ("day", "week", "month", "channel", "country", "device", "campaign", "segment", "currency")
"""By what orders can be told apart."""

GROUPS_SAID = (
    " Days, weeks (from Monday) and months are those of the shop's time zone. Channel and device are those of the "
    "report of the order, the campaign that of the customer's first visit that came from one; an order that names no "
    "country counts for its customer's. By segment a customer counts in each that they are in now. Whoever has none of "
    "them is under (none)."
)

ORDERS = Metric(
    name="orders",
    title="Orders",
    definition=(
        "Different orders by when they were placed, each once however often it was reported, cancelled ones too."
        + GROUPS_SAID
    ),
    by=GROUPS,
    columns=(
        Column(name="orders", title="Orders"),
        Column(name="cancelled_orders", title="Of them cancelled"),
    ),
    main="orders",
    every_period=True,
    for_segments=True,
)

AVERAGE_ORDER = Metric(
    name="average_order",
    title="Average order",
    definition="Revenue before refunds of the orders placed, by their number, half up to whole minor units; in each "
    "currency." + GROUPS_SAID,
    by=GROUPS,
    columns=(
        Column(name="orders", title="Orders"),
        Column(name="revenue_minor", title="Revenue before refunds", unit="minor"),
        Column(name="average_minor", title="Average order", unit="minor", is_mean=True),
    ),
    main="average_minor",
    every_period=True,
    summable=False,
    for_segments=True,
)

_BUYERS = (
    "Customers who placed an order in the period, each once, over all their devices and identifiers. New: their first "
    "order of all lies in it (in the day, week or month, where these are asked for); returning: they ordered before."
)

NEW_CUSTOMERS = Metric(
    name="new_customers",
    title="New customers",
    definition=_BUYERS + GROUPS_SAID,
    by=GROUPS,
    columns=(
        Column(name="customers", title="Customers who ordered"),
        Column(name="new_customers", title="New"),
        Column(name="new_share", title="New of all", unit="share", of=(("new_customers",), ("customers",))),
    ),
    main="new_customers",
    every_period=True,
    summable=False,
    for_segments=True,
)

RETURNING_CUSTOMERS = Metric(
    name="returning_customers",
    title="Returning customers",
    definition=_BUYERS + GROUPS_SAID,
    by=GROUPS,
    columns=(
        Column(name="customers", title="Customers who ordered"),
        Column(name="returning_customers", title="Returning"),
        Column(
            name="returning_share",
            title="Returning of all",
            unit="share",
            of=(("returning_customers",), ("customers",)),
        ),
    ),
    main="returning_customers",
    every_period=True,
    summable=False,
    for_segments=True,
)

RETENTION = Metric(
    name="retention",
    title="Retention by cohort",
    definition=(
        "Customers by the month (or week, from Monday) of their first order of all, and how many of them ordered in "
        "each month after it, by the shop's calendar: an order on the first of November is one month after one on the "
        "31st of October. The rate is of the cohort, `of_previous` of those who ordered in the month before. "
        "There is a cell for every month that has begun. `since` and `until` say which cohorts, not how far they go."
    ),
    by=("month", "week"),
    columns=(
        Column(name="after", title="Months after"),
        Column(name="customers", title="Cohort"),
        Column(name="active", title="Ordered"),
        Column(name="rate", title="Of the cohort", unit="share", of=(("active",), ("customers",))),
        Column(name="previous", title="Ordered the month before"),
        Column(name="of_previous", title="Of the month before", unit="share", of=(("active",), ("previous",))),
    ),
    main="rate",
    summable=False,
    usual_days=366,
    for_segments=True,
)

REPEAT_INTERVAL = Metric(
    name="repeat_interval",
    title="Days to the next order",
    definition=(
        "Days from an order to the same customer's next one, by the calendar of the shop, of the orders placed in the "
        "period that followed another; orders on one day are one. Median and ninth decile are days after which half "
        "and nine tenths of those who came again had done so. Whoever did not come again is not in it." + GROUPS_SAID
    ),
    by=GROUPS,
    columns=(
        Column(name="repeats", title="Orders that followed another"),
        Column(name="median_days", title="Median", unit="days", is_mean=True),
        Column(name="p90_days", title="Ninth decile", unit="days", is_mean=True),
    ),
    main="median_days",
    every_period=True,
    summable=False,
    for_segments=True,
)

RETURN_RATE = Metric(
    name="return_rate",
    title="Return rate",
    definition=(
        "Of the orders placed in the period, how many had money given back so far, and which part of their revenue. "
        "Orders of the last weeks may still come back: their rate grows." + GROUPS_SAID
    ),
    by=GROUPS,
    columns=(
        Column(name="orders", title="Orders"),
        Column(name="returned_orders", title="With money given back"),
        Column(name="return_rate", title="Return rate", unit="share", of=(("returned_orders",), ("orders",))),
        Column(name="revenue_minor", title="Revenue before refunds", unit="minor"),
        Column(name="returned_minor", title="Given back", unit="minor"),
        Column(name="money_rate", title="Of the money", unit="share", of=(("returned_minor",), ("revenue_minor",))),
    ),
    main="return_rate",
    every_period=True,
    summable=False,
    for_segments=True,
)

MARGIN = Metric(
    name="margin",
    title="Margin after returns",
    definition=(
        "Of the orders placed in the period: revenue kept so far (before refunds, less refunds and what cancelling "
        "lost), and of those orders whose cost is known the margin on it. The cost is known where an order states its "
        "margin, or the cost of every product. What came back takes its share of the margin with it, as if it could be "
        "sold again. Not known, and not in it: what paying, packing, delivering, taking back and mending cost, and the "
        "goods of `unknown_minor`, the revenue kept of orders that do not tell their cost." + GROUPS_SAID
    ),
    by=GROUPS,
    columns=(
        Column(name="orders", title="Orders"),
        Column(name="kept_minor", title="Revenue kept", unit="minor"),
        Column(name="margin_minor", title="Margin after returns", unit="minor"),
        Column(name="known_minor", title="Revenue kept whose cost is known", unit="minor"),
        Column(name="unknown_minor", title="Revenue kept whose cost is not", unit="minor"),
        Column(name="margin_rate", title="Margin of it", unit="share", of=(("margin_minor",), ("known_minor",))),
    ),
    main="margin_minor",
    every_period=True,
    summable=False,
    for_segments=True,
)

LIFETIME_VALUE = Metric(
    name="lifetime_value",
    title="Lifetime value so far",
    definition=(
        "Customers by when they first ordered, and what was kept of all their orders until now (before refunds, less "
        "refunds and what cancelling lost), in each currency; per customer is that by their number, half up. Younger "
        "customers have had less time: compare them at the same age on the page of retention." + GROUPS_SAID
    ),
    by=("month", "week", "channel", "country", "device", "campaign", "segment", "currency"),
    columns=(
        Column(name="customers", title="Customers"),
        Column(name="orders", title="Their orders"),
        Column(name="kept_minor", title="Revenue kept", unit="minor"),
        Column(name="per_customer_minor", title="Per customer", unit="minor", is_mean=True),
    ),
    main="per_customer_minor",
    every_period=True,
    summable=False,
    usual_days=366,
    for_segments=True,
)

_TIMES = (
    " Days, weeks (from Monday) and months are those of the shop's time zone. By segment a customer counts in each "
    "that they are in now. Whoever has none of them is under (none)."
)

CHECKOUT_FUNNEL = Metric(
    name="checkout_funnel",
    title="Checkout funnel",
    definition=(
        "Customers, visitors without a name too, who viewed a product in the period, and how many of them afterwards "
        "put one into the cart, began to check out, and ordered. Each customer is counted once over all devices. Who "
        "did a later step did those before it, whether a fact tells of them or not, and what happened in one instant "
        "happened in the order of the steps. Channel, device and the day, week or month are those of the customer's "
        "first view in the period. An order in another channel counts." + _TIMES
    ),
    by=("day", "week", "month", "channel", "device", "country", "segment"),
    columns=(
        Column(name="viewed", title="Viewed a product"),
        Column(name="added", title="Put one into the cart"),
        Column(name="checkout", title="Began to check out"),
        Column(name="ordered", title="Ordered"),
        Column(name="add_rate", title="Cart of viewed", unit="share", of=(("added",), ("viewed",))),
        Column(name="checkout_rate", title="Checkout of cart", unit="share", of=(("checkout",), ("added",))),
        Column(name="order_rate", title="Ordered of checkout", unit="share", of=(("ordered",), ("checkout",))),
        Column(name="conversion", title="Ordered of viewed", unit="share", of=(("ordered",), ("viewed",))),
    ),
    main="conversion",
    every_period=True,
    summable=False,
    for_segments=True,
)

CONTACT_RATE = Metric(
    name="contact_rate",
    title="Contact rate",
    definition=(
        "How often customers called, wrote or opened a ticket in the period, and that for each order placed in it: "
        "`Call Started`, `Conversation Started`, `Live Chat Conversation Started`, `Ticket Created`, "
        "`Support Ticket Created` and `Contact Form Submitted`. Contacts about older orders are in it." + _TIMES
    ),
    by=("day", "week", "month", "country", "segment"),
    columns=(
        Column(name="contacts", title="Contacts"),
        Column(name="people", title="Customers who made them"),
        Column(name="orders", title="Orders placed"),
        Column(name="contact_rate", title="Contacts for each order", unit="share", of=(("contacts",), ("orders",))),
    ),
    main="contact_rate",
    every_period=True,
    summable=False,
    for_segments=True,
)

PROMISE_KEPT = Metric(
    name="promise_kept",
    title="Promises kept",
    definition=(
        "Delivery promises by when they were settled: kept where the order was there in time, broken once the time was "
        "over. By the facts `Promise Kept` and `Promise Broken`, each once; a promise that was renegotiated and kept "
        "is kept." + _TIMES
    ),
    by=("day", "week", "month", "country", "segment"),
    columns=(
        Column(name="kept", title="Kept"),
        Column(name="broken", title="Broken"),
        Column(name="kept_rate", title="Kept of all", unit="share", of=(("kept",), ("kept", "broken"))),
    ),
    main="kept_rate",
    every_period=True,
    summable=False,
    for_segments=True,
)
