"""Who is asking, and may they? Sessions for the console, Bearer keys for the API, one guard that denies by default.

Every handler names the permission it needs: `@get("/sources", permission="sources:read")`. `"public"` needs nobody,
`"signed_in"` anybody who is signed in. A handler that names none answers nobody.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Any
from urllib.parse import quote

import anyio.to_thread
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rapport.kernel.clock import SECOND, now_us
from rapport.kernel.errors import Forbidden, SecondFactorWanted, Unauthenticated
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web import store
from rapport.web.attempts import DEVICE_FOR
from rapport.web.key_ring import KeyRing
from rapport.web.sign_in_settings import wants_factor
from rapport.web.store import Session

__all__ = [
    "BearerMiddleware",
    "SessionMiddleware",
    "allow",
    "client_address",
    "current_principal",
    "deny_forged",
    "device_cookie",
    "device_of",
    "half_cookie",
    "half_of",
    "make_cookie",
    "session_cookie",
]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


ENROL = "/console/account"
"""What somebody may see who has no second factor where the shop wants one: the page on which to add it."""


class BearerMiddleware(ASGIMiddleware):
    """Puts the API key's principal on requests that carry one; the guard decides about the others."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        authorization = connection.headers.get("authorization")
        keys: KeyRing = connection.app.state.key_ring
        scope["user"] = None
        if authorization is not None:
            scope["user"] = await keys.authenticate(authorization, address=client_address(connection))
        scope["auth"] = None
        await next_app(scope, receive, send)


class SessionMiddleware(ASGIMiddleware):
    """Puts the signed-in user and the session on console requests."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        token = connection.cookies.get(cookie_name(connection, "session"))
        session, lacks = None, False
        if token:
            session, lacks = await anyio.to_thread.run_sync(_live_session, connection.app.state.db, token)
        scope["auth"] = session
        scope["user"] = None if session is None else Principal(
            workspace=session.workspace, kind="user", id=session.user_id, name=session.name, role=session.role,
            scopes=frozenset() if lacks else connection.app.state.permissions.of_role(session.role),
        )  # fmt: skip
        scope["state"]["lacks_factor"] = lacks
        await next_app(scope, receive, send)


def allow(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every router: lets through whoever has the permission that the handler names, nobody else."""
    permission = handler.opt.get("permission")
    if permission == "public":
        return
    principal = connection.scope.get("user")
    if not isinstance(principal, Principal):
        raise Unauthenticated("you are not signed in", hint="sign in, or send `Authorization: Bearer rk_…`")
    lacks = connection.scope.get("state", {}).get("lacks_factor", False)
    if lacks and not connection.scope["path"].startswith((ENROL, "/console/sign-out")):
        raise SecondFactorWanted("your shop wants a second factor of you", hint="add one on the page of your account")
    if permission == "signed_in":
        return
    if not isinstance(permission, str):
        raise Forbidden("this page names no permission", hint="this is a fault of the program; please report it")
    principal.require(permission, words=connection.app.state.permissions.words(permission))


async def current_principal(request: Request[Any, Any, Any]) -> Principal:
    """The `principal` dependency of console and API handlers."""
    principal = request.scope.get("user")
    if not isinstance(principal, Principal):
        raise Unauthenticated("you are not signed in")
    return principal


async def deny_forged(request: Request[Any, Any, Any]) -> None:
    """Refuse a console POST that another site could have made.

    The form must carry the session's own token; before sign-in, the token that the form's page put into a cookie.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    sent = request.headers.get("x-csrf-token") or (await request.form()).get("csrf_token")
    if site not in {"same-origin", "none"} or not isinstance(sent, str) or not _is_token(sent, expected_csrf(request)):
        raise Forbidden("this form was not sent from its own page", hint="open the page again and send it from there")


def expected_csrf(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The token a form must carry now; empty where none would do."""
    session = connection.scope.get("auth")
    if isinstance(session, Session):
        return session.csrf_token
    return connection.cookies.get(cookie_name(connection, "csrf"), "")


