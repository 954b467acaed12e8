"""Pages and answers are sent compressed, where their length tells nobody what is in them.

Whoever can make a browser ask again and again, and sees how long the answers are, learns a secret of a page letter by
letter when what they choose is compressed beside it (BREACH). So pages of the console are compressed only where the
browser says that the request came of the console itself or of the person (`Sec-Fetch-Site`); their form token, the one
secret that every page holds, reads otherwise in each answer (`auth.masked`); and what is answered to a key, or by a
signed link, no other site can ask for.

**Source**: Gluck, Harris, Prado 2013, BREACH; W3C Fetch Metadata.
"""

from __future__ import annotations

import zlib
from typing import Any

import anyio.to_thread
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

__all__ = ["compress_answers", "takes_gzip"]

LEAST = 700
"""Bytes; less fits into one packet in any case."""
AT_ONCE = 32_000
"""Bytes that are compressed where they are, in a quarter of a millisecond; more are in a thread."""
LEVEL = 5
_TEXTS = ("text/html", "text/css", "text/javascript", "text/csv", "text/plain", "application/json", "image/svg+xml",
          "application/javascript", "application/xml", "text/xml")  # fmt: skip
_OWN = (b"same-origin", b"none")

_Headers = list[tuple[bytes, bytes]]


def compress_answers(app: Litestar) -> Litestar:
    """Let the application send what it answers compressed, error pages too."""
    inner = app.asgi_handler

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and _may(scope):
            send = _Compressing(send)
        await inner(scope, receive, send)

    app.asgi_handler = handle
    return app


def takes_gzip(accepted: str) -> bool:
    """Whether a client that accepts these codings reads gzip.

    >>> takes_gzip("br, gzip;q=0.8"), takes_gzip("gzip;q=0"), takes_gzip("identity")
    (True, False, False)
    """
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _may(scope: Any) -> bool:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if not takes_gzip(headers.get(b"accept-encoding", b"").decode("latin-1")):
        return False
    return not scope["path"].startswith("/console") or headers.get(b"sec-fetch-site") in _OWN


class _Compressing:
    """Waits for the body before the head is sent. What comes in several parts passes as it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Any = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = message
            return
        head, self._head = self._head, None
        if head is not None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                message = await _compressed(head, message)
            await self._send(head)
        await self._send(message)


async def _compressed(head: Any, message: Any) -> Any:
    """The body, compressed where that is worth it; says so in the head."""
    body, headers = message.get("body", b""), list(head["headers"])
    told = {name.lower(): value for name, value in headers}
    kind = told.get(b"content-type", b"").partition(b";")[0].strip().decode("latin-1")
    # An answer with a version is compared byte by byte; one that is compressed already stays.
    is_text = kind in _TEXTS or kind.endswith("+json")  # as the document of the API is
    if len(body) < LEAST or not is_text or b"content-encoding" in told or b"etag" in told:
        return message
    small = _gzip(body) if len(body) <= AT_ONCE else await anyio.to_thread.run_sync(_gzip, body)
    kept: _Headers = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"vary")]
    vary = b", ".join(filter(None, (told.get(b"vary"), b"Accept-Encoding")))
    head["headers"] = [
        *kept, (b"content-encoding", b"gzip"), (b"content-length", str(len(small)).encode()), (b"vary", vary)
    ]  # fmt: skip
    return {**message, "body": small}


def _gzip(body: bytes) -> bytes:
    packing = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    return packing.compress(body) + packing.flush()
