"""What providers' webhooks bring to the server."""

from __future__ import annotations

from rapport.adapters.providers.pages import PAGES
from rapport.adapters.providers.routes import DOORS, ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, webhooks=DOORS, pages=(PAGES,))
