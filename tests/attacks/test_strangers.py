"""Whoever has no key costs little more than the refusal: at the endpoints, before a body is cut or cleaned."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from rapport.collect import endpoints as module
from rapport.collect import http
from rapport.collect.appender import Appender
from rapport.collect.endpoints import Endpoints
from rapport.collect.envelope import read_batch, read_single
from rapport.collect.health import Health
from rapport.collect.limiter import FREE_MISSES, LATE_SECONDS, MOST_LATE, STRANGERS, InFlight, Misses
from rapport.collect.sources import Sources, set_enabled
from rapport.collect.validate import clean
from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import InvalidFact, Overloaded
from tests.rooms.collect.conftest import Shop, basic

pytestmark = pytest.mark.anyio

MESSAGE = {"type": "track", "event": "Cart Viewed", "userId": "ada"}


@pytest.fixture
async def endpoints(shop: Shop) -> AsyncIterator[Endpoints]:
    appender = Appender(shop.db)
    made = Endpoints(registry=Sources(shop.db), appender=appender, health=Health(shop.db), in_flight_bytes=8_000_000)
    async with made.running():
        yield made
    appender.close()


@pytest.fixture
def steps() -> Callable[[Callable[[], object]], int]:
    """A function that tells how much Python does for another: calls and lines, which no other work on the machine
    changes."""

    def counted(work: Callable[[], object]) -> int:
        count = 0

        def tracing(*_: object) -> Any:
            nonlocal count
            count += 1
            return tracing

        before = sys.gettrace()
        sys.settrace(tracing)
        try:
            work()
        finally:
            sys.settrace(before)
        return count

    return counted


class Growth(str):
    """A text that counts the characters that are copied when it is put into others."""

    copied = 0

    def __format__(self, spec: str) -> str:
        Growth.copied += len(self)
        return super().__format__(spec)


@pytest.mark.parametrize("length", [10, 100_000])
def test_cleaning_takes_no_longer_for_a_long_key_above_many_items(length: int) -> None:
    """A path is put together where something is wrong, and not for each of 9,000 items."""
    Growth.copied = 0
    assert clean({"k": [0.5] * 9_000}, Growth("k" * length)) == {"k": [0.5] * 9_000}
    assert Growth.copied == 0


def test_cleaning_twice_as_much_is_twice_the_work(steps: Callable[[Callable[[], object]], int]) -> None:
    def made(size: int) -> dict[str, Any]:
        return {"k" * size: [{"a": 1.5, "b": ["x", None, True]} for _ in range(size)]}

    few, many = steps(lambda: clean(made(200))), steps(lambda: clean(made(2_000)))
    assert many < 11 * few


def test_a_path_that_is_told_is_short_however_long_its_keys_are() -> None:
    deep: Any = float("nan")
    for _ in range(20):
        deep = {"k" * 50_000: [deep]}
    with pytest.raises(InvalidFact) as caught:
        clean(deep)
    assert len(caught.value.path) == 200
    with pytest.raises(InvalidFact) as caught:
        clean({"a": [{"b": 1}, {"b": float("inf")}]}, "$.properties")
    assert caught.value.path == "$.properties.a[1].b"


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize(
    "body",
    [
        {"batch": [MESSAGE] * 500, "context": {"k" * 1000: [1.5] * 9000}},
        {"writeKey": "wk_wrong", "batch": [MESSAGE] * 500},
        {"batch": [MESSAGE | {"properties": {"price": float("nan")}}] * 500},
    ],
    ids=["no key", "wrong key", "no JSON"],
)
@pytest.mark.parametrize("headers", [{}, basic("wk_wrong:")], ids=["no header", "wrong header"])
async def test_a_body_without_a_key_is_neither_cut_nor_cleaned(
    client: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch,
    *, headers: dict[str, str], body: dict[str, Any], packed: bool,
) -> None:  # fmt: skip
    def never(_: bytes) -> Any:
        raise AssertionError("a stranger's body was cut")

    monkeypatch.setattr(module, "read_batch", never)
    monkeypatch.setattr(module, "read_single", never)
    content = json.dumps(body).encode()
    sent = gzip.compress(content) if packed else content
    encoding = {"Content-Encoding": "gzip"} if packed else {}
    answer = await client.post("/v1/batch", content=sent, headers=headers | encoding)
    assert answer.status_code == 401
    assert shop.facts() == []


async def test_a_key_in_the_body_is_found_wherever_it_stands(client: httpx.AsyncClient, shop: Shop) -> None:
    """Phones and old Python clients send it nowhere else; also beside a message that is no JSON."""
    key = {"writeKey": shop.source.write_key}
    good = MESSAGE | {"messageId": "m1"}
    assert read_batch(json.dumps({"batch": [good]} | key).encode()).write_key == shop.source.write_key
    assert read_single(json.dumps(good | key).encode()).write_key == shop.source.write_key
    bad = MESSAGE | {"properties": {"price": float("nan"), "writeKey": "another"}}
    for body in ({"batch": [good]} | key, key | {"batch": [bad, good]}, {"batch": [bad, good]} | key):
        answer = await client.post("/v1/batch", content=json.dumps(body).encode())
        assert answer.status_code == 200
    assert [fact.id for fact in shop.facts()] == ["m1"]


async def test_a_source_that_is_switched_off_is_refused_before_its_body_is_read(
    shop: Shop, endpoints: Endpoints
) -> None:
    with shop.db.write() as conn:
        set_enabled(conn, shop.workspace, shop.source.id, enabled=False)
    await endpoints.registry.refresh()
    sent: list[Any] = []

    async def unread() -> Any:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    authorization = basic(f"{shop.source.write_key}:")["Authorization"].encode()
    scope = {
        "type": "http", "method": "POST", "path": "/v1/batch", "query_string": b"", "client": ("198.51.100.1", 1),
        "headers": [(b"authorization", authorization)],
    }  # fmt: skip
    await endpoints(scope, unread, send)
    assert sent[0]["status"] == 401
    assert (b"connection", b"close") in sent[0]["headers"]


def test_one_address_holds_a_half_and_strangers_a_quarter() -> None:
    held = InFlight(100)
    held.hold(25, ("a", STRANGERS))
    with pytest.raises(Overloaded):
        held.hold(1, ("b", STRANGERS))
    held.hold(25, ("a",))
    with pytest.raises(Overloaded):
        held.hold(1, ("a",))
    held.hold(50, ("b",))
    with pytest.raises(Overloaded):
        held.hold(1)
    for size, of in ((25, ("a", STRANGERS)), (25, ("a",)), (50, ("b",))):
        held.release(size, of)
    held.hold(50, ("a",))
    assert held.held == 50


async def test_bodies_that_never_end_hold_up_only_whoever_sends_them(shop: Shop, endpoints: Endpoints) -> None:
    """Fifteen connections of one address send all of a body but its last byte, with the public key."""
    piece = b'{"batch":[' + b" " * 1_000_000
    waiting = asyncio.Event()

    def never_ending() -> Callable[[], Any]:
        pieces = [{"type": "http.request", "body": piece, "more_body": True}]

        async def receive() -> Any:
            if pieces:
                return pieces.pop()
            await waiting.wait()
            return {"type": "http.disconnect"}

        return receive

    answers: list[int] = []
    refused = asyncio.Event()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])
            if len(answers) == 11:
                refused.set()

    headers = [(b"authorization", basic(f"{shop.source.write_key}:")["Authorization"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/batch", "query_string": b"", "headers": headers}
    slow = [
        asyncio.create_task(endpoints(scope | {"client": ("198.51.100.1", n)}, never_ending(), send)) for n in range(15)
    ]
    await asyncio.wait_for(refused.wait(), 20)
    assert set(answers) == {429}
    transport = httpx.ASGITransport(app=endpoints, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as other:
        answer = await other.post("/v1/track", json=MESSAGE, headers=basic(shop.source.write_key))
    assert answer.status_code == 200
    waiting.set()
    await asyncio.gather(*slow)
    assert endpoints.in_flight.held == 0


@pytest.fixture
async def client(endpoints: Endpoints) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=endpoints, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as made:
        yield made


def test_a_long_authorization_is_no_key_and_is_not_remembered() -> None:
    http._keys_of.cache_clear()
    for size in (600, 1_000_000):
        assert http.keys_of("Basic " + base64.b64encode(b"k" * size).decode()) == ()
    assert http._keys_of.cache_info().currsize == 0
    assert http.keys_of("Bearer wk_short") == ("wk_short",)


def test_a_network_of_addresses_is_counted_as_one() -> None:
    def counted(address: str) -> str:
        scope = {"method": "POST", "path": "/v1/track", "query_string": b"", "headers": [], "client": (address, 1)}
        return http.read_head(scope).address

    assert counted("2001:db8:1:2::1") == counted("2001:db8:1:2:ffff::9") != counted("2001:db8:1:3::1")
    assert counted("198.51.100.1") == "198.51.100.1"
    assert counted("fe80::1%eth0") == "fe80::/64"


def test_who_guesses_keys_waits_and_another_address_does_not() -> None:
    misses = Misses()
    assert [misses.seconds_for("guesser", now=0) for _ in range(FREE_MISSES)] == [0.0] * FREE_MISSES
    assert misses.seconds_for("guesser", now=0) == LATE_SECONDS
    assert misses.seconds_for("shop", now=0) == 0.0
    assert misses.seconds_for("guesser", now=MINUTE) == 0.0


async def test_a_wrong_keys_late_answer_delays_no_right_one_of_the_same_address(
    client: httpx.AsyncClient, shop: Shop, endpoints: Endpoints
) -> None:
    for number in range(FREE_MISSES):
        answer = await client.post("/v1/track", json=MESSAGE, headers=basic(f"wk_made_up_{number}:"))
        assert answer.status_code == 401
    late = asyncio.create_task(client.post("/v1/track", json=MESSAGE, headers=basic("wk_made_up:")))
    async with asyncio.timeout(30):
        while not endpoints._misses.late:  # noqa: ASYNC110 - it is the server's number
            await asyncio.sleep(0)
    right = await client.post("/v1/track", json=MESSAGE, headers=basic(f"{shop.source.write_key}:"))
    assert (right.status_code, late.done()) == (200, False)
    endpoints._misses.late = MOST_LATE  # too many wait: nobody is kept any more
    assert (await client.post("/v1/track", json=MESSAGE, headers=basic("wk_other:"))).status_code == 401
    assert not late.done()
    endpoints._misses.late = 1
    assert (await late).status_code == 401
    assert endpoints._misses.late == 0


@pytest.mark.parametrize(
    "body", [gzip.compress(b" " * 6_000_000), b"\x1f\x8bnonsense"], ids=["a bomb", "what cannot be unpacked"]
)
async def test_what_a_stranger_packed_is_unpacked_thirty_times_a_minute_at_most_before_its_answers_are_late(
    client: httpx.AsyncClient, endpoints: Endpoints, body: bytes
) -> None:
    headers = basic("wk_made_up:") | {"Content-Encoding": "gzip"}
    endpoints._misses.late = MOST_LATE  # nobody is kept waiting here
    closed: list[bool] = []
    while not any(closed) and len(closed) < 3 * FREE_MISSES:  # one more is free every two seconds
        answer = await client.post("/v1/batch", content=body, headers=headers)
        assert answer.status_code == 400
        closed.append(answer.headers.get("connection") == "close")
    assert closed[-1]
    assert len(closed) > FREE_MISSES
    assert endpoints.in_flight.held == 0


def test_what_grows_beyond_a_little_is_unpacked_beside_the_loop() -> None:
    """Fifty kilobytes can become megabytes, and others must not wait for them."""
    threads: list[str] = []

    class Body(bytes):
        def __getitem__(self, part: Any) -> Any:
            threads.append(threading.current_thread().name)
            return super().__getitem__(part)

    async def unpacked(size: int) -> bytes:
        return await module._unpacked(Body(gzip.compress(b" " * size)), "gzip", limit=2_000_000)

    assert asyncio.run(unpacked(1_000_000)) == b" " * 1_000_000
    assert threads[0] == "MainThread" != threads[1]
    threads.clear()
    assert asyncio.run(unpacked(100)) == b" " * 100
    assert threads == ["MainThread"]
