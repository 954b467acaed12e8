"""What messages cost; defined once, for console and API."""

from __future__ import annotations

from rapport.measure.model import Column, Metric

__all__ = ["MESSAGE_COSTS"]

MESSAGE_COSTS = Metric(
    name="message_costs",
    title="Cost of messages",
    definition=(
        "What messages that were handed over have cost, by the prices in force at that moment: a mail, a part of an "
        "SMS, a WhatsApp message. By whole days of the shop's calendar. Tests to oneself are not counted."
    ),
    by=("channel", "purpose", "day", "month"),
    columns=(
        Column(name="cost_minor", title="Cost", unit="minor"),
        Column(name="sent", title="Messages"),
    ),
    main="cost_minor",
)
