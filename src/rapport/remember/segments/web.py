"""What segments bring to the server."""

from __future__ import annotations

from rapport.remember.segments.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES)
"""All of it; a worker never imports it."""
