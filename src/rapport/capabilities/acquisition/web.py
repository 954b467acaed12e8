"""What acquisition brings to the server."""

from __future__ import annotations

from rapport.capabilities.acquisition.pages import PAGES
from rapport.capabilities.acquisition.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
