"""What orders bring to the server: cards of the customer's page and of Home."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.orders.panels import PANELS
from rapport.capabilities.orders.tiles import TILES
from rapport.web.console import ConsolePages
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(
    pages=(ConsolePages(room="orders", templates=Path(__file__).parent / "templates"),), panels=PANELS, tiles=TILES
)
