"""The sender brings every message to an endpoint that is slow, busy, ill or away, and stops where it is refused."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest

from rapport.kernel.clock import HOUR, from_iso, now_us
from rapport.world.client import MAX_BATCH, Refused, Sender, batches
from rapport.world.messages import CHANNELS, Delivery
from tests.rooms.world.conftest import Past

KEYS = {channel: f"wk-{channel}" for channel in CHANNELS}


class Endpoint(ThreadingHTTPServer):
    """An endpoint that answers as it is told and remembers what came in."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Visit)
        self.answers: list[tuple[int, dict[str, str]]] = []
        """What to answer to the next requests; 200 once they are used up."""
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.asked_at: list[float] = []
        self.peers: set[object] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Visit(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Endpoint

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        key = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().rstrip(":")
        with self.server.lock:
            status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
            self.server.asked_at.append(time.monotonic())
            self.server.peers.add(self.client_address)
            if status == 200:
                self.server.bodies.append((key, msgspec.json.decode(body)))
        answer = b'{"success":true}' if status == 200 else b'{"code":"x","message":"no"}'
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def opened(port: int = 0) -> Iterator[Endpoint]:
    with Endpoint(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with opened() as server:
        yield server


def deliver(endpoint: Endpoint, deliveries: list[Delivery], **options: Any) -> Sender:
    async def send() -> Sender:
        async with Sender(endpoint.url, KEYS, **options) as sender:
            assert await sender.deliver(deliveries) == len(deliveries)
        return sender

    return asyncio.run(send())


def one(*, at: int = 0, channel: str = "web", skew: int = 0) -> Delivery:
    return Delivery(at, at, channel, {"type": "track", "messageId": f"m-{at}-{channel}", "event": "E"}, "ada", skew)


@pytest.mark.parametrize("options", [{"compress": True}, {"compress": False}])
def test_every_message_arrives_once_under_the_key_of_its_channel(
    endpoint: Endpoint, past: Past, options: dict[str, bool]
) -> None:
    sent = past.deliveries[:3_000]
    deliver(endpoint, sent, connections=3, **options)
    arrived = Counter((key, message["messageId"]) for key, body in endpoint.bodies for message in body["batch"])
    assert arrived == Counter((KEYS[d.channel], d.message["messageId"]) for d in sent)
    assert len(endpoint.peers) <= 3
    assert len(endpoint.bodies) > 3


def test_a_busy_endpoint_is_given_the_time_it_asks_for(endpoint: Endpoint) -> None:
    endpoint.answers = [(429, {"Retry-After": "0.6"})]
    sender = deliver(endpoint, [one()])
    assert 0.6 <= endpoint.asked_at[1] - endpoint.asked_at[0] < 2.5
    assert (sender.sent, sender.retries) == (1, 1)


def test_an_ill_endpoint_is_tried_again_with_growing_pauses(endpoint: Endpoint) -> None:
    endpoint.answers = [(503, {}), (500, {}), (502, {})]
    assert deliver(endpoint, [one()]).retries == 3
    first, second, third = (
        later - earlier for earlier, later in zip(endpoint.asked_at, endpoint.asked_at[1:], strict=False)
    )
    assert first < third
    assert second > 0.2


def test_a_door_that_is_closed_is_knocked_at_until_it_opens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    async def story() -> int:
        async with Sender(f"http://127.0.0.1:{port}", KEYS) as sender:
            under_way = asyncio.create_task(sender.deliver([one()]))
            await asyncio.sleep(0.3)
            assert not under_way.done()
            with opened(port) as endpoint:
                assert await under_way == 1
            assert len(endpoint.bodies) == 1
            return sender.retries

    assert asyncio.run(story()) >= 1


def test_a_refusal_ends_it_with_what_the_server_said(endpoint: Endpoint) -> None:
    endpoint.answers = [(401, {})]
    with pytest.raises(Refused, match="401"):
        deliver(endpoint, [one()])


def test_a_wrong_clock_is_wrong_in_when_it_sent_too(endpoint: Endpoint) -> None:
    """So Rapport can set it right: each clock has batches of its own."""
    deliver(endpoint, [one(at=1), one(at=2, skew=-2 * HOUR), one(at=3)])
    offsets = sorted(round((from_iso(body["sentAt"]) - now_us()) / HOUR) for _, body in endpoint.bodies)
    assert offsets == [-2, 0]


def test_batches_keep_within_the_usual_limits(past: Past) -> None:
    found = list(batches(past.deliveries[:5_000]))
    assert all(len(messages) <= MAX_BATCH and sum(map(len, messages)) < 500_000 for _, _, messages in found)
    assert sum(len(messages) for _, _, messages in found) == 5_000


def test_a_history_is_acknowledged_from_its_beginning_on(endpoint: Endpoint, past: Past) -> None:
    heard: list[int] = []

    async def story() -> int:
        async with Sender(endpoint.url, KEYS) as sender:
            return await sender.replay(iter(past.deliveries[:7_000]), acknowledged=heard.append)

    assert asyncio.run(story()) == 7_000
    assert heard == [2_000, 4_000, 6_000, 7_000]
