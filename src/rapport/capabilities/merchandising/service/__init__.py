"""Merchandising in decisions (`applying`), how its rules change (`changing`), what some would do (`trying`)."""
