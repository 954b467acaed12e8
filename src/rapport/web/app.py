"""The HTTP shell: routers with their guards, security headers, static files, the API document, error answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from litestar import Litestar, Request, Router, get
from litestar.datastructures import MutableScopeHeaders, State
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler, Message, Scope

from rapport.kernel.wording import Wording
from rapport.storage.engine import Database
from rapport.web import asked, auth, files, pages, passwords, shoppers
from rapport.web.alarms import Alarms
from rapport.web.auth import BearerMiddleware, SessionMiddleware
from rapport.web.cards import Panels, SourceCards, Tiles
from rapport.web.checks import check_cards, check_finders, check_handlers, check_watches
from rapport.web.compression import compress_answers
from rapport.web.console import VERSION, Console
from rapport.web.finder import Finders, Lookups
from rapport.web.key_ring import KeyRing
from rapport.web.limiter import AddressLimiter
from rapport.web.logs import RequestLog
from rapport.web.part import WebPart
from rapport.web.permissions import Permissions
from rapport.web.problems import EXCEPTION_HANDLERS, PROBLEM_TYPE
from rapport.web.purposes import PARAMETER, Purposes, ask_purpose
from rapport.web.recording import Audited, Recorder
from rapport.web.resets import no_mail
from rapport.web.shoppers import ShopFinder, ShopOfKey, components_router, shop_router
from rapport.web.slashes import Slashes, keep_slashes
from rapport.web.speaking import Speaking

__all__ = ["api_router", "console_router", "create_app"]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class _Joined(NamedTuple):
    """What all slices bring to pages of others; handlers take it by these names."""

    panels: Panels
    tiles: Tiles
    source_cards: SourceCards
    alarms: Alarms
    finders: Finders
    lookups: Lookups

    @classmethod
    def of(cls, parts: Mapping[str, WebPart]) -> Self:
        each = parts.values()
        return cls(
            Panels(panel for part in each for panel in part.panels),
            Tiles(tile for part in each for tile in part.tiles),
            SourceCards(card for part in each for card in part.source_cards),
            Alarms(watch for part in each for watch in part.watches),
            Finders(finder for part in each for finder in part.finders),
            Lookups(one for part in each for one in part.lookups),
        )

    def check(self, console: Console, permissions: Permissions) -> None:
        """Raises ValueError for a card, a watch or a finder that nobody could ever see, or that anybody could."""
        check_cards(console, permissions, [*self.panels.cards, *self.tiles.cards, *self.source_cards.cards])
        check_watches(permissions, self.alarms.watches)
        check_finders(permissions, self.finders)


def create_app(
    *,
    db: Database,
    wording: Wording,
    permissions: Permissions,
    parts: Mapping[str, WebPart] | None = None,
    routes: Sequence[ControllerRouterHandler] = (),
    shop_of_key: ShopOfKey | None = None,
    provided: Mapping[str, object] | None = None,
    https: bool = False,
) -> Litestar:
    """The application.

    `parts` are what the slices bring, by slice; `routes` anything else (hot endpoints, health), which guards itself.
    `wording` says how facts read, `permissions` what there is to be allowed, `shop_of_key` whose a write key is;
    `provided` goes to each handler that has a parameter of that name. `https` says that visitors come over https though
    this process does not see it (behind a proxy): cookies become Secure and HSTS is sent. Raises ValueError for a
    handler or a card that nobody could ever open, or that anybody could, and for one that needs what nobody gave.
    """
    parts = parts or {}
    console = Console([pages.PAGES, *(page for part in parts.values() for page in part.pages)])
    joined = _Joined.of(parts)
    given = {
        "db": db, "wording": wording, "permissions": permissions, "sections": (), "purposes": Purposes(db),
        "mailer": no_mail, "provider": None, **(provided or {}), **joined._asdict(),
    }  # fmt: skip
    recorder = Recorder(db)
    state = {
        "db": db, "key_ring": KeyRing(db, permissions), "console": console, "permissions": permissions,
        "alarms": joined.alarms, "https": https, "shops": ShopFinder(db, shop_of_key), "recorder": recorder,
        "purposes": given["purposes"], "limiter": AddressLimiter(), "provider": given["provider"],
    }  # fmt: skip
    app = Litestar(
        route_handlers=[*_routers(parts), *routes, *files.HANDLERS, home],
        middleware=[Slashes()],
        state=State(state),
        dependencies={name: _provide(value) for name, value in given.items()},
        exception_handlers=EXCEPTION_HANDLERS, before_send=[add_security_headers], on_shutdown=[recorder.close],
        openapi_config=_openapi(), logging_config=None,
        on_startup=[passwords.nobodys],  # or the first who names a stranger waits longer, and learns that it is one
        request_max_body_size=10_000_000,
    )  # fmt: skip
    check_handlers(app, permissions)
    joined.check(console, permissions)
    return compress_answers(keep_slashes(app))


def _routers(parts: Mapping[str, WebPart]) -> Iterator[Router]:
    """Console, API, and what each slice shows to shoppers."""
    yield console_router(
        [*pages.PAGES.handlers, *(h for part in parts.values() for p in part.pages for h in p.handlers)]
    )
    yield api_router([route for part in parts.values() for route in part.routes])
    for slice_, part in parts.items():
        if part.shop:
            yield shop_router(slice_, part.shop)
        if part.components:
            yield components_router(slice_, part.components)
    yield webhooks_router([handler for part in parts.values() for handler in part.webhooks])


class _Router(Router):
    """One that is made for one application, which need not copy it with all its handlers."""

    def __init__(self, path: str, *, route_handlers: Iterable[ControllerRouterHandler], **options: Any) -> None:
        handlers = list(route_handlers)
        for handler in handlers:
            if isinstance(handler, BaseRouteHandler):
                _ = handler.parsed_fn_signature  # read once, however many applications a process makes
        super().__init__(path, route_handlers=handlers, **options)

    def __deepcopy__(self, _: dict[int, object]) -> Self:
        return self


STRANGERS_BYTES = 64 * 1024
"""Of a form that nobody has signed in for: an address, a password, what a passkey says."""


def console_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Pages for signed-in people: session, guard, forged forms refused. Of strangers no more is read than they need."""
    open_to_all = [one for one in handlers if getattr(one, "opt", {}).get("permission") == "public"]
    return _Router(
        path="/console",
        route_handlers=[
            *(one for one in handlers if one not in open_to_all),
            _Router(path="/", route_handlers=open_to_all, request_max_body_size=STRANGERS_BYTES),
        ],
        middleware=[RequestLog(), SessionMiddleware(), Speaking(), Audited()],
        guards=[auth.allow],
        before_request=auth.deny_forged,
        dependencies={"principal": Provide(auth.current_principal)},
        request_max_body_size=2_000_000,
        include_in_schema=False,
    )


