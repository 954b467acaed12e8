"""What predictions bring to the server."""

from __future__ import annotations

from rapport.capabilities.prediction.pages import PAGES
from rapport.capabilities.prediction.panels import PANELS
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(pages=(PAGES,), panels=PANELS)
