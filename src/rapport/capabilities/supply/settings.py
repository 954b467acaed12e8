"""What a shop decides of its stock."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["SUPPLY_SETTINGS", "SupplySettings"]


class SupplySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its stock."""

    known_for_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=24 * 365,
            title="A level of stock is known for so many hours",
            description="Stated longer ago, it is unknown: a store that must hand it over is then not promised.",
        ),
    ] = 48


SUPPLY_SETTINGS = Section(name="supply", title="Stock", kind=SupplySettings)
