"""A request's head is bounded in size, number and time, and names one host; whatever breaks that is told and let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from rapport.web import protocol
from rapport.web.protocol import MAX_HEAD_BYTES, MAX_HEADERS, BoundedHttp

pytestmark = pytest.mark.anyio

ASKED = b"GET /x HTTP/1.1\r\nHost: shop.example\r\n"


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers the length of the body it was sent."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server with this protocol, and nothing behind it."""
    config = uvicorn.Config(_echo, http=BoundedHttp, lifespan="off", log_config=None, access_log=False, ws="none")
    config.load()
    server = uvicorn.Server(config)
    state = server.server_state
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    for connection in list(state.connections):
        connection.transport.close()


class Few(BoundedHttp):
    """Sixteen connections, two of them from one address."""

    most = 16


@pytest.fixture
async def few() -> AsyncIterator[tuple[int, Any]]:
    """The port of a server that has room for few, and its settings."""
    config = uvicorn.Config(
        _echo, http=Few, lifespan="off", log_config=None, access_log=False, ws="none", forwarded_allow_ips=[]
    )
    config.load()
    state = uvicorn.Server(config).server_state
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Few(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
    yield listening.sockets[0].getsockname()[1], config
    listening.close()
    for connection in list(state.connections):
        connection.transport.close()


async def told(port: int, *pieces: bytes, times: int = 1) -> bytes:
    """All that is answered to what is sent, until the server ends the connection or has answered so many times."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(20):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            while answer.count(b"HTTP/1.1 ") < times or not answer.endswith((b"\r\n\r\n", b"0", b"5")):
                more = await reader.read(65_536)
                if not more:
                    break
                answer += more
    except ConnectionError:
        pass  # the server was quicker to leave than we to send
    finally:
        writer.close()
    return answer


def status(answer: bytes) -> str:
    return answer.partition(b"\r\n")[0].decode()


async def test_a_usual_request_and_those_behind_it_are_answered(port: int) -> None:
    body = b"POST /x HTTP/1.1\r\nHost: shop.example:8321\r\nContent-Length: 5\r\n\r\nhello"
    answer = await told(port, ASKED + b"\r\n" + body, times=2)
    assert (answer.count(b"200 OK"), answer.endswith(b"5")) == (2, True)


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (ASKED + b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS)) + b"\r\n", "431"),
        (ASKED + b"".join(b"X-%d: 1\r\n" % n for n in range(MAX_HEADERS - 1)) + b"\r\n", "200"),
        (ASKED + b"X: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", "431"),
        (ASKED + b"X: " + b"x" * 10 * MAX_HEAD_BYTES, "431"),
        (b"GET /" + b"x" * 10 * MAX_HEAD_BYTES, "431"),
        (b"GET /x?data=" + b"x" * 44_000 + b" HTTP/1.1\r\nHost: shop.example\r\n\r\n", "200"),
        (b"GET /x HTTP/1.1\r\n\r\n", "400"),
        (ASKED + b"Host: other.example\r\n\r\n", "400"),
        (ASKED + b"host: shop.example\r\n\r\n", "400"),
        (b"GET /x HTTP/1.1\r\nHost: \r\n\r\n", "400"),
        (b"GET /x HTTP/1.1\r\nHost: a b<script>\r\n\r\n", "400"),
        (b"GET /x HTTP/1.1\r\nHost: [::1]:8321\r\n\r\n", "200"),
        (b"GET /x HTTP/1.0\r\n\r\n", "200"),
    ],
    ids=["too many headers", "many headers", "a long header", "a header without end", "an address without end",
         "a pixel", "no host", "two hosts", "a host twice", "an empty host", "no name of a host", "IPv6", "HTTP/1.0"],
)  # fmt: skip
async def test_a_head_is_answered_as_what_it_is(port: int, head: bytes, answer: str) -> None:
    assert f" {answer} " in status(await told(port, head))


async def test_what_follows_a_refused_head_is_not_looked_at(port: int) -> None:
    """Neither its body nor a request smuggled behind it."""
    answer = await told(port, b"POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" + ASKED + b"\r\n", ASKED + b"\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert " 400 " in status(answer)
    assert b"connection: close" in answer


async def test_a_head_that_does_not_come_to_an_end_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    assert " 408 " in status(await told(port, ASKED))
    assert " 408 " in (await told(port, ASKED + b"\r\n" + ASKED, times=2)).decode()
    assert await told(port) == b""


async def test_a_body_may_be_slower_than_a_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhell")
    await writer.drain()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(reader.read(1))), 0.2)
    writer.write(b"o")
    await writer.drain()
    writer.close()


async def test_a_body_that_does_not_come_to_an_end_is_let_go(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.05)
    head = b"POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\n"
    assert " 408 " in status(await told(port, head + b"hell"))
    assert " 408 " in status(await told(port, head))
    assert " 200 " in status(await told(port, head + b"hello"))


async def test_a_large_body_that_keeps_coming_has_its_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "BODY_SECONDS", 0.05)
    monkeypatch.setattr(protocol, "BODY_RATE", 1_000)
    head = b"POST /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 60000\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + b"x" * 59_999)
    await writer.drain()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(reader.read(1))), 0.2)
    writer.write(b"x")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize(
    "behind",
    [b"0\r\nX: " + b"x" * 300_000, b"0\r\n" + b"X: y\r\n" * 60_000, b"5;" + b"x" * 300_000, b"1\r\nx\r\n" * 200_000],
    ids=["a trailer without end", "trailers without end", "an extension without end", "bytes one by one"],
)
async def test_what_chunks_add_to_a_body_is_bounded(port: int, behind: bytes) -> None:
    head = b"POST /x HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    assert (await told(port, head + b"0\r\nX: y\r\n\r\n")).endswith(b"5")
    assert b"200 OK" not in await told(port, head, *(behind[at : at + 50_000] for at in range(0, len(behind), 50_000)))


async def _open(port: int, times: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    return [await asyncio.open_connection("127.0.0.1", port) for _ in range(times)]


async def test_one_address_has_a_share_of_the_connections_and_gets_it_back(few: tuple[int, Any]) -> None:
    port, _ = few
    held = await _open(port, 2)
    assert status(await told(port, ASKED + b"\r\n")) == "HTTP/1.1 503 Service Unavailable"
    for reader, writer in held:
        writer.close()
        await reader.read()
    assert status(await told(port, ASKED + b"\r\n")) == "HTTP/1.1 200 OK"


async def test_a_proxy_that_is_believed_has_all_connections_but_no_more(few: tuple[int, Any]) -> None:
    port, config = few
    config.forwarded_allow_ips = ["127.0.0.0/8", "proxy.internal"]
    held = await _open(port, 15)
    assert status(await told(port, ASKED + b"\r\n")) == "HTTP/1.1 200 OK"
    held += await _open(port, 2)
    assert status(await told(port, ASKED + b"\r\n")) == "HTTP/1.1 503 Service Unavailable"
    for _, writer in held:
        writer.close()
