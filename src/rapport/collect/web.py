"""What collecting brings to the server."""

from __future__ import annotations

from rapport.collect.pages import PAGES
from rapport.collect.routes import ROUTES
from rapport.collect.watches import WATCHES
from rapport.collect.withdrawal_routes import ROUTES as WITHDRAWALS
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(routes=(*ROUTES, *WITHDRAWALS), pages=(PAGES,), watches=WATCHES)
