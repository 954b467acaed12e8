"""What gift cards bring to the server; a worker never imports it."""

from __future__ import annotations

from rapport.web.part import WebPart
from rapport_giftcards.pages import PAGES
from rapport_giftcards.panels import PANELS
from rapport_giftcards.routes import ROUTES
from rapport_giftcards.shop import COMPONENTS, SHOP
from rapport_giftcards.tiles import TILES

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,), panels=PANELS, tiles=TILES, shop=SHOP, components=COMPONENTS)
