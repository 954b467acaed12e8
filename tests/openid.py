"""An OpenID provider with keys of its own, over real HTTP: what it signs, and how it cheats, a test decides."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from rapport.kernel.clock import now_us
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace
from rapport.web import accounts, invitations
from rapport.web.provider.wanted import ProviderSettings
from tests.rooms.web.conftest import PASSWORD, Browser

__all__ = [
    "CLIENT",
    "SECRET",
    "OpenId",
    "come",
    "invite",
    "is_in",
    "member",
    "open_id",
    "refused",
    "sent",
    "settings",
    "way_back",
]

CLIENT, SECRET = "rapport at work", "s3cret:with/odd+characters"

Claims = dict[str, Any]


class OpenId:
    """The provider. `person` is who sits at the browser; `sign` makes an id_token of claims, honestly at first."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._first = RSAKey.generate_key(2048, {"kid": "first"})
        self.begin_again(sub="p-1", email="ada@example.com")

    def begin_again(self, *, sub: str, email: str) -> None:
        """Honest, with this person at the browser."""
        self.person: Claims = {"sub": sub, "email": email, "email_verified": True, "name": "Ada"}
        self.key = self._first
        self.published: list[RSAKey] = [self.key]
        self.sign: Callable[[Claims], str] = self.honest
        self.words: Claims = {}
        self.answered_as: str | None = None
        self.methods = ["client_secret_basic"]
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def honest(self, claims: Claims, **header: Any) -> str:
        """Signed as it should be."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)

    def exchange_key(self, kid: str) -> None:
        """From now on another key signs; the old one is not published any more."""
        self.key = RSAKey.generate_key(2048, {"kid": kid})
        self.published = [self.key]

    def claims(self, nonce: str) -> Claims:
        """What is said of the person now."""
        now = int(time.time())
        return {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.person}

    # The four addresses

    def discovery(self) -> Claims:
        here = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {
            "issuer": self.issuer, **{name: self.issuer + path for name, path in here.items()},
            "token_endpoint_auth_methods_supported": self.methods, **self.words,
        }  # fmt: skip

    def keys(self) -> Claims:
        return {"keys": [key.as_dict(private=False) for key in self.published]}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to: this person always says yes."""
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        said = {"code": code, "state": asked["state"]} | ({"iss": self.answered_as} if self.answered_as else {})
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """An id_token for a code: once, to who proves itself, with the verifier of the challenge."""
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if not self._proven(form, authorization):
            return 401, {"error": "invalid_client"}
        if asked is None or challenge.rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"id_token": self.sign(self.claims(asked["nonce"])), "access_token": "x", "token_type": "Bearer"}

    def _proven(self, form: dict[str, str], authorization: str) -> bool:
        if "client_secret_basic" not in self.methods:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        both = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        return [unquote_plus(one) for one in both] == [CLIENT, SECRET]


@contextmanager
def open_id() -> Iterator[OpenId]:
    """A provider that answers on this machine."""
    made: list[OpenId] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made[0].asked.append(parts.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", made[0].authorize(dict(parse_qsl(parts.query))))
                self.end_headers()
            else:
                told = {"/.well-known/openid-configuration": made[0].discovery, "/keys": made[0].keys}
                self._answer(200, told[parts.path]())

        def do_POST(self) -> None:
            made[0].asked.append(self.path)
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*made[0].token(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, said: Claims) -> None:
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.append(OpenId(f"http://127.0.0.1:{server.server_port}"))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made[0]
    finally:
        server.shutdown()
        server.server_close()


# What a browser does


def settings(idp: OpenId, **wanted: Any) -> ProviderSettings:
    told: dict[str, Any] = {
        "issuer": idp.issuer, "client_id": CLIENT, "client_secret": SECRET, "public_url": "http://shop.example",
        "name": "Acme", "allow_private": True,
    }  # fmt: skip
    return ProviderSettings(**(told | wanted)).checked()


def member(db: Database, shop: Workspace, email: str, role: str) -> None:
    accounts.create_user(
        db, email=email, password=PASSWORD, name=role.title(), workspace=shop.id, role=role, now=now_us()
    )


def invite(db: Database, shop: Workspace, email: str, role: str = "agent") -> None:
    invitations.invite(db, workspace=shop.id, email=email, role=role, now=now_us())


def sent(browser: Browser, back: str = "") -> str:
    """Where the browser is sent to after the button."""
    answer = browser.get(f"/console/sign-in/provider{back}", follow_redirects=False)
    assert answer.status_code == 303, answer.text[:500]
    return answer.headers["location"]


def way_back(url: str) -> str:
    """What the provider sends the browser back to, as a path."""
    parts = urlsplit(httpx.get(url).headers["location"])
    assert (parts.scheme, parts.netloc) == ("http", "shop.example")
    return f"{parts.path}?{parts.query}"


def come(browser: Browser, back: str = "") -> httpx.Response:
    return browser.get(way_back(sent(browser, back)), follow_redirects=False)


def is_in(answer: httpx.Response) -> bool:
    return answer.status_code == 303 and "rapport_session=" in answer.headers.get("set-cookie", "")


def refused(answer: httpx.Response, *words: str) -> bool:
    assert answer.status_code in (401, 403, 503), (answer.status_code, answer.headers)
    assert all(word in answer.text for word in words), answer.text[-3000:]
    return "rapport_session=" not in answer.headers.get("set-cookie", "")
