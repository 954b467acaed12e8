"""Ready-made segments: conditions to begin with, each with what it is for; they may be changed first."""

from __future__ import annotations

import msgspec

__all__ = ["READY", "ReadyMade"]


class ReadyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A condition to begin with."""

    key: str
    name: str
    where: str
    why: str
    """Who they are, and what to do for them."""


READY: tuple[ReadyMade, ...] = (
    ReadyMade(
        key="new", name="New customers", where="orders = 1 AND first_order_at > now() - INTERVAL 30 DAY",
        why="The first month decides whether somebody comes again: welcome them, ask how it went.",
    ),
    ReadyMade(
        key="active", name="Active customers", where="orders >= 2 AND last_order_at > now() - INTERVAL 90 DAY",
        why="Life stage: they know the shop and bought lately. Show what is new.",
    ),
    ReadyMade(
        key="at-risk", name="At risk",
        where="orders >= 2 AND last_order_at BETWEEN now() - INTERVAL 180 DAY AND now() - INTERVAL 90 DAY",
        why="Life stage: bought several times, quiet for three months. A reason to come back, before it is late.",
    ),
    ReadyMade(
        key="lapsed", name="Lapsed", where="orders >= 1 AND last_order_at < now() - INTERVAL 180 DAY",
        why="Life stage: half a year without an order. Winning them again costs more: choose by what they were worth.",
    ),
    ReadyMade(
        key="champions", name="Champions (RFM)",
        where="last_order_at > now() - INTERVAL 30 DAY AND orders >= 4 AND net_revenue >= 300",
        why="Recent, frequent and worth much. Set the amount so that about one in ten is in it.",
    ),
    ReadyMade(
        key="promising", name="Promising (RFM)",
        where="last_order_at > now() - INTERVAL 60 DAY AND orders <= 2 AND average_order >= 100",
        why="Bought lately and much at once, but not often yet: the next order is what to help with.",
    ),
    ReadyMade(
        key="vip", name="VIP", where="net_revenue >= 1000 AND last_order_at > now() - INTERVAL 365 DAY",
        why="Those the shop lives by, after refunds. A person answers them, at once.",
    ),
    ReadyMade(
        key="big-returners", name="Big returners", where="orders >= 2 AND refunds / revenue > 0.5",
        why="More than half of the money went back. Sizes and pictures, before discounts.",
    ),
    ReadyMade(
        key="deal-seekers", name="Deal seekers", where="orders >= 2 AND coupon_orders / orders >= 0.5",
        why="At least every second order with a coupon. A coupon costs margin here that others do not ask for.",
    ),
    ReadyMade(
        key="gift-buyers", name="Gift buyers", where="has(categories, '%gift%') OR has(searches, '%gift%')",
        why="Looks at or buys gifts: reminders before the days on which one gives. Put the shop's own words in.",
    ),
)  # fmt: skip
