"""Merchandising: what people want on a placement, whatever is learnt: pin, boost, bury, leave out, show only these.

For marketers, in the console and over the API. A rule bows to stock, to what may be shown, and to a sort that the
shopper has chosen.
"""

from rapport.capabilities.merchandising.model import Conflict, Rule
from rapport.capabilities.merchandising.service.changing import rules_about

__all__ = ["Conflict", "Rule", "rules_about"]