def masked(token: str) -> str:
    """A form token as a page shows it: different in each answer, so that no length of compressed pages tells it."""
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + _xor(pad, plain)).decode()


def _unmasked(shown: str) -> str:
    try:
        both = base64.urlsafe_b64decode(shown.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return ""
    half = len(both) // 2
    return _xor(both[:half], both[half:]).decode("latin-1")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def new_csrf_cookie(connection: ASGIConnection[Any, Any, Any, Any]) -> Cookie:
    """The cookie for forms that are shown before sign-in."""
    return make_cookie(connection, "csrf", secrets.token_urlsafe(24), max_age=None)


def session_cookie(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Cookie:
    """The cookie that carries a session's token; an empty token takes it away."""
    return make_cookie(connection, "session", token, max_age=store.ABSOLUTE // SECOND if token else 0)


def device_cookie(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Cookie:
    """The cookie by which a browser proves that somebody has signed in with it before."""
    return make_cookie(connection, "device", token, max_age=DEVICE_FOR // SECOND)


def device_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """What the browser says of itself; empty where nobody has signed in with it."""
    return connection.cookies.get(cookie_name(connection, "device"), "")[:200]


def half_cookie(connection: ASGIConnection[Any, Any, Any, Any], token: str) -> Cookie:
    """The cookie that proves the first half of a sign-in; an empty token takes it away."""
    return make_cookie(connection, "half", token, max_age=None if token else 0)


def half_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The token of a sign-in that waits for its second half."""
    return connection.cookies.get(cookie_name(connection, "half"), "")[:200]


def cookie_name(connection: ASGIConnection[Any, Any, Any, Any], what: str) -> str:
    """`__Host-` ties the cookie to this host; browsers accept the prefix over https only."""
    return f"__Host-rapport_{what}" if is_https(connection) else f"rapport_{what}"


def is_https(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether the visitor came over https, by the request itself or by the operator's word."""
    return connection.scope.get("scheme") == "https" or bool(connection.app.state.get("https", False))


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The peer's address, for throttling only."""
    return connection.client.host if connection.client else "unknown"


def sign_in_path(path: str, query: str) -> str:
    """Where to sign in and then come back."""
    back = path + (f"?{query}" if query else "")
    return "/console/sign-in" if back == "/console" else f"/console/sign-in?next={quote(back, safe='/')}"


def second_path(back: str) -> str:
    """Where the second factor is asked."""
    return "/console/sign-in/second" + ("" if back == "/console" else f"?next={quote(back, safe='/')}")


def safe_next(path: str) -> str:
    """The page to go to after sign-in: one of our own console, whatever the link says."""
    inside = path == "/console" or path.startswith(("/console/", "/console?"))
    clean = inside and "\\" not in path and ".." not in path and path.isprintable()
    return path if clean and not path.startswith("/console/sign-") else "/console"


def make_cookie(
    connection: ASGIConnection[Any, Any, Any, Any], what: str, value: str, *, max_age: int | None
) -> Cookie:
    """A cookie of this host alone, that no script reads; `max_age` in seconds, None is as long as the browser runs."""
    return Cookie(
        key=cookie_name(connection, what), value=value, max_age=max_age, path="/", httponly=True, samesite="lax",
        secure=is_https(connection),
    )  # fmt: skip


def _is_token(sent: str, expected: str) -> bool:
    """As pages show it, or as it is."""
    return len(sent) <= 400 and (_same(_unmasked(sent), expected) or _same(sent, expected))


def _same(sent: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode())


def _live_session(db: Database, token: str) -> tuple[Session | None, bool]:
    """The session, and whether its user lacks a second factor that the shop wants."""
    now = now_us()
    with db.read() as conn:
        session = store.live_session(conn, store.digest_of(token), now=now)
        bare = session is not None and not session.has_factor and not session.provider
        lacks = bare and session is not None and wants_factor(conn, session.workspace, session.role)
    if session is not None and session.to_be_touched(now):
        with db.write() as conn:
            store.touch_session(conn, session.token_hash, now=now)
    return session, lacks
