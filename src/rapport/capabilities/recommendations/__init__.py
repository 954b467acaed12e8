"""Which products go together, learned live from visits and orders; candidates for the placements that show products."""
