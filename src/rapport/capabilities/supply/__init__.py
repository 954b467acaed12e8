"""Supply: where goods lie, how many of them, and what a store or the warehouse can hand over now.

For decisions, search and pages that must not offer what nobody can have. A level that was stated too long ago is
unknown, and said to be.
"""

from rapport.capabilities.supply.bundles import Bundle, Part
from rapport.capabilities.supply.model import Availability, Location
from rapport.capabilities.supply.service import (
    availability,
    location_named,
    lying,
    none_to_be_had,
    not_to_be_had,
    stores_with,
)
from rapport.capabilities.supply.shown import ProductShown, product_shown
from rapport.capabilities.supply.stating import state_bundle
from rapport.capabilities.supply.store import bundles_after, find_bundles, find_locations

__all__ = [
    "Availability",
    "Bundle",
    "Location",
    "Part",
    "ProductShown",
    "availability",
    "bundles_after",
    "find_bundles",
    "find_locations",
    "location_named",
    "lying",
    "none_to_be_had",
    "not_to_be_had",
    "product_shown",
    "state_bundle",
    "stores_with",
]
