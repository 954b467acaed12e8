"""Measuring: what was decided, clicked and bought, and every number of the shop with one definition."""
