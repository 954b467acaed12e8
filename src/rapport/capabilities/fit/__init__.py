"""Fit: will this customer keep this item, and which size of it, by what the shop's own returns say.

For product pages, the service desk and decisions. What too little is known of is called unknown.
"""

from rapport.capabilities.fit.model import FitShown, Risk, SizeAdvice
from rapport.capabilities.fit.service import fit_of
from rapport.capabilities.fit.store import buyers_of

__all__ = ["FitShown", "Risk", "SizeAdvice", "buyers_of", "fit_of"]
