"""What slices show to shoppers: pages below `/shop/{slice}`, and components below `/components/{slice}`, which a shop
puts into its own site.

Nobody signs in here, so each handler says what opens it: `@get("/left", opened_by="public")`, or `"write_key"` for
whoever has a key of one of the shop's sources, which is no secret. Neither proves who a person is: a handler tells
nothing of anybody unless what was sent does (the code of a gift card, a signed link). A handler that says nothing
stops the server's start. An address may ask 60 times a minute, for a component by GET 600
times; `a_minute=10` makes it fewer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import anyio.to_thread
from babel import negotiate_locale
from litestar import Request, Response, Router
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.types import ControllerRouterHandler, Guard

from rapport.kernel.clock import SECOND, now_us
from rapport.kernel.errors import NotFound, Unauthenticated
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.money import format_minor
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, all_workspaces
from rapport.web import asked
from rapport.web.auth import client_address
from rapport.web.limiter import AddressLimiter
from rapport.web.logs import RequestLog

__all__ = [
    "OPENINGS",
    "PATHS",
    "ShopFinder",
    "ShopOfKey",
    "Shopper",
    "add_headers",
    "components_router",
    "open_shop",
    "render_component",
    "render_error",
    "render_page",
    "shop_router",
]

PATHS = ("/shop/", "/components/")
OPENINGS = ("public", "write_key")
A_MINUTE = 60
A_MINUTE_OF_PAGES = 600
"""Of components before anybody has pressed a button: each view of the shop's page asks, and many share an address."""
REMEMBERED = 2 * SECOND
"""How long a shop's name and settings are remembered."""

ShopOfKey: TypeAlias = Callable[[str], Awaitable[WorkspaceId | None]]
"""Whose source has this write key; None where no open source has it."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
COMPONENT_POLICY = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
"""A component is fetched by the shop's page, whose own policy then holds; opened by itself it is nothing."""


class Shopper(NamedTuple):
    """Somebody at a shop, nobody knows who: where they are, and what they read."""

    workspace: WorkspaceId
    shop: str
    """The shop's name."""
    language: str
    """One of those the handler offers."""

    def money(self, minor: int, currency: str) -> str:
        """An amount as it is written in their language."""
        return format_minor(minor, currency, locale=self.language)


class ShopFinder:
    """Finds the shop that an address is of, and keeps anybody from asking too often."""

    def __init__(self, db: Database, shop_of_key: ShopOfKey | None = None) -> None:
        self._db = db
        self._shop_of_key = shop_of_key
        self._limiter = AddressLimiter()
        self._shops: tuple[int, list[Workspace]] = (0, [])

    def count(self, what: str, address: str, *, a_minute: int) -> None:
        """Count one request. Raises RateLimited."""
        self._limiter.take(what, address, a_minute=a_minute, now=now_us())

    def refuse_over(self, what: str, address: str, *, a_minute: int) -> None:
        """Raises RateLimited where one more would be too many; counts nothing."""
        self._limiter.refuse_over(what, address, a_minute=a_minute, now=now_us())

    async def by_name(self, slug: str) -> Workspace:
        """The shop of this short name; the only one of the installation where it is empty. Raises NotFound."""
        shops = await self._all()
        found = [shop for shop in shops if slug in ("", shop.slug)]
        if len(found) != 1:
            raise NotFound("there is no such shop", hint="name it: ?shop=")
        return found[0]

    async def by_key(self, key: str) -> Workspace:
        """The shop of a write key. Raises Unauthenticated."""
        found = await self._shop_of_key(key) if key and self._shop_of_key else None
        for shop in await self._all():
            if shop.id == found:
                return shop
        raise Unauthenticated("no source has this write key", hint="`?key=` is the write key of one of your sources")

    async def _all(self) -> list[Workspace]:
        now = now_us()
        if not 0 <= now - self._shops[0] < REMEMBERED:
            self._shops = (now, await anyio.to_thread.run_sync(self._read))
        return self._shops[1]

    def _read(self) -> list[Workspace]:
        with self._db.read() as conn:
            return all_workspaces(conn)


