"""Rapport, the one office of a shop."""
