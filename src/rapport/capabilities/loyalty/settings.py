"""What a shop decides of its programme beside the terms: what members are told, and how early."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["LOYALTY_SETTINGS", "LoyaltySettings"]


class LoyaltySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages members get. Each is asked what every message is asked, when it goes."""

    tell_terms: Annotated[
        bool, Meta(title="New terms", description="Who is in the programme is told, with the day they hold from.")
    ] = True
    tell_tiers: Annotated[bool, Meta(title="Another tier", description="Reached or left.")] = True
    tell_membership: Annotated[bool, Meta(title="Membership", description="Begun, paid again, cancelled, ended.")] = (
        True
    )
    tell_corrections: Annotated[
        bool, Meta(title="Points corrected by a person", description="With the reason that was given.")
    ] = True
    tell_apologies: Annotated[
        bool, Meta(title="Points as an apology", description="What went wrong, and how many points came for it.")
    ] = True
    expiry_notice_days: Annotated[
        int,
        Meta(ge=0, le=365, title="Days before points expire", description="News and offers, so only to who wants "
             "them. 0: nobody is told."),
    ] = 30  # fmt: skip


LOYALTY_SETTINGS = Section(
    name="loyalty", title="Loyalty", kind=LoyaltySettings, about="What members are told; the terms are on their page."
)
