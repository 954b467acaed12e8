"""What export, and what people ask, bring to the server."""

from __future__ import annotations

from rapport.compose.hold_routes import ROUTES as HOLDS
from rapport.compose.pages import PAGES
from rapport.compose.redaction_routes import ROUTES as REDACTIONS
from rapport.compose.request_pages import PAGES as REQUEST_PAGES
from rapport.compose.request_routes import ROUTES as REQUESTS
from rapport.compose.routes import ROUTES as EXPORT
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*EXPORT, *REQUESTS, *REDACTIONS, *HOLDS), pages=(PAGES, REQUEST_PAGES))