async def open_shop(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every shopper's handler: says which shop it is about.

    Raises RateLimited, Unauthenticated, NotFound.
    """
    method = connection.scope.get("method", "")
    if method == "OPTIONS":
        return
    shops: ShopFinder = connection.app.state.shops
    by_key = handler.opt.get("opened_by") == "write_key"
    what, usual = (
        connection.scope.get("path_template", ""),
        A_MINUTE_OF_PAGES if by_key and method == "GET" else A_MINUTE,
    )
    shops.count(f"{method} {what}", client_address(connection), a_minute=handler.opt.get("a_minute", usual))
    query = connection.query_params
    shop = await (shops.by_key(query.get("key", "")[:200]) if by_key else shops.by_name(query.get("shop", "")[:60]))
    offered: Sequence[str] = handler.opt.get("languages", ("en",))
    language = language_of(connection.headers.get("accept-language", ""), shop.settings.locale, offered)
    connection.scope["user"] = Shopper(shop.id, shop.name, language)


def language_of(accepted: str, otherwise: str, offered: Sequence[str]) -> str:
    """The offered language that a browser's `Accept-Language` likes best, else the shop's own, else the first.

    >>> language_of("fr-CH, de;q=0.7, en;q=0.8", "de", ("en", "de"))
    'en'
    >>> language_of("fr", "de_AT", ("en", "de")), language_of("DE-at", "en", ("en", "de"))
    ('de', 'de')
    """
    wishes = []
    for place, wish in enumerate(accepted[:500].split(",")):
        tag, _, weight = wish.strip().partition(";q=")
        wishes.append((-_weight(weight), place, tag.strip().replace("-", "_")))
    tags = [tag for weight, _, tag in sorted(wishes) if weight and tag]
    for tag in (*tags, otherwise):
        found = negotiate_locale([tag, tag.partition("_")[0]], offered)  # as the tag was written, in any case
        if found:
            return next(one for one in offered if one.lower() == found.lower())
    return offered[0]


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def shop_router(slice_: str, handlers: Sequence[ControllerRouterHandler]) -> Router:
    """A slice's pages for shoppers. With several shops the address names one: `?shop=paris`.

    What it does not know it passes over: newsletters and ads add parameters of their own to every link.
    """
    return _router(f"/shop/{slice_}", handlers)


def components_router(slice_: str, handlers: Sequence[ControllerRouterHandler]) -> Router:
    """A slice's components, fetched by the shop's own pages from wherever those are."""
    return _router(f"/components/{slice_}", handlers, partial(asked.refuse_unknown, also=frozenset({"key", "shop"})))


def _router(path: str, handlers: Sequence[ControllerRouterHandler], *more: Guard) -> Router:
    return Router(
        path=path,
        route_handlers=list(handlers),
        middleware=[RequestLog()],
        guards=[open_shop, *more],
        dependencies={"shopper": Provide(current_shopper)},
        request_max_body_size=20_000,
        include_in_schema=False,
    )


async def current_shopper(request: Request[Any, Any, Any]) -> Shopper:
    """The `shopper` of a handler."""
    shopper = request.scope.get("user")
    if not isinstance(shopper, Shopper):
        raise Unauthenticated("this is no page for shoppers")
    return shopper


def render_page(
    request: Request[Any, Any, Any], template: str, shopper: Shopper | None, *, status: int = 200, **context: Any
) -> Response[str]:
    """A page for a shopper, extending `web/shop.html`: no script, nothing of the console."""
    env = request.app.state.console.env
    html = env.get_template(template).render(shopper=shopper, **context)
    return Response(html, status_code=status, media_type="text/html", headers={"Cache-Control": "no-store"})


def render_component(request: Request[Any, Any, Any], template: str, shopper: Shopper, **context: Any) -> Response[str]:
    """A part of somebody else's page: plain HTML with classes that begin with `rapport-`, styled by the shop."""
    return render_page(request, template, shopper, **context)


def render_error(request: Request[Any, Any, Any], *, status: int, headers: Mapping[str, str]) -> Response[str]:
    """What a shopper reads where a page or a component cannot be shown."""
    shopper = request.scope.get("user")
    known = shopper if isinstance(shopper, Shopper) else None
    otherwise = known.language if known else "en"
    language = language_of(request.headers.get("accept-language", ""), otherwise, tuple(_ERRORS))
    words = _ERRORS[language]
    text = words.get(status, words[400] if status < 500 else words[500])
    template = "web/shop_error.html" if request.scope["path"].startswith("/shop/") else "web/component_error.html"
    page = render_page(request, template, known, status=status, language=language, text=text)
    page.headers.update(headers)
    return page


_ERRORS: Mapping[str, Mapping[int, str]] = {
    "en": {
        400: "This address or what was entered is not complete.",
        404: "There is nothing here.", 405: "There is nothing here.",
        429: "That was often. Please wait a minute, then try again.",
        500: "This does not work at the moment. Please try again later.",
    },
    "de": {
        400: "Diese Adresse oder Ihre Angaben sind nicht vollständig.",
        404: "Hier ist nichts.", 405: "Hier ist nichts.",
        429: "Das war oft. Bitte warten Sie eine Minute und versuchen Sie es noch einmal.",
        500: "Das geht im Moment nicht. Bitte versuchen Sie es später noch einmal.",
    },
}  # fmt: skip


def add_headers(path: str, headers: MutableScopeHeaders) -> None:
    """What every answer below `/shop` and `/components` says to browsers and search engines."""
    headers["X-Robots-Tag"] = "noindex"
    headers["Referrer-Policy"] = "no-referrer"
    if path.startswith("/shop/"):
        headers["Content-Security-Policy"] = PAGE_POLICY
        headers["X-Frame-Options"] = "DENY"
        return
    headers["Content-Security-Policy"] = COMPONENT_POLICY
    headers["Access-Control-Allow-Origin"] = "*"  # it reads no cookie, so every site may ask
    headers["Rapport-Component"] = "1"  # so that a proxy's own error page is not taken for one of ours
    headers["Access-Control-Expose-Headers"] = "Retry-After, Rapport-Component"
    headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
    headers["Access-Control-Allow-Headers"] = "Content-Type"
    headers["Access-Control-Max-Age"] = "86400"
