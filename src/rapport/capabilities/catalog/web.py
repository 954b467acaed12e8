"""What the catalogue brings to the server."""

from __future__ import annotations

from pathlib import Path

from rapport.capabilities.catalog.panels import PANELS
from rapport.capabilities.catalog.routes import ROUTES
from rapport.web.console import ConsolePages
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(
    routes=ROUTES, pages=(ConsolePages(room="catalog", templates=Path(__file__).parent / "templates"),), panels=PANELS
)
