"""What orders bring to the server: pages, cards of pages of others, and finding somebody by an order."""

from __future__ import annotations

from rapport.capabilities.orders.finding import BY_NUMBER, ORDERS
from rapport.capabilities.orders.pages import PAGES
from rapport.capabilities.orders.panels import PANELS
from rapport.capabilities.orders.tiles import TILES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(pages=(PAGES,), panels=PANELS, tiles=TILES, finders=(ORDERS,), lookups=(BY_NUMBER,))
