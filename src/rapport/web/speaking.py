"""Which language a page of the console speaks: the person's own, else the shop's, else what the browser asks for."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from rapport.kernel.language import ENGLISH, speak
from rapport.web.catalogues import LANGUAGES, tag_of
from rapport.web.console import Console
from rapport.web.shoppers import language_of
from rapport.web.store import Session

__all__ = ["Speaking", "wanted_locale"]


class Speaking(ASGIMiddleware):
    """Decides it before the handler runs, so that all of a page is said in one language."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["path"].startswith("/api/"):  # programs are told English, whatever they accept
            speak(ENGLISH)
            await next_app(scope, receive, send)
            return
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        console: Console = connection.app.state.console
        room = console.room_of(scope["route_handler"])
        speak(console.catalogues.language(wanted_locale(connection), room))
        await next_app(scope, receive, send)


def wanted_locale(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The locale that whoever looks should be told in: `de_AT`.

    A person's own choice comes first. The shop's country decides how numbers are written where the language is its own.
    """
    session = connection.scope.get("auth")
    if not isinstance(session, Session):
        return language_of(connection.headers.get("accept-language", ""), "", tuple(LANGUAGES))
    if session.language and session.language != tag_of(session.shop_locale):
        return session.language
    return session.shop_locale
