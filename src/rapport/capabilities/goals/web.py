"""What goals bring to the server."""

from __future__ import annotations

from rapport.capabilities.goals.pages import PAGES
from rapport.capabilities.goals.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
