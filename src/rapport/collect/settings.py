"""What a shop decides of collecting."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from rapport.kernel.settings import Section

__all__ = ["COLLECT_SETTINGS", "CollectSettings"]


class CollectSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop decides of collecting."""

    quarantine_mb_of_a_source: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            title="Megabytes of unread messages kept of one source",
            description="Where a source has more of them in quarantine, its oldest go first, and Home says so.",
        ),
    ] = 100
    quarantine_mb: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            title="Megabytes of unread messages kept in all",
            description="Of all sources together; where there are more, the oldest go first.",
        ),
    ] = 500


COLLECT_SETTINGS = Section(name="collect", title="Collecting", kind=CollectSettings)
