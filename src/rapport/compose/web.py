"""What export brings to the server."""

from __future__ import annotations

from rapport.compose.pages import PAGES
from rapport.compose.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
