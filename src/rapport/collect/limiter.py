"""What keeps the endpoints upright: a rate per source, and a bound on the bytes of all requests in the house. Pure."""

from __future__ import annotations

from rapport.collect.model import Source
from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Overloaded, RateLimited

__all__ = ["InFlight", "RateLimiter"]

BURST_SECONDS = 5
"""A source that was quiet may send this many seconds' worth at once."""


class RateLimiter:
    """A token bucket for each source that has a rate. A batch passes whole if a token is left, and is made up for."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, str], tuple[float, int]] = {}

    def take(self, source: Source, facts: int, *, now: int) -> None:
        """Count facts against the source's rate. Raises RateLimited with the time after which one may pass again."""
        rate = source.limits.facts_per_second
        if rate == 0:
            return
        key = (source.workspace, source.id)
        full = float(rate * BURST_SECONDS)
        left, at = self._buckets.get(key, (full, now))
        left = min(full, left + max(0, now - at) * rate / SECOND)
        if left < 1:
            self._buckets[key] = (left, now)
            raise RateLimited(
                f"this source may send {rate} facts a second",
                retry_after_seconds=(1 - left) / rate,
                hint="send again later, or raise the source's limit",
            )
        self._buckets[key] = (left - facts, now)


class InFlight:
    """Bytes of request bodies held in memory now, all requests together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self, size: int) -> None:
        """Take up `size` bytes more. Raises Overloaded where that would be too many."""
        if self.held + size > self.limit:
            raise Overloaded(
                f"{self.held} bytes of requests are being worked on", retry_after_seconds=1, hint="send again later"
            )
        self.held += size

    def release(self, size: int) -> None:
        """Give `size` bytes back."""
        self.held -= size
