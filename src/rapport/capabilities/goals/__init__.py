"""Goals: what showing a product is expected to bring, and what the order of products is to bring the shop.

Looks, revenue, contribution after returns, pieces that are kept: a shop says how much each weighs, and sees first what
another mix would change.
"""

from rapport.capabilities.goals.model import Figures

__all__ = ["Figures"]
