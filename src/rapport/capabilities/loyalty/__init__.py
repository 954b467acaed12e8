"""Loyalty: points in a double-entry ledger, tiers, benefits, paid membership, and the programme that says the rules."""
