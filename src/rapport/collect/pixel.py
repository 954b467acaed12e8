"""A pixel's message, which is written in the address of an image: what mails and pages without scripts send. Pure.

Two ways are in use. Segment's: `data=` and the message's JSON in base64 (or plain). RudderStack's: a parameter for each
field, with dots for what lies inside (`event=…&properties.order_id=…&properties.products.0.sku=…&context.page.url=…`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rapport.collect.envelope import Parts, base64_json, read_single
from rapport.collect.validate import MAX_DEPTH
from rapport.kernel.errors import InvalidInput

__all__ = ["read_pixel"]


def read_pixel(query: Mapping[str, str]) -> Parts:
    """The one message that an image's address holds. Raises InvalidInput where it holds none."""
    if not query:
        raise InvalidInput("the address holds no message", hint="send data=, or writeKey=, anonymousId= and event=")
    data = query.get("data")
    if data is not None:
        return read_single(data.encode() if data.lstrip().startswith("{") else base64_json(data))
    message: dict[str, Any] = {}
    for name, value in query.items():
        if name != "writeKey":
            _put(message, name, value)
    anonymous = message.get("anonymousId")
    if isinstance(anonymous, str):  # AMP writes its client id in quotes
        message["anonymousId"] = anonymous.removeprefix('"').removesuffix('"')
    return Parts(query.get("writeKey"), [msgspec.json.encode(_with_lists(message))])


def _put(message: dict[str, Any], name: str, value: str) -> None:
    *outer, last = name.split(".", MAX_DEPTH)
    inside = message
    for part in outer:
        inside = inside.setdefault(part, {})
        if not isinstance(inside, dict):
            raise InvalidInput(f"the parameter {name[:100]!r} lies inside one that is text")
    if last in inside:
        raise InvalidInput(f"the parameter {name[:100]!r} is text and has others inside")
    inside[last] = _read(value)


def _read(value: str) -> Any:
    """A map or a list of maps where the value is one in JSON, else the text as it is."""
    if value.startswith(("{", "[{")):
        try:
            return msgspec.json.decode(value)
        except (ValueError, RecursionError):
            return value
    return value


def _with_lists(value: Any) -> Any:
    """The same with lists where parameters were numbered from 0."""
    if not isinstance(value, dict):
        return value
    read = {name: _with_lists(inner) for name, inner in value.items()}
    if read and all(str(number) in read for number in range(len(read))):
        return [read[str(number)] for number in range(len(read))]
    return read
