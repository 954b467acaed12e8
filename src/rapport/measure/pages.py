"""Console pages of measuring: Home, decisions with what came of them, and metrics."""

from __future__ import annotations

from pathlib import Path

from rapport.measure import decision_pages, home, judging_pages, metric_pages
from rapport.web.console import ConsolePages

__all__ = ["PAGES"]

PAGES = ConsolePages(
    room="measure",
    templates=Path(__file__).parent / "templates",
    handlers=(*home.HANDLERS, *decision_pages.HANDLERS, *metric_pages.HANDLERS, *judging_pages.HANDLERS),
    nav=(home.NAV, decision_pages.NAV, metric_pages.NAV, *judging_pages.NAV),
)
