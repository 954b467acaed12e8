"""Carries the simulated messages to Rapport's endpoints over HTTP, as any Segment client does.

Batches with keep-alive over a few connections; waits as long as a 429 asks; tries again with growing pauses while the
server is away or ill. What the server refuses for good is raised: it would be refused again.
"""

from __future__ import annotations

import asyncio
import gzip
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from rapport.kernel.clock import now_us, to_iso
from rapport.world.messages import Delivery

__all__ = ["Refused", "Sender", "batches"]

MAX_BATCH = 250
MAX_BATCH_BYTES = 450_000
"""A little under what the Segment specification allows."""
WINDOW = 2_000
"""Messages that are handed over together; after each window everything before it has been acknowledged."""
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 10.0

_encode = msgspec.json.Encoder().encode


class Refused(Exception):
    """The server will not take a batch, however often it is sent: wrong key, too large, unreadable."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(f"the server answered {status}: {answer}")
        self.status = status


class Sender:
    """Sends deliveries to the endpoints of one Rapport, each channel under its own write key."""

    def __init__(
        self,
        url: str,
        write_keys: Mapping[str, str],
        *,
        connections: int = 4,
        compress: bool = True,
        now: Callable[[], int] = now_us,
    ) -> None:
        self.sent = 0
        """Messages the server has acknowledged."""
        self.retries = 0
        self._write_keys = write_keys
        self._compress = compress
        self._now = now
        self._turns = asyncio.Semaphore(connections)
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(30.0, connect=5.0),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            headers={"Content-Type": "application/json", "User-Agent": "rapport-world/1"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def deliver(self, deliveries: Iterable[Delivery]) -> int:
        """Send these deliveries and answer how many they were, once all are acknowledged. Raises Refused."""
        tasks = [
            asyncio.create_task(self._send(channel, skew, messages)) for channel, skew, messages in batches(deliveries)
        ]
        try:
            counts = await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            raise
        return sum(counts)

    async def replay(
        self,
        deliveries: Iterator[Delivery],
        *,
        acknowledged: Callable[[int], None] = lambda count: None,
        breathe: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
    ) -> int:
        """Send a whole history in windows, two under way at a time, and answer how many messages there were.

        `acknowledged` hears how many are safe so far; `breathe` is awaited after each window and may take its time.
        """
        total = 0
        under_way: deque[asyncio.Task[int]] = deque()
        try:
            while window := list(islice(deliveries, WINDOW)):
                under_way.append(asyncio.create_task(self.deliver(window)))
                await breathe()
                if len(under_way) > 1:
                    total += await under_way[0]
                    under_way.popleft()
                    acknowledged(total)
            for last in under_way:
                total += await last
                acknowledged(total)
        except BaseException:
            for task in under_way:
                task.cancel()
            raise
        return total

    async def _send(self, channel: str, skew: int, messages: list[bytes]) -> int:
        pause = FIRST_PAUSE_SECONDS
        async with self._turns:
            while True:
                response = await self._try(channel, skew, messages)
                if response is not None and response.status_code == 200:
                    self.sent += len(messages)
                    return len(messages)
                if response is not None and _is_final(response.status_code):
                    raise Refused(response.status_code, response.text[:300])
                self.retries += 1
                asked = _retry_after(response)
                await asyncio.sleep(asked if asked is not None else pause * (0.5 + random.random()))
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _try(self, channel: str, skew: int, messages: list[bytes]) -> httpx.Response | None:
        """One attempt; None where the server could not be reached."""
        sent_at = to_iso(self._now() + skew)
        body = b'{"batch":[' + b",".join(messages) + b'],"sentAt":"' + sent_at.encode() + b'"}'
        headers: dict[str, str] = {}
        if self._compress:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        try:
            return await self._http.post(
                "/v1/batch", content=body, headers=headers, auth=(self._write_keys[channel], "")
            )
        except httpx.TransportError:
            return None


def batches(deliveries: Iterable[Delivery]) -> Iterator[tuple[str, int, list[bytes]]]:
    """Cut deliveries into batches of encoded messages: one channel and one clock each, within the usual limits."""
    open_batches: dict[tuple[str, int], list[bytes]] = {}
    sizes: dict[tuple[str, int], int] = {}
    for delivery in deliveries:
        key = (delivery.channel, delivery.skew)
        message = _encode(delivery.message)
        batch = open_batches.setdefault(key, [])
        if batch and (len(batch) >= MAX_BATCH or sizes[key] + len(message) > MAX_BATCH_BYTES):
            yield (*key, batch)
            batch = open_batches[key] = []
            sizes[key] = 0
        batch.append(message)
        sizes[key] = sizes.get(key, 0) + len(message) + 1
    for (channel, skew), batch in open_batches.items():
        yield channel, skew, batch


def _is_final(status: int) -> bool:
    return 400 <= status < 500 and status not in (408, 425, 429)


def _retry_after(response: Any) -> float | None:
    """The seconds a 429 or 503 asks for, or None where it does not say."""
    if response is None:
        return None
    try:
        return min(60.0, max(0.0, float(response.headers.get("Retry-After", ""))))
    except ValueError:
        return None
