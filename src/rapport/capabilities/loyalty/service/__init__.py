"""Use cases of loyalty: to keep what earns points and settle it, and to tell members what has changed."""
