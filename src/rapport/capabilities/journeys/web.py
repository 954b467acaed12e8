"""What journeys bring to the server: addresses, pages, a card of the customer's page."""

from __future__ import annotations

from rapport.capabilities.journeys.pages import PAGES
from rapport.capabilities.journeys.panels import PANELS
from rapport.capabilities.journeys.routes import ROUTES
from rapport.capabilities.journeys.staff_routes import STAFF_ROUTES
from rapport.capabilities.journeys.task_pages import TASK_PAGES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES, *STAFF_ROUTES), pages=(PAGES, TASK_PAGES), panels=PANELS)
