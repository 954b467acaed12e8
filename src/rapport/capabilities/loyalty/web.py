"""What loyalty brings to the server; a worker never imports it."""

from __future__ import annotations

from rapport.capabilities.loyalty.fee_routes import FEE_ROUTES
from rapport.capabilities.loyalty.member_pages import MEMBER_ROUTES
from rapport.capabilities.loyalty.pages import PAGES
from rapport.capabilities.loyalty.panels import PANELS
from rapport.capabilities.loyalty.pass_routes import PASS_ROUTES, PASS_SHOP
from rapport.capabilities.loyalty.routes import ROUTES
from rapport.capabilities.loyalty.shop import COMPONENTS, SHOP
from rapport.capabilities.loyalty.watches import WATCHES
from rapport.web.part import WebPart

__all__ = ["WEB"]

WEB = WebPart(
    routes=(*ROUTES, *FEE_ROUTES, *MEMBER_ROUTES, *PASS_ROUTES), pages=(PAGES,), panels=PANELS,
    shop=(*SHOP, *PASS_SHOP), components=COMPONENTS, watches=WATCHES,
)  # fmt: skip
