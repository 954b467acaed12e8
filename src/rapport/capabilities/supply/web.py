"""What supply brings to the server: addresses and a page."""

from __future__ import annotations

from rapport.capabilities.supply.pages import PAGES
from rapport.capabilities.supply.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
