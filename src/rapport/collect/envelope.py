"""One request's body, cut into messages: decoded once, and so that one bad message cannot spoil its neighbours. Pure.

The quick way is one typed decode that leaves each message as raw bytes. Where the JSON as a whole cannot be decoded
(one message holds NaN, a lone surrogate, 5,000 brackets), `_split` finds the borders of the messages by brackets and
quotes alone; the good ones go on and the bad one is judged by itself.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any, NamedTuple

import msgspec

from rapport.collect.validate import clean
from rapport.kernel.errors import InvalidInput, TooLarge

__all__ = ["Parts", "base64_json", "inflate", "keys_in", "read_batch", "read_single"]

Scalar = str | int | float | None


class Parts(NamedTuple):
    """What a request's body holds: the write key if it was there, the messages, and what is said about all of them."""

    write_key: str | None
    messages: list[bytes]
    context: dict[str, Any] = {}
    integrations: dict[str, Any] = {}
    sent_at: Scalar = None


class _Batch(msgspec.Struct, rename="camel", gc=False):
    batch: list[msgspec.Raw]
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    sent_at: Scalar = None
    write_key: str | None = None


class _Keyed(msgspec.Struct, rename="camel", gc=False):
    write_key: str | None = None


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_keyed = msgspec.json.Decoder(_Keyed).decode
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},]', re.DOTALL)
_WRITE_KEY = re.compile(rb'"writeKey"\s*:\s*"([^"\\]{1,200})"')
_BOM = b"\xef\xbb\xbf"
_MAX_TOKENS = 500_000
_MAX_KEYS = 20


def keys_in(body: bytes) -> tuple[str, ...]:
    """The write keys a body may hold, found in one pass that looks at nothing else."""
    try:
        key = _decode_keyed(body.removeprefix(_BOM).strip()).write_key
    except (ValueError, RecursionError):
        found = (match.group(1).decode("utf-8", "replace") for match in _WRITE_KEY.finditer(body))
        return tuple(dict.fromkeys(islice(found, _MAX_KEYS)))
    return (key,) if key else ()


def read_batch(body: bytes) -> Parts:
    """Cut `{"batch": [...]}` into its messages. Raises InvalidInput where there is no batch to be found."""
    try:
        read = _decode_batch(body)
    except (ValueError, RecursionError):
        return _read_broken_batch(body.removeprefix(_BOM))
    return Parts(
        read.write_key,
        [bytes(raw) for raw in read.batch],
        clean(read.context or {}, "$.context"),
        clean(read.integrations or {}, "$.integrations"),
        _moment(read.sent_at),
    )


def read_single(body: bytes) -> Parts:
    """The one message of a body. Raises InvalidInput where the body is not one JSON object, however bad inside."""
    body = body.removeprefix(_BOM).strip()
    try:
        return Parts(_decode_keyed(body).write_key, [body])
    except (ValueError, RecursionError):
        _split(body)
    return Parts(_find_key(body), [body])


def inflate(data: bytes, encoding: str, *, limit: int) -> bytes:
    """Undo `Content-Encoding`, never making more than `limit` bytes. Raises TooLarge, InvalidInput.

    A body that says gzip but is plain JSON already (a proxy unpacked it) is taken as it is, and the reverse.
    """
    packed = data[:2] == b"\x1f\x8b"
    if encoding in {"", "identity", "gzip", "x-gzip"} and not packed:
        return data
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise InvalidInput(f"the content encoding {encoding[:40]!r} is not understood", hint="send gzip or plain JSON")
    decompressor = zlib.decompressobj(31 if packed else 15)
    try:
        plain = decompressor.decompress(data, limit + 1)
    except zlib.error as error:
        raise InvalidInput(f"the body is not valid {encoding or 'gzip'}: {error}") from None
    if len(plain) > limit:
        raise TooLarge(f"the unpacked body is larger than {limit} bytes", hint="send smaller batches")
    if not decompressor.eof:
        raise InvalidInput(f"the {encoding or 'gzip'} body ends too early")
    return plain


def base64_json(text: str) -> bytes:
    """The bytes of a `data=` parameter: base64 of either alphabet, padded or not. Raises InvalidInput."""
    cleaned = text.strip().replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(cleaned + "=" * (-len(cleaned) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput("the data parameter is not base64", hint="send base64 of the message's JSON") from None


def _read_broken_batch(body: bytes) -> Parts:
    outside, messages = _split(body)
    if messages is None:
        raise InvalidInput("the body has no batch", hint='send {"batch": [...]}')
    try:
        tree = msgspec.json.decode(outside)
    except (ValueError, RecursionError):
        return Parts(_find_key(outside), messages)
    key, sent_at = tree.get("writeKey"), tree.get("sentAt")
    return Parts(
        key if isinstance(key, str) else None,
        messages,
        _map(clean(tree.get("context"), "$.context")),
        _map(clean(tree.get("integrations"), "$.integrations")),
        _moment(sent_at),
    )


def _split(body: bytes) -> tuple[bytes, list[bytes] | None]:
    """The object around the batch (with an empty batch), and the batch's items; None where it has no batch.

    Raises InvalidInput unless brackets and quotes balance to exactly one object.
    """
    body = body.strip()
    name = b""
    borders: list[int] = []
    inside = False
    for token, depth, start, end in _structure(body):
        if inside:
            if depth == 2 and token == b",":
                borders.append(start)
            elif depth == 1:
                borders.append(start)
                inside = False
        elif depth == 1 and token == b"[" and name == b'"batch"' and not borders:
            borders.append(end - 1)
            inside = True
        elif depth == 1 and token[:1] == b'"':
            name = token
    if not borders:
        return body, None
    items = (body[left + 1 : right].strip() for left, right in pairwise(borders))
    return body[: borders[0] + 1] + body[borders[-1] :], [item for item in items if item]


def _structure(body: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Strings, brackets and commas of one object: the token, how many brackets are open around it, where it is."""
    if not body.startswith(b"{"):
        raise InvalidInput("the body is not a JSON object", hint="send the message as JSON")
    depth = 0
    for count, match in enumerate(_TOKEN.finditer(body)):
        if count > _MAX_TOKENS:
            raise TooLarge("the body is too complex to be cut into messages", hint="send smaller batches")
        token = match.group()
        if token in (b"}", b"]"):
            depth -= 1
        yield token, depth, match.start(), match.end()
        if token in (b"{", b"["):
            depth += 1
        elif depth == 0 and match.end() != len(body):
            raise InvalidInput("the body goes on after its JSON object")
    if depth != 0:
        raise InvalidInput("the body's JSON ends too early", hint="was it cut off on the way?")


def _moment(sent_at: object) -> Scalar:
    """What may be a time, said once for all messages; nothing that would make each of them longer."""
    if isinstance(sent_at, str):
        return clean(sent_at) if len(sent_at) <= 40 else None
    return sent_at if isinstance(sent_at, int | float) and not isinstance(sent_at, bool) else None


def _find_key(body: bytes) -> str | None:
    match = _WRITE_KEY.search(body)
    return match.group(1).decode("utf-8", "replace") if match else None


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
