"""What supply brings to the server: addresses, a page, and what a shop's own pages say of stock."""

from __future__ import annotations

from rapport.capabilities.supply.bundle_routes import ROUTES as BUNDLE_ROUTES
from rapport.capabilities.supply.components import COMPONENTS
from rapport.capabilities.supply.pages import PAGES
from rapport.capabilities.supply.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES, *BUNDLE_ROUTES), pages=(PAGES,), components=COMPONENTS)
