"""What fit brings to the server."""

from __future__ import annotations

from rapport.capabilities.fit.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES)
