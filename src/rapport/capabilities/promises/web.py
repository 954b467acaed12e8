"""What promises bring to the server; a worker never imports it."""

from __future__ import annotations

from rapport.capabilities.promises.pages import PAGES
from rapport.capabilities.promises.panels import PANELS
from rapport.capabilities.promises.routes import ROUTES
from rapport.capabilities.promises.shop import SHOP
from rapport.capabilities.promises.tiles import TILES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,), panels=PANELS, tiles=TILES, shop=SHOP)
