"""The raw ASGI part of the endpoints: headers, keys, bounded bodies, answers with CORS. Knows nothing of facts."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from functools import lru_cache
from ipaddress import ip_network
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import msgspec

from rapport.collect.limiter import InFlight
from rapport.kernel.errors import InvalidInput, RapportError, RateLimited, TooLarge

__all__ = [
    "Gone",
    "Head",
    "HttpAnswer",
    "SlowBody",
    "answer_of",
    "counted_address",
    "keys_of",
    "preflight",
    "read_body",
    "read_head",
    "read_pieces",
    "send_answer",
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_SECONDS = 30.0
"""A client that has not sent its body by then is let go."""

DRAINED = 32 * 1024 * 1024
"""A refused body up to this size is let run out, so that its sender reads the answer; beyond it the line is cut."""

MAX_AUTHORIZATION = 512
"""Characters of an Authorization header that is looked at."""

_ALLOWED_HEADERS = (
    b"Authorization, X-Write-Key, Content-Type, Content-Encoding, X-Retry-Count, AnonymousId, SentAt, "
    b"Rsa-Initiated-By, Rsa-Storage-Id, Rsa-Retry-Attempt, Rsa-Since-Last-Attempt, Rsa-Since-First-Attempt, "
    b"Rsa-Retry-Reason, X-IP-Policy, X-Enable-Debug, X-Requested-With, Accept, Cache-Control"
)
_CORS = [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"Retry-After")]


class Gone(Exception):
    """The client went away before its body was complete: there is nobody to answer."""


class Head(NamedTuple):
    """What the endpoints need of a request's head."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    write_key: str
    """What `X-Write-Key` says, as Jitsu's clients send it: the key, or `key:secret`."""
    encoding: str
    length: int | None
    host: str
    scheme: str
    peer: str | None
    """The client's address, as much of it as the client lets be kept."""
    address: str
    """Who is counted with whom: the client's address, of IPv6 the network a client has for itself."""
    opt_out: bool
    user_agent: str
    asked_headers: bytes


class HttpAnswer(NamedTuple):
    """Status, body and headers beside those every answer has."""

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def read_head(scope: Scope) -> Head:
    """The head of a request."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    query = scope["query_string"]
    length = headers.get(b"content-length", b"")
    client = scope.get("client")
    policy = headers.get(b"x-ip-policy", b"keep")
    return Head(
        method=scope["method"],
        path=scope["path"],
        query={name: values[-1] for name, values in parse_qs(query.decode("latin-1")).items()} if query else {},
        authorization=headers.get(b"authorization", b"").decode("latin-1"),
        write_key=headers.get(b"x-write-key", b"").decode("latin-1").strip(),
        encoding=headers.get(b"content-encoding", b"").decode("latin-1").strip().lower(),
        length=int(length) if length.isdigit() else None,
        host=headers.get(b"host", b"").decode("latin-1"),
        scheme=scope.get("scheme", "http"),
        peer=_peer(client[0], policy.decode("latin-1")) if client else None,
        address=counted_address(client[0]) if client else "",
        opt_out=headers.get(b"sec-gpc") == b"1",
        user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
        asked_headers=headers.get(b"access-control-request-headers", b""),
    )


def _peer(address: str, policy: str) -> str | None:
    """The address as far as `X-IP-Policy` of Jitsu's clients lets it be kept; a policy nobody knows keeps nothing."""
    if policy == "keep":
        return address
    if policy != "stripLastOctet":
        return None
    mark = ":" if ":" in address else "."
    return f"{address.rpartition(mark)[0]}{mark}0"


@lru_cache(maxsize=1024)
def counted_address(address: str) -> str:
    """Who is counted with whom: the address, of IPv6 the network that a client has for itself."""
    if ":" not in address:
        return address
    try:
        return str(ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


def keys_of(authorization: str) -> tuple[str, ...]:
    """The write keys an Authorization header may mean: Basic with and without colon, base64 or plain, or Bearer.

    A header longer than any key makes is none, and is not remembered.
    """
    return _keys_of(authorization) if len(authorization) <= MAX_AUTHORIZATION else ()


@lru_cache(maxsize=1024)
def _keys_of(authorization: str) -> tuple[str, ...]:
    scheme, _, text = authorization.strip().partition(" ")
    text = text.strip()
    if not text:
        return (scheme,) if scheme else ()
    if scheme.lower() != "basic":
        return (text,)
    plain = text.partition(":")[0]
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return (plain,) if plain else ()
    user, _, password = decoded.partition(":")
    return tuple(key for key in (user, password, plain) if key)


async def read_body(
    head: Head,
    receive: Receive,
    *,
    limit: int,
    in_flight: InFlight,
    of: Sequence[str] = (),
    seconds: float = BODY_SECONDS,
) -> bytes:
    """The request's body, held against `in_flight` and its parts `of` (the caller releases `len`). Raises TooLarge,
    Overloaded, SlowBody, Gone.

    Reading ends as soon as the limit is passed; a body that says it is too large is not read at all.
    """
    if head.length is not None and head.length > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await read_pieces(receive, limit, in_flight, of)
    except TimeoutError:
        raise SlowBody(f"the body did not arrive within {seconds:g} seconds") from None


class SlowBody(InvalidInput):
    code = "request_timeout"
    status = 408


async def read_pieces(receive: Receive, limit: int, in_flight: InFlight, of: Sequence[str]) -> bytes:
    """The body as it comes, held against `in_flight` and its parts `of`; whoever has it releases `len`.

    Raises TooLarge, Overloaded, Gone.
    """
    pieces: list[bytes] = []
    held = 0
    try:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            piece: bytes = message.get("body", b"")
            if held + len(piece) > limit:
                raise _too_large(limit)
            in_flight.hold(len(piece), of)
            held += len(piece)
            pieces.append(piece)
            if not message.get("more_body", False):
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    except BaseException:
        in_flight.release(held, of)
        raise


def answer_of(error: RapportError) -> HttpAnswer:
    """The answer to an expected failure. Too large is 400 here: SDKs know that status as "drop it"."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, RateLimited):
        headers = ((b"retry-after", str(max(1, round(error.retry_after_seconds + 0.5))).encode()),)
    status = 400 if isinstance(error, TooLarge) else error.status
    message = f"{error.message} ({error.hint})" if error.hint else error.message
    return HttpAnswer(status, msgspec.json.encode({"code": error.code, "message": message}), headers=headers)


def preflight(head: Head) -> HttpAnswer:
    """The answer to a browser that asks whether it may send: yes, and do not ask again for a day."""
    asked = head.asked_headers.decode("latin-1").replace(" ", "").lower()
    known = {name.strip().lower() for name in _ALLOWED_HEADERS.decode().split(",")}
    more = sorted(name for name in asked.split(",") if name.startswith("rsa-") and name not in known and name.isascii())
    return HttpAnswer(
        204,
        b"",
        headers=(
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", b", ".join([_ALLOWED_HEADERS, *(name.encode() for name in more[:20])])),
            (b"access-control-max-age", b"86400"),
            (b"vary", b"Access-Control-Request-Headers"),
        ),
    )


async def send_answer(send: Send, answer: HttpAnswer, *, cut: bool = False) -> None:
    """Answer; `cut` closes the connection rather than read what the client is still sending."""
    headers = [*_CORS, *answer.headers, (b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.media_type))
    if cut:
        headers.append((b"connection", b"close"))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
    except RuntimeError as error:  # of the event loop: whoever asked has gone, which is no fault of ours
        if "closed" not in str(error):
            raise


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit} bytes", hint="send smaller batches")
