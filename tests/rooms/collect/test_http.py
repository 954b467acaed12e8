"""The raw part of the endpoints: what it keeps in memory, for how long, and what it makes of odd heads."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from rapport.collect.http import Gone, HttpAnswer, SlowBody, keys_of, read_body, read_head, send_answer
from rapport.collect.limiter import REMEMBERED, InFlight, RateLimiter
from rapport.collect.model import Limits, Source
from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Overloaded, RateLimited, TooLarge
from rapport.kernel.ids import WorkspaceId

HEAD = read_head({"method": "POST", "path": "/v1/track", "query_string": b"", "headers": []})


def arriving(*pieces: bytes, then: str = "end") -> Any:
    """A `receive` that hands out these pieces; then the body ends, the client goes away, or nothing comes any more."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if then == "end":
        messages[-1]["more_body"] = False
    elif then == "gone":
        messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.sleep(3600)
        return messages.pop(0)

    return receive


@pytest.mark.anyio
async def test_a_body_is_put_together_and_held_until_it_is_released() -> None:
    in_flight = InFlight(100)
    assert await read_body(HEAD, arriving(b"abc", b"def"), limit=10, in_flight=in_flight) == b"abcdef"
    assert in_flight.held == 6


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("receive", "error"),
    [
        (arriving(then="silence"), SlowBody),
        (arriving(b"abc", then="silence"), SlowBody),
        (arriving(b"abc", then="gone"), Gone),
        (arriving(b"abc", b"def" * 10), TooLarge),
        (arriving(b"x" * 21), TooLarge),
        (arriving(b"x" * 15), Overloaded),
        (arriving(b"x" * 8, b"x" * 8), Overloaded),
    ],
)
async def test_a_body_that_does_not_come_whole_holds_nothing(receive: Any, error: type[Exception]) -> None:
    in_flight = InFlight(12)
    with pytest.raises(error):
        await read_body(HEAD, receive, limit=20, in_flight=in_flight, seconds=0.05)
    assert in_flight.held == 0


@pytest.mark.anyio
async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    with pytest.raises(TooLarge):
        await read_body(HEAD._replace(length=21), arriving(then="silence"), limit=20, in_flight=InFlight(100))


@pytest.mark.parametrize(
    ("header", "keys"),
    [
        ("Basic d2tfYWRhOg==", ("wk_ada", "d2tfYWRhOg==")),
        ("Basic d2tfYWRh", ("wk_ada", "d2tfYWRh")),
        ("basic  d2tfYWRh ", ("wk_ada", "d2tfYWRh")),
        ("Basic wk_ada", ("wk_ada",)),
        ("Basic wk_ada:", ("wk_ada",)),
        ("Bearer wk_ada", ("wk_ada",)),
        ("wk_ada", ("wk_ada",)),
        ("", ()),
    ],
)
def test_a_key_is_read_as_clients_write_it(header: str, keys: tuple[str, ...]) -> None:
    assert keys_of(header) == keys


def test_a_rate_lets_a_burst_pass_and_then_its_pace() -> None:
    limiter = RateLimiter()
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=Limits(facts_per_second=10))
    limiter.take(source, 50, now=0)
    with pytest.raises(RateLimited) as caught:
        limiter.take(source, 1, now=0)
    assert caught.value.retry_after_seconds == pytest.approx(0.1)
    passed = sum(_passes(limiter, source, now=at * SECOND // 100) for at in range(1000))
    assert passed == pytest.approx(100, abs=2)


def test_a_batch_larger_than_the_burst_passes_and_is_made_up_for() -> None:
    limiter = RateLimiter()
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=Limits(facts_per_second=10))
    limiter.take(source, 1000, now=0)
    assert not _passes(limiter, source, now=90 * SECOND)
    assert _passes(limiter, source, now=96 * SECOND)


def test_a_source_may_send_the_burst_it_says() -> None:
    limiter = RateLimiter()
    limits = Limits(facts_per_second=10, burst_facts=300)
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=limits)
    assert sum(_passes(limiter, source, now=0) for _ in range(400)) == 300


def test_whoever_floods_a_source_leaves_most_of_its_rate_to_the_others() -> None:
    """One address sends a thousand facts a second with a public key; twenty visitors send one each, and all pass."""
    limiter = RateLimiter()
    limits = Limits(facts_per_second=100, burst_facts=400)
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=limits)
    flood, visitors = 0, []
    for tick in range(20_000):
        now = tick * SECOND // 1000
        flood += _passes(limiter, source, now=now, address="203.0.113.9")
        if tick % 50 == 0:
            visitors.append(_passes(limiter, source, now=now, address=f"192.0.2.{tick // 50 % 20}"))
    assert all(visitors)
    assert flood < 20 * 100, "the flood took what others need"


def test_what_would_be_refused_is_refused_before_anything_is_read() -> None:
    limiter = RateLimiter()
    limits = Limits(facts_per_second=10, burst_facts=100)
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=limits)
    for tick in range(400):
        now, address = tick * SECOND // 20, f"192.0.2.{tick % 3}"
        try:
            limiter.refuse_over(source, now=now, address=address)
        except RateLimited:
            assert not _passes(limiter, source, now=now, address=address)
        else:
            limiter.take(source, 3, now=now, address=address)


@pytest.mark.anyio
@pytest.mark.parametrize(("said", "ours"), [("the handler is closed", False), ("answered twice", True)])
async def test_whoever_has_gone_before_the_answer_is_no_fault(said: str, ours: bool) -> None:  # noqa: FBT001
    async def send(message: Any) -> None:
        raise RuntimeError(said)

    with pytest.raises(RuntimeError) if ours else nullcontext():
        await send_answer(send, HttpAnswer(200, b"{}"))


def test_addresses_that_are_forgotten_do_not_fill_the_memory() -> None:
    limiter = RateLimiter()
    limits = Limits(facts_per_second=1_000_000, burst_facts=40_000_000)
    source = Source(workspace=WorkspaceId(1), id="s", name="s", kind="web", limits=limits)
    limiter.take(source, 30_000_000, now=0)
    for number in range(REMEMBERED + 100):
        limiter.take(source, 1, now=0, address=str(number))
    assert len(limiter._of_address) == REMEMBERED


def _passes(limiter: RateLimiter, source: Source, *, now: int, address: str = "") -> bool:
    try:
        limiter.take(source, 1, now=now, address=address)
    except RateLimited:
        return False
    return True
