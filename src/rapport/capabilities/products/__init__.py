"""Products on pages for people: finding one, and all that is known of it in one place.

Keeps nothing of its own: what stands here is told by the catalogue, stock, recommendations, fit and merchandising.
"""

from rapport.capabilities.products.service import ProductPage

__all__ = ["ProductPage"]
