"""What the audit trail brings to the server."""

from __future__ import annotations

from rapport.capabilities.audit.pages import PAGES
from rapport.capabilities.audit.routes import ROUTES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
