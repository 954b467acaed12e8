"""Promises: what a shop said about when an order is there, watched, and told honestly before the customer asks."""
