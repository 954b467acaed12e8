"""What acting brings to the server."""

from __future__ import annotations

from rapport.act.pages import PAGES
from rapport.act.routes import ROUTES
from rapport.act.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES,), pages=(PAGES,), watches=WATCHES)
