"""What the pages of products bring to the server."""

from __future__ import annotations

from rapport.capabilities.products.bundle_pages import BUNDLE_PAGES
from rapport.capabilities.products.pages import FINDER, PAGES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(pages=(PAGES, BUNDLE_PAGES), finders=(FINDER,))
