"""What the recommendations bring to the server: a page, an address, an alarm."""

from __future__ import annotations

from rapport.capabilities.recommendations.pages import PAGES, ROUTES
from rapport.capabilities.recommendations.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,), watches=WATCHES)
