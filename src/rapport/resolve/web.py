"""What identity brings to the server: corrections and policies, and the review of what was learned."""

from __future__ import annotations

from rapport.resolve.actions import pages, routes
from rapport.resolve.linking import review_pages, review_routes
from rapport.resolve.reading import routes as reading
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*reading.ROUTES, *routes.ROUTES, *review_routes.ROUTES), pages=(pages.PAGES, review_pages.PAGES))
