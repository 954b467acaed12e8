"""What shops' webhooks bring to the server."""

from __future__ import annotations

from rapport.adapters.shops.routes import DOORS, ROUTES
from rapport.adapters.shops.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, webhooks=DOORS, watches=WATCHES)
