"""Fit: will this customer keep this item, and which size of it, by what the shop's own returns say.

For product pages, the service desk and decisions. What too little is known of is called unknown.
"""

from rapport.capabilities.fit.model import ENOUGH_IN_THE_SHOP, FitShown, Risk, SizeAdvice
from rapport.capabilities.fit.service import TIME_TO_RETURN, fit_of, sold_of, sold_of_the_shop
from rapport.capabilities.fit.store import buyers_of

__all__ = [
    "ENOUGH_IN_THE_SHOP", "TIME_TO_RETURN", "FitShown", "Risk", "SizeAdvice", "buyers_of", "fit_of", "sold_of",
    "sold_of_the_shop",
]  # fmt: skip