def api_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Handlers for programs: Bearer key, guard, nothing asked in vain, problem bodies in the document."""
    return _Router(
        path="/api/v1",
        route_handlers=handlers,
        middleware=[RequestLog(), BearerMiddleware(), Audited()],
        guards=[auth.allow, asked.refuse_unknown, ask_purpose],
        dependencies={"principal": Provide(auth.current_principal)},
        security=[{"apiKey": []}],
    )


def webhooks_router(handlers: Sequence[ControllerRouterHandler]) -> Router:
    """Handlers for what other systems send of themselves; each verifies it."""
    return _Router(
        path="/v1/webhooks",
        route_handlers=handlers,
        middleware=[RequestLog()],
        request_max_body_size=5_000_000,
        include_in_schema=False,
    )


@get("/", include_in_schema=False)
async def home() -> Redirect:
    """Whoever opens the bare address wants the console."""
    return Redirect("/console", status_code=303)


async def add_security_headers(message: Message, scope: Scope) -> None:
    """Strict headers on every answer but those of the collecting endpoints, whose clients are other sites."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers["X-Content-Type-Options"] = "nosniff"
    path = scope["path"]
    if path.startswith(shoppers.PATHS):
        shoppers.add_headers(path, headers)
    elif not (path == "/" or path.startswith(("/console", "/api", "/static", "/favicon.ico"))):
        return
    else:
        # A page that shows somebody else's HTML, a mail, brings its own: nothing runs in it.
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if scope.get("scheme") == "https" or scope["litestar_app"].state.get("https", False):
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _provide(value: object) -> Provide:
    """Handed to every handler that has a parameter of this name."""
    return Provide(lambda: value, sync_to_thread=False)


