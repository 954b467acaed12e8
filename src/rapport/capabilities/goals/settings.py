"""What a shop wants the order of products to bring, and what sending and taking back cost it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["GOALS_SETTINGS", "GoalsSettings"]

_TO = {"ge": 0, "le": 100}
_MOST = 1_000_000_000


class GoalsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop wants the order of products to bring."""

    looks: Annotated[
        int,
        Meta(**_TO, title="What is looked at",
             description="From 0 to 100, beside the other goals: what visitors turn to next."),
    ] = 100  # fmt: skip
    revenue: Annotated[
        int, Meta(**_TO, title="Revenue", description="What is bought and kept, at its price without tax.")
    ] = 0
    contribution: Annotated[
        int,
        Meta(**_TO, title="Contribution after returns",
             description="What a sale leaves after cost, sending and returns."),
    ] = 0  # fmt: skip
    kept: Annotated[
        int, Meta(**_TO, title="What is kept", description="Purchases that do not come back, whatever they cost.")
    ] = 0
    sending_minor: Annotated[
        int, Meta(ge=0, le=_MOST, title="Sending one piece costs",
                  description="In the smallest unit of your currency, such as cents; 0 is not known."),
    ] = 0  # fmt: skip
    return_minor: Annotated[
        int, Meta(ge=0, le=_MOST, title="Taking one piece back costs",
                  description="Freight, looking at it, packing it anew; in cents or the like; 0 is not known."),
    ] = 0  # fmt: skip
    tax_percent: Annotated[
        float, Meta(ge=0, le=100, title="Tax in your prices, in percent", description="0 where prices are without.")
    ] = 0.0


GOALS_SETTINGS = Section(
    name="goals", title="Goals", kind=GoalsSettings,
    about="What the order of products on your placements is to bring. The page Goals shows what another mix changes.",
)  # fmt: skip
