"""Measurements against a limit taken in the same run. `python -m benchmarks.NAME [--quick] [--json]`."""
