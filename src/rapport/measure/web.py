"""What measuring brings to the server."""

from __future__ import annotations

from rapport.measure.pages import PAGES
from rapport.measure.routes import ROUTES
from rapport.measure.tiles import TILES
from rapport.measure.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES,), pages=(PAGES,), tiles=TILES, watches=WATCHES)
