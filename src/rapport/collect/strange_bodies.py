"""Bodies of whoever has shown nothing yet, where the sender is known by the body's own signature: shops' and providers'
webhooks.

They count against the same memory as those of the collecting endpoints, of which they have a quarter of their own, and
one address a half: strangers at those endpoints make no webhook wait. So whoever sends all but the last byte, on
however many connections, costs no more than that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from litestar import Request

from rapport.collect.http import Gone, Receive, counted_address, read_pieces
from rapport.collect.limiter import WEBHOOKS, InFlight
from rapport.kernel.errors import InvalidInput, TooLarge
from rapport.web.auth import client_address

__all__ = ["body_of"]


@asynccontextmanager
async def body_of(request: Request[Any, Any, Any], in_flight: InFlight, *, limit: int) -> AsyncIterator[bytes]:
    """The body, held against `in_flight` while the block lasts. Raises TooLarge, Overloaded, and InvalidInput where
    the sender goes away.
    """
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > limit:
        raise TooLarge(f"the delivery has {said[:20]} bytes, at most {limit} are taken")
    of = (counted_address(client_address(request)), WEBHOOKS)
    try:
        body = await read_pieces(cast("Receive", request.receive), limit, in_flight, of)
    except Gone as gone:
        raise InvalidInput("the delivery ended before it was whole") from gone
    try:
        yield body
    finally:
        in_flight.release(len(body), of)
