"""What the business sees: who bought what, how they came to it, whether they come again, and what they give back.

For whoever needs the lines of what customers bought.
"""

from rapport.capabilities.insights.service.bought import product_days, usual_intervals

__all__ = ["product_days", "usual_intervals"]
