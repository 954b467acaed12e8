"""What journeys bring to the server: addresses, pages, a card of the customer's page."""

from __future__ import annotations

from rapport.capabilities.journeys.pages import PAGES
from rapport.capabilities.journeys.panels import PANELS
from rapport.capabilities.journeys.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,), panels=PANELS)
