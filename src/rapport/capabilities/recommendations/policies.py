"""How the slates of the recommendations are chosen."""

from __future__ import annotations

from rapport.decide.policies import POOL, EpsilonGreedy

__all__ = ["PRODUCT_ALSO", "RELEVANCE"]

PRODUCT_ALSO = EpsilonGreedy(name="covisits", version="1", epsilon=0.05, pool=POOL)
"""The strongest neighbours first; one place in twenty is given to another candidate, to learn."""

RELEVANCE = EpsilonGreedy(name="relevance", version="1", epsilon=0.05, pool=POOL)
"""Likewise, on every other placement."""
