"""What consent brings to the server: addresses, a page, a card of the customer's page, a banner."""

from __future__ import annotations

from rapport.capabilities.consent.components import COMPONENTS
from rapport.capabilities.consent.pages import PAGES
from rapport.capabilities.consent.panels import PANELS
from rapport.capabilities.consent.retention_pages import RETENTION_PAGES, WATCHES
from rapport.capabilities.consent.routes import ROUTES
from rapport.capabilities.consent.shop import SHOP
from rapport.capabilities.consent.your_data import YOUR_DATA
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(
    routes=ROUTES,
    pages=(PAGES, RETENTION_PAGES),
    watches=WATCHES,
    panels=PANELS,
    shop=(*SHOP, *YOUR_DATA),
    components=COMPONENTS,
)
