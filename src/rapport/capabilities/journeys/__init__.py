"""Journeys: what happens to a customer step by step, when, and what it is worth against those who get nothing."""
