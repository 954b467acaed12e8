"""The HTTP server: the hot doors as they are, everything else through the framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from litestar import Litestar

from rapport.act import pages as act
from rapport.act.routes import ROUTES as ACT_API
from rapport.app import health
from rapport.app import pages as system
from rapport.app.scorecard import page as scorecard
from rapport.app.scorecard.series import Series
from rapport.app.settings import Settings
from rapport.app.wiring import Parts
from rapport.collect import pages as collect
from rapport.collect.doors import Doors
from rapport.collect.http import Receive, Scope, Send
from rapport.collect.routes import ROUTES as COLLECT_API
from rapport.decide import pages as decide
from rapport.decide.routes import ROUTES as DECIDE_API
from rapport.measure import pages as measure
from rapport.measure.routes import ROUTES as MEASURE_API
from rapport.remember import pages as remember
from rapport.remember.profiles import PROFILES
from rapport.remember.routes import ROUTES as REMEMBER_API
from rapport.resolve import pages as resolve
from rapport.resolve.review_routes import ROUTES as REVIEW_API
from rapport.resolve.routes import ROUTES as RESOLVE_API
from rapport.web.app import create_app

__all__ = ["Front", "create_server"]

ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

API = (*COLLECT_API, *RESOLVE_API, *REVIEW_API, *REMEMBER_API, *DECIDE_API, *ACT_API, *MEASURE_API)
"""Handlers below `/api/v1`."""

CONSOLE = (collect.PAGES, resolve.PAGES, remember.PAGES, decide.PAGES, act.PAGES, measure.PAGES, system.PAGES)
"""The console's pages, room by room."""


def create_server(settings: Settings, parts: Parts) -> Front:
    """The ASGI application of one installation. `parts` are closed when it shuts down."""
    demonstration = (scorecard.PAGES,) if Series(settings.data_dir).exists() else ()
    app = create_app(
        db=parts.db,
        console=(*CONSOLE, *demonstration, *(pages for slice_ in parts.slices for pages in slice_.pages)),
        api=(*API, *(route for slice_ in parts.slices for route in slice_.routes)),
        routes=[PROFILES, *health.ROUTES],
        state=parts.state(),
        https=settings.secure_cookies,
    )
    return Front(app, parts.doors)


class Front:
    """Sends each request to the doors or to the framework, and runs both for the server's life."""

    def __init__(self, app: Litestar, doors: Doors) -> None:
        self._framework = cast("ASGI", app)
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._doors.handles(scope["path"]):
            await self._doors(scope, receive, send)
        elif scope["type"] == "lifespan":
            async with self._doors.running():
                await self._framework(scope, receive, send)
        else:
            await self._framework(scope, receive, send)
