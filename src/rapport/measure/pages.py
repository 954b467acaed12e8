"""Console pages of measuring: Home, and decisions with what came of them."""

from __future__ import annotations

from pathlib import Path

from rapport.measure import decision_pages, home
from rapport.web.console import ConsolePages

__all__ = ["PAGES"]

PAGES = ConsolePages(
    room="measure",
    templates=Path(__file__).parent / "templates",
    handlers=(*home.HANDLERS, *decision_pages.HANDLERS),
    nav=(home.NAV, decision_pages.NAV),
)
