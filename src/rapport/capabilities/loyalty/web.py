"""What loyalty brings to the server; a worker never imports it."""

from __future__ import annotations

from rapport.capabilities.loyalty.pages import PAGES
from rapport.capabilities.loyalty.panels import PANELS
from rapport.capabilities.loyalty.routes import ROUTES
from rapport.capabilities.loyalty.shop import COMPONENTS, SHOP
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,), panels=PANELS, shop=SHOP, components=COMPONENTS)