class ProblemAwareJson(JsonRenderPlugin):
    """The API document with our one error shape in place of the framework's."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, with_problems(openapi_schema))


def with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The document where every operation answers errors with the Problem schema."""
    paths = {
        path: {method: _operation(method, _with_purpose(path, entry)) for method, entry in item.items()}
        for path, item in document["paths"].items()
    }
    components = document.get("components", {})
    schemas = components.get("schemas", {}) | {"Problem": _PROBLEM_SCHEMA}
    return document | {"paths": paths, "components": components | {"schemas": schemas}}


def _with_purpose(path: str, entry: Any) -> Any:
    """The guard `ask_purpose` reads this of each address that names a person."""
    known = entry.get("parameters", []) if isinstance(entry, dict) else []
    if "{reference}" not in path or not isinstance(entry, dict) or any(one["name"] == PARAMETER for one in known):
        return entry
    return entry | {"parameters": [*known, _PURPOSE_PARAMETER]}


def _operation(method: str, entry: Any) -> Any:
    if method not in {"get", "put", "post", "delete", "patch", "head"} or not isinstance(entry, dict):
        return entry
    kept = {code: answer for code, answer in entry.get("responses", {}).items() if not code.startswith(("4", "5"))}
    wanted = ["400", "404", "405", "413", "429", "500", "503"]
    if method in {"put", "post", "delete", "patch"}:
        wanted += ["409"]
    if entry.get("security"):
        wanted += ["401", "403"]
    return entry | {
        "responses": kept | {code: _PROBLEM_ANSWER | {"description": _WORDS[code]} for code in sorted(wanted)}
    }


_WORDS = {
    "400": "The request does not fit.", "401": "No or unknown credentials.", "403": "Not allowed.",
    "404": "Nothing here.", "405": "This address does not understand the method.",
    "409": "The state of things does not allow it now.", "413": "Larger than a stated limit.",
    "429": "Too many requests; wait for `Retry-After` seconds.", "500": "A fault of the server.",
    "503": "A part the server needs does not answer.",
}  # fmt: skip

_PROBLEM_ANSWER = {"description": "", "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}

_PURPOSE_PARAMETER = {
    "name": PARAMETER, "in": "query", "schema": {"type": "string"}, "required": False,
    "description": "What it is asked for, such as `email_marketing`: refused where the person does not allow it.",
}  # fmt: skip

_PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; branch on this."},
        "hint": {"type": "string", "description": "What to do about it."},
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"path": {"type": "string"}, "message": {"type": "string"}}},
        },
        "instance": {
            "type": "string",
            "description": "For a fault of the server: the id in its log.",
        },
    },
}


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Rapport",
        version=VERSION,
        description="Facts in, Golden Records out, decisions and their worth.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Rapport"),
        path="/api",
        use_handler_docstrings=True,
        render_plugins=[ProblemAwareJson(path="/openapi.json")],
        components=Components(
            security_schemes={
                "apiKey": SecurityScheme(type="http", scheme="bearer", description="An API key, made in the console.")
            }
        ),
    )
