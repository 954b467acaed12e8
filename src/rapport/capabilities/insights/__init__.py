"""What the business sees: who bought what, how they came to it, whether they come again, and what they give back.

For whoever needs the lines of what customers bought, or what those left who were won in a period.
"""

from rapport.capabilities.insights.service.asking import NONE
from rapport.capabilities.insights.service.bought import product_days, usual_intervals
from rapport.capabilities.insights.service.margins import with_margins
from rapport.capabilities.insights.service.won import Aged, Won, won_in

__all__ = ["NONE", "Aged", "Won", "product_days", "usual_intervals", "with_margins", "won_in"]
