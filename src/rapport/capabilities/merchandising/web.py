"""What merchandising brings to the server."""

from __future__ import annotations

from rapport.capabilities.merchandising.pages import PAGES
from rapport.capabilities.merchandising.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
