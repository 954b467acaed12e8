"""What shops' webhooks bring to the server."""

from __future__ import annotations

from rapport.adapters.shops.pulling.pages import CARD, PAGES
from rapport.adapters.shops.pulling.routes import ROUTES as PULL_ROUTES
from rapport.adapters.shops.routes import DOORS, ROUTES
from rapport.adapters.shops.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES, *PULL_ROUTES), pages=(PAGES,), webhooks=DOORS, watches=WATCHES, source_cards=(CARD,))
