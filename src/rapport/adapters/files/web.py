"""What imports bring to the server."""

from __future__ import annotations

from rapport.adapters.files.pages import PAGES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(pages=(PAGES,))
