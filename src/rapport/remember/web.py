"""What remembering brings to the server."""

from __future__ import annotations

from rapport.remember.finder import CUSTOMERS
from rapport.remember.pages import PAGES
from rapport.remember.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES,), pages=(PAGES,), finders=(CUSTOMERS,))
