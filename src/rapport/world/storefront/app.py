"""The storefront as a raw ASGI application: which page answers at which address."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from rapport.world.storefront import account, buying, looking
from rapport.world.storefront.serving import Reply, Request, kept_file, read, write
from rapport.world.storefront.shop import Shop
from rapport.world.storefront.statements import look
from rapport.world.storefront.stating import state_catalogue

__all__ = ["Storefront"]

_Handler: TypeAlias = Callable[[Shop, Request, str], Awaitable[Reply | None]]
_READING = {
    "delivery": "Delivery and collection",
    "returns": "Returns and exchanges",
    "about": "About us",
    "privacy": "Privacy",
    "contact": "Contact",
    "stores": "Our stores",
}
"""Pages to read: name and title."""


async def _reading(shop: Shop, request: Request, name: str) -> Reply | None:
    page = request.path.strip("/")
    return None if name else shop.page(request, f"reading/{page}", _READING[page], [look(_READING[page])])


_ROUTES: dict[tuple[str, str], _Handler] = {
    ("GET", ""): looking.home,
    ("GET", "c"): looking.category,
    ("GET", "d"): looking.department,
    ("GET", "p"): looking.product,
    ("GET", "search"): looking.search,
    ("GET", "cart"): buying.cart,
    ("POST", "cart"): buying.change,
    ("GET", "checkout"): buying.checkout,
    ("POST", "order"): buying.order,
    ("GET", "thanks"): buying.thanks,
    ("POST", "review"): buying.review,
    ("GET", "orders"): account.one_order,
    ("GET", "account"): account.account,
    ("GET", "sign-in"): account.choose,
    ("POST", "sign-in"): account.sign_in,
    ("POST", "store"): account.choose_store,
    **{("GET", name): _reading for name in _READING},
}


class Storefront:
    """The shop window. `rapport` is where the server finds Rapport; browsers find it at the same port of their host."""

    def __init__(self, *, rapport: str, write_key: str, api_key: str, seed: int = 7) -> None:
        self._shop = Shop(rapport=rapport, write_key=write_key, api_key=api_key, seed=seed)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = await read(scope, receive)
            reply = await self._answer(request)
            await write(
                reply, send, packed=request.packed, rapport_port=self._shop.rapport_port, head=scope["method"] == "HEAD"
            )

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        stating = asyncio.create_task(state_catalogue(self._shop.rapport))
        await receive()
        stating.cancel()
        await asyncio.gather(stating, return_exceptions=True)
        await self.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def aclose(self) -> None:
        """Close the connections to Rapport."""
        await self._shop.rapport.aclose()

    async def _answer(self, request: Request) -> Reply:
        if request.path.startswith(("/static/", "/pictures/")):
            return kept_file(request.path) or Reply(status=404, content_type="text/plain", body=b"no such file")
        folder, _, name = request.path.strip("/").partition("/")
        route = _ROUTES.get((request.method, folder))
        found = await route(self._shop, request, name) if route is not None else None
        return found or self._shop.page(request, "missing", "Not found", [look("Not found")], status=404)
