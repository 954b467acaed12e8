"""What deciding brings to the server."""

from __future__ import annotations

from rapport.decide.components import COMPONENTS
from rapport.decide.pages import PAGES
from rapport.decide.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES,), pages=(PAGES,), components=COMPONENTS)
