"""Segments: conditions over the Golden Record, one text for the live path and for all customers at once."""
