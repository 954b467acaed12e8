"""What messages bring to the server: addresses, pages, a card of the customer's page."""

from __future__ import annotations

from rapport.capabilities.messages.channel_pages import CHANNEL_PAGES
from rapport.capabilities.messages.channel_routes import CHANNEL_ROUTES
from rapport.capabilities.messages.pages import PAGES
from rapport.capabilities.messages.panels import PANELS
from rapport.capabilities.messages.routes import ROUTES
from rapport.capabilities.messages.shop import SHOP
from rapport.capabilities.messages.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(
    routes=(*ROUTES, *CHANNEL_ROUTES), pages=(PAGES, CHANNEL_PAGES), panels=PANELS, watches=WATCHES, shop=SHOP
)
