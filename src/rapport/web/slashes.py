"""Slashes inside a part of an address: ids such as `gid://shopify/Customer/1`, sent as `gid%3A%2F%2Fshopify…`.

A server decodes the path before it is cut into parts, and `%2F` would cut it, too. So a stand-in travels through the
routing, and the parameters that handlers are given have their slashes again.
"""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from litestar import Litestar
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

__all__ = ["Slashes", "keep_slashes"]

_STAND_IN = "\ue02f"  # of a private area: nothing else means it
_ENCODED = _STAND_IN.encode()


def keep_slashes(app: Litestar) -> Litestar:
    """Let the application route by the path as it was sent. It needs `Slashes` among its middleware."""
    inner = app.asgi_handler

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")  # a lifespan has none
        if raw and (b"%2F" in raw or b"%2f" in raw):
            path = raw.partition(b"?")[0].replace(b"%2F", _ENCODED).replace(b"%2f", _ENCODED)
            scope["path"] = unquote_to_bytes(path).decode("utf-8", "replace")
        await inner(scope, receive, send)

    app.asgi_handler = handle
    return app


class Slashes(ASGIMiddleware):
    """Gives a routed request its slashes back."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if _STAND_IN in scope["path"]:
            scope["path"] = scope["path"].replace(_STAND_IN, "/")
            parameters = scope.get("path_params", {})
            for name, value in parameters.items():
                if isinstance(value, str):
                    parameters[name] = value.replace(_STAND_IN, "/")
        await next_app(scope, receive, send)
