"""Which products go together, learned live from visits and orders; candidates for the placements that show products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rapport.capabilities.recommendations.store import (
        ProductCounts,
        counts_of,
        counts_of_the_shop,
        neighbours_of,
        popular,
    )

__all__ = ["ProductCounts", "counts_of", "counts_of_the_shop", "neighbours_of", "popular"]


def __getattr__(name: str) -> Any:
    """The front door, opened when somebody comes: commands are listed without the database's parts."""
    if name not in __all__:
        raise AttributeError(name)
    from rapport.capabilities.recommendations import store

    return getattr(store, name)
