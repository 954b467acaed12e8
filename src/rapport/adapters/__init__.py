"""The outside world: one folder per system that Rapport reads from or speaks to. Only `app` knows they exist."""
