"""How a request is read and an answer written: forms, cookies, files that are kept for ever, bodies that are packed."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from rapport.world.storefront.pictures import picture_at
from rapport.world.storefront.pictures.scenes import scene_at

__all__ = ["Reply", "Request", "asset", "kept_file", "read", "to", "write"]

_STATIC = Path(__file__).parent / "static"
_MAX_FORM = 20_000
_SMALL = 700
"""Bytes; packing less than that saves nothing."""
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self' *:{port}; img-src 'self' data:; connect-src *; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Scripts are the shop's own and, by its port, Rapport's, which browsers find on the same host."""
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"vary", b"Accept-Encoding"),
]
_KINDS = {"shop.css": "text/css; charset=utf-8", "shop.js": "text/javascript; charset=utf-8"}


@dataclass(slots=True)
class Request:
    """What a handler needs to know of a request."""

    method: str
    path: str
    query: dict[str, str]
    form: dict[str, str]
    cookies: dict[str, str]
    packed: bool = False
    """Whether the browser takes gzipped bodies."""


@dataclass(slots=True)
class Reply:
    """An answer: a page, a file, or the way to a page."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    """Cookies to set; an empty value takes one away."""
    for_ever: bool = False
    """Whether its address names its content, so that a browser never asks again."""
    gzipped: bytes | None = None
    """The body, packed already."""


def to(location: str, **cookies: str) -> Reply:
    """The way to another page."""
    return Reply(status=303, location=location, cookies=cookies)


@lru_cache
def asset(name: str) -> str:
    """The address of a static file, with a digest of what is in it."""
    digest = hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:10]
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{digest}.{kind}"


def kept_file(path: str) -> Reply | None:
    """A static file or a picture; None where there is none at this address."""
    if path.startswith("/pictures/"):
        name = path.removeprefix("/pictures/")
        found = scene_at(name) or picture_at(name)
        return None if found is None else _kept(found.packed, "image/svg+xml")
    for name, kind in _KINDS.items():
        if path == asset(name):
            return _kept(gzip.compress((_STATIC / name).read_bytes(), mtime=0), kind)
    return None


def _kept(packed: bytes, kind: str) -> Reply:
    return Reply(gzipped=packed, content_type=kind, for_ever=True)


async def read(scope: Any, receive: Any) -> Request:
    """The request with its form; what of a body is too long is not looked at."""
    headers = dict(scope["headers"])
    body = b""
    more = scope["method"] == "POST"
    while more and len(body) <= _MAX_FORM:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    form = parse_qs(body[:_MAX_FORM].decode("utf-8", "replace"), keep_blank_values=True)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        cookies.clear()
    return Request(
        method="GET" if scope["method"] == "HEAD" else scope["method"],
        path=scope["path"],
        query={name: values[0] for name, values in query.items()},
        form={name: values[0] for name, values in form.items()},
        cookies={name: morsel.value for name, morsel in cookies.items()},
        packed=b"gzip" in headers.get(b"accept-encoding", b""),
    )


async def write(reply: Reply, send: Any, *, packed: bool, rapport_port: int, head: bool = False) -> None:
    """Send an answer, packed where the browser takes it and it is worth it."""
    keep = b"public, max-age=31536000, immutable" if reply.for_ever else b"no-store"
    policy = _POLICY.format(port=rapport_port).encode()
    headers = [
        *_HEADERS,
        (b"content-security-policy", policy),
        (b"content-type", reply.content_type.encode()),
        (b"cache-control", keep),
    ]
    if reply.location is not None:
        headers.append((b"location", reply.location.encode()))
    for name, value in reply.cookies.items():
        age = 86_400 * 30 if value else 0
        headers.append((b"set-cookie", f"{name}={value}; Path=/; Max-Age={age}; SameSite=Lax; HttpOnly".encode()))
    body = _body(reply, packed=packed)
    if packed and (reply.gzipped is not None or len(reply.body) > _SMALL):
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


def _body(reply: Reply, *, packed: bool) -> bytes:
    if reply.gzipped is not None:
        return reply.gzipped if packed else gzip.decompress(reply.gzipped)
    return gzip.compress(reply.body, 4, mtime=0) if packed and len(reply.body) > _SMALL else reply.body
