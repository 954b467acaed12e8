"""Which products go together, learned live from visits and orders; candidates for the placements that show products."""

from rapport.capabilities.recommendations.store import ProductCounts, counts_of, neighbours_of

__all__ = ["ProductCounts", "counts_of", "neighbours_of"]
