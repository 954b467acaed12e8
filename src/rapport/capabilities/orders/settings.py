"""What a shop decides of carts and orders."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["ORDER_SETTINGS", "OrderSettings"]


class OrderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of carts and orders."""

    cart_abandoned_after_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=30 * 86_400,
            title="A cart is left after so many seconds",
            description="A cart with something in it that nobody has changed for so long: 3600 is an hour.",
        ),
    ] = 3600
    customer_lapsed_after_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            title="A customer has lapsed after so many days",
            description="Somebody who has ordered, and then not again for so long.",
        ),
    ] = 60


ORDER_SETTINGS = Section(name="orders", title="Carts and orders", kind=OrderSettings)
