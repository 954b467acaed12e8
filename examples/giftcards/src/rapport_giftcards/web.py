"""What gift cards bring to the server; a worker never imports it."""

from __future__ import annotations

from rapport.web.part import WebPart
from rapport_giftcards.pages import PAGES
from rapport_giftcards.routes import ROUTES

__all__ = ["WEB"]

WEB = WebPart(routes=ROUTES, pages=(PAGES,))
