"""What the lake brings to the server: an address and a page."""

from __future__ import annotations

from rapport.capabilities.lake.pages import PAGES
from rapport.capabilities.lake.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
