"""What a shop decides of its gift cards."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["CARD_SETTINGS", "CardSettings"]


class CardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of its gift cards."""

    valid_days: Annotated[
        int, Meta(ge=1, le=36_500, title="Valid for days", description="From the day a card is sold.")
    ] = 1_095


CARD_SETTINGS = Section(name="giftcards", title="Gift cards", kind=CardSettings)
