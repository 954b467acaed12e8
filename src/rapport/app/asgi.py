"""The HTTP server: the hot endpoints as they are, everything else through the framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from litestar import Litestar

from rapport.app import health
from rapport.app.scorecard import page as scorecard
from rapport.app.scorecard.series import Series
from rapport.app.server import Server
from rapport.app.settings import Settings
from rapport.capabilities.consent import well_known
from rapport.collect.endpoints import Endpoints
from rapport.collect.http import Receive, Scope, Send
from rapport.collect.paths import handles
from rapport.remember.profiles import PROFILES
from rapport.web.alarms import Alarms
from rapport.web.app import create_app
from rapport.web.part import WebPart

__all__ = ["Front", "create_server"]

ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_server(settings: Settings, server: Server) -> Front:
    """The ASGI application of one installation. `server` is closed when it shuts down."""
    parts = server.slices.web_parts()
    if Series(settings.data_dir).exists():
        parts["scorecard"] = WebPart(pages=(scorecard.PAGES,))
    app = create_app(
        db=server.db,
        wording=server.slices.wording,
        permissions=server.slices.permissions,
        parts=parts,
        routes=[PROFILES, *health.ROUTES, *well_known.ROUTES],
        shop_of_key=server.shop_of_key,
        provided=server.provided(),
        https=settings.secure_cookies,
    )
    return Front(app, server.endpoints, alarms=app.state.alarms)


class Front:
    """Sends each request to the endpoints or to the framework, and runs both for the server's life."""

    def __init__(self, app: Litestar, endpoints: Endpoints, *, alarms: Alarms) -> None:
        self.alarms = alarms
        self._framework = cast("ASGI", app)
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and handles(scope["path"]):
            await self._endpoints(scope, receive, send)
        elif scope["type"] == "lifespan":
            async with self._endpoints.running():
                await self._framework(scope, receive, send)
        else:
            await self._framework(scope, receive, send)
