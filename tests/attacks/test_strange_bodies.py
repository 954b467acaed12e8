"""Whoever is known by a body's signature alone is a stranger until it is read: shops' and providers' webhooks."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc
from typing import Any

import pytest
from litestar import Request

from rapport.adapters.providers import routes
from rapport.adapters.providers.model import Delivery, Provider
from rapport.adapters.providers.verifying import verify
from rapport.collect.limiter import STRANGERS, InFlight
from rapport.collect.strange_bodies import body_of
from rapport.kernel.errors import InvalidInput, Overloaded, RateLimited, TooLarge, Unauthenticated
from rapport.web.limiter import AddressLimiter
from tests.running import Server


def request(*pieces: bytes, address: str = "192.0.2.1", length: str = "") -> Request[Any, Any, Any]:
    """One that sends so much, and then neither more nor its end."""
    left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def receive() -> Any:
        return left.pop(0) if left else await asyncio.Event().wait()

    headers = [(b"content-length", length.encode())] if length else []
    scope = {"type": "http", "method": "POST", "headers": headers, "client": (address, 1), "query_string": b""}
    return Request(scope, receive=receive)  # type: ignore[arg-type]


async def hold(in_flight: InFlight, sent: Request[Any, Any, Any]) -> None:
    async with body_of(sent, in_flight, limit=1_000_000):
        pass


@pytest.mark.anyio
async def test_bodies_that_never_end_hold_a_quarter_of_the_memory_and_leave_nothing_behind() -> None:
    in_flight = InFlight(4_000)
    tasks = [
        asyncio.create_task(hold(in_flight, request(b"x" * 100, address=f"192.0.2.{number}"))) for number in range(30)
    ]
    await asyncio.sleep(0)
    refused = [task for task in tasks if task.done() and isinstance(task.exception(), Overloaded)]
    assert (in_flight.held, len(refused)) == (1_000, 20)
    in_flight.hold(2_000, ("192.0.2.99",))  # whoever has shown a key
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert in_flight.held == 2_000


@pytest.mark.anyio
async def test_whoever_floods_the_collecting_doors_without_a_key_holds_up_no_webhook() -> None:
    in_flight = InFlight(4_000)
    in_flight.hold(1_000, ("192.0.2.1", STRANGERS))
    whole = asyncio.create_task(hold(in_flight, request(b"x" * 900)))
    await asyncio.sleep(0)
    assert (in_flight.held, whole.done()) == (1_900, False)
    whole.cancel()
    await asyncio.gather(whole, return_exceptions=True)


@pytest.mark.anyio
async def test_one_that_says_it_is_too_long_is_not_read() -> None:
    in_flight = InFlight(4_000)
    with pytest.raises(TooLarge):
        async with body_of(request(length="9" * 30), in_flight, limit=1_000):
            pass
    assert in_flight.held == 0


@pytest.mark.anyio
async def test_who_goes_away_within_a_body_is_no_fault_of_ours() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    gone: Request[Any, Any, Any] = Request(request().scope, receive=receive)
    with pytest.raises(InvalidInput):
        await hold(InFlight(100), gone)


@pytest.mark.parametrize("path", ["providers/mailgun/{shop}", "providers/ses/nobody", "shopify/nobody"])
def test_where_no_webhooks_are_taken_the_answer_comes_before_the_body(shop_server: Server, path: str) -> None:
    head = (
        f"POST /v1/webhooks/{path.format(shop=shop_server.shop)} HTTP/1.1\r\nHost: shop.example\r\n"
        "Content-Type: application/json\r\nContent-Length: 400000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", shop_server.port), timeout=10) as line:
        line.sendall(head.encode())
        assert line.recv(4_096).startswith(b"HTTP/1.1 404")


def test_who_has_forged_too_often_is_refused_before_anything_is_read() -> None:
    limiter = AddressLimiter()
    for _ in range(3):
        limiter.refuse_over("webhook", "192.0.2.1", a_minute=3, now=0)
        limiter.take("webhook", "192.0.2.1", a_minute=3, now=0)
    with pytest.raises(RateLimited):
        limiter.refuse_over("webhook", "192.0.2.1", a_minute=3, now=0)
    limiter.refuse_over("webhook", "192.0.2.2", a_minute=3, now=0)
    limiter.refuse_over("webhook", "192.0.2.1", a_minute=3, now=20_000_000)


@pytest.mark.parametrize("provider", ["ses", "mailgun"])
def test_of_a_body_whose_sender_is_not_known_only_what_is_signed_is_read(provider: Provider) -> None:
    """These sign within the body. A tree of all of it would take twenty times its bytes."""
    body = b'{"x":' + b"[" * 400 + b"]" * 400 + b',"y":[' + b"[]," * 100_000 + b'[]],"TopicArn":"other"}'
    assert len(body) < routes.LARGEST[provider]
    tracemalloc.start()
    try:
        with pytest.raises(Unauthenticated):
            verify(provider, Delivery({}, body, ""), "secret-1", certificate_of=lambda _: b"", now=0)
        assert tracemalloc.get_traced_memory()[1] < len(body)
    finally:
        tracemalloc.stop()
