"""Acquisition: what campaigns cost, what a new customer cost, and when what customers left had paid it back."""
