"""A backup: one file with everything of an installation's database, taken while it runs, checked, and put back."""
