"""What insights bring to the server."""

from __future__ import annotations

from rapport.capabilities.insights.pages import PAGES
from rapport.capabilities.insights.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
