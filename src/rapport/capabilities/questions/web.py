"""What questions bring to the server."""

from __future__ import annotations

from rapport.capabilities.questions.pages import PAGES
from rapport.capabilities.questions.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
