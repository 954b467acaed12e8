"""Fit: will this customer keep this item, and which size of it, by what the shop's own returns say.

For product pages, the service desk and decisions. What too little is known of is called unknown.
"""

from rapport.capabilities.fit.model import FitShown, Risk, SizeAdvice

__all__ = ["FitShown", "Risk", "SizeAdvice"]
