r"""One message's JSON, read tolerantly but never silently: what real clients get wrong is decided here on purpose.

| what arrives | what becomes of it |
|---|---|
| `userId: 42`, `messageId: 7`, numeric names | text (`"42"`); a whole float loses its `.0` |
| `properties: null`, or `[]` as PHP writes an empty map | `{}` |
| any other wrong kind (`properties: "x"`, `userId: true`) | quarantine |
| NaN, Infinity, numbers beyond a double | quarantine |
| whole numbers beyond 64 bit | kept digit by digit as text |
| NUL (`\u0000`) in keys or text | removed: no database text can hold it |
| other control characters | kept; every page escapes what it shows |
| lone surrogates (text cut inside an emoji) | replaced by U+FFFD |
| bytes that are not UTF-8 | quarantine: guessing the encoding would corrupt names |
| nested deeper than MAX_DEPTH, more than MAX_PROPERTIES in one map, MAX_ITEMS in one list | quarantine |
| the same key twice | the last one counts |
| unknown fields beside the known ones | left out |
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeAlias

import msgspec

from rapport.kernel.errors import InvalidFact

__all__ = ["MAX_DEPTH", "MAX_ITEMS", "MAX_PROPERTIES", "ClientMessage", "clean", "read_message"]

MAX_DEPTH = 32
"""Maps and lists inside each other, the message itself included."""

MAX_PROPERTIES = 1_000
"""Entries of one map."""

MAX_ITEMS = 10_000
"""Items of one list: a wholesale order has thousands of lines. The source's size limit is usually the tighter one."""

MAX_EXACT = 2**63
"""Whole numbers from here on do not fit a database's integer and become text."""

Text = str | int | float | None

Path: TypeAlias = "str | tuple[Path, str | int]"
"""Where a value is: the path of what it lies in, and its key or number there."""


class ClientMessage(msgspec.Struct, rename="camel", gc=False):
    """A message as clients send it: known fields, nothing decided yet."""

    type: str | None = None
    message_id: Text = None
    event: Text = None
    user_id: Text = None
    anonymous_id: Text = None
    previous_id: Text = None
    group_id: Text = None
    name: Text = None
    category: Text = None
    channel: Text = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None
    timestamp: Text = None
    original_timestamp: Text = None
    sent_at: Text = None
    merge_properties: Any = None


_decode = msgspec.json.Decoder(ClientMessage).decode
_MAPS = ("properties", "traits", "context", "integrations")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUL = b"\\u0000"
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def read_message(raw: bytes) -> ClientMessage:
    """Read one message. Raises InvalidFact with the JSON path of what is wrong, and nothing else.

    Nearly all messages take the quick way: one typed decode and three searches for bytes that may mean trouble.
    """
    try:
        message = _decode(raw)
    except (ValueError, RecursionError):  # msgspec's errors and UnicodeDecodeError are ValueErrors
        return _read_slowly(raw)
    if (
        _NUL in raw
        or _LONG_NUMBER in raw.translate(_DIGITS)
        or (raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(message) > MAX_DEPTH)
        or (len(raw) > MAX_PROPERTIES and raw.count(b",") >= MAX_PROPERTIES)
    ):
        return _read_slowly(raw)
    return message


def clean(value: Any, path: Path = "$", depth: int = 1) -> Any:
    """A JSON value with its text and numbers made storable, as the table above says. Raises InvalidFact.

    Takes time linear in the value's size: what a path reads like is only found out where something is wrong.
    """
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -MAX_EXACT <= value < MAX_EXACT else str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidFact(
                f"{value} is not a JSON number", path=_told(path), hint="leave the field out or send null"
            )
        return value
    if depth > MAX_DEPTH:
        raise InvalidFact(f"nested deeper than {MAX_DEPTH} levels", path=_told(path))
    most = MAX_ITEMS if isinstance(value, list) else MAX_PROPERTIES
    if len(value) > most:
        raise InvalidFact(f"{len(value)} entries, at most {most}", path=_told(path))
    if isinstance(value, list):
        return [clean(item, (path, index), depth + 1) for index, item in enumerate(value)]
    named = ((_clean_text(key), item) for key, item in value.items())
    return {key: clean(item, (path, key), depth + 1) for key, item in named}


def _depth(message: ClientMessage) -> int:
    level: list[Any] = [message.properties, message.traits, message.context, message.integrations]
    depth = 1
    while level and depth <= MAX_DEPTH:
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inside.extend([item for item in value.values() if isinstance(item, dict | list)])
            elif isinstance(value, list):
                inside.extend([item for item in value if isinstance(item, dict | list)])
        level = inside
        depth += 1
    return depth


def _read_slowly(raw: bytes) -> ClientMessage:
    tree = clean(_parse(raw))
    if not isinstance(tree, dict):
        raise InvalidFact("a message is a JSON object")
    for name in _MAPS:
        if tree.get(name) == []:
            tree[name] = {}
    try:
        return msgspec.convert(tree, ClientMessage)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        raise InvalidFact(reason, path=path.strip("`") or "$") from None


def _parse(raw: bytes) -> Any:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFact(
            f"byte 0x{raw[error.start]:02x} at position {error.start} is not UTF-8", hint="send JSON as UTF-8"
        ) from None
    try:
        return json.loads(text, strict=False, parse_int=_parse_int)
    except json.JSONDecodeError as error:
        raise InvalidFact(f"not JSON: {error.msg} at position {error.pos}") from None
    except RecursionError:
        raise InvalidFact(f"nested deeper than {MAX_DEPTH} levels") from None


def _parse_int(digits: str) -> int | str:
    return int(digits) if len(digits) < 20 else _exact(digits)


def _exact(digits: str) -> int | str:
    if len(digits) > 100:
        return digits
    number = int(digits)
    return number if -MAX_EXACT <= number < MAX_EXACT else digits


def _clean_text(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii() and _SURROGATE.search(text):
        text = _SURROGATE.sub("\ufffd", text)
    return text


def _told(path: Path) -> str:
    """A path as text, of bearable length."""
    steps: list[str] = []
    while isinstance(path, tuple):
        path, step = path
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[:200]}")
    text = path + "".join(reversed(steps))
    return _clean_text(text if len(text) <= 200 else text[:197] + "...")
