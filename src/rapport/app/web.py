"""What the installation itself brings to the server."""

from __future__ import annotations

from rapport.app.pages import PAGES
from rapport.app.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(pages=(PAGES,), watches=WATCHES)
