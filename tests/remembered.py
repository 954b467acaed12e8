"""What is remembered where all of Rapport's own slices are installed."""

from __future__ import annotations

from rapport.app.wiring import installed

__all__ = ["REMEMBERED"]

REMEMBERED = installed().remembered
