"""What keeps the endpoints upright: a rate per source, and a bound on the bytes of all requests in the house. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from rapport.collect.model import Source
from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Overloaded, RateLimited

__all__ = ["STRANGERS", "WEBHOOKS", "InFlight", "Misses", "RateLimiter"]

BURST_SECONDS = 5
"""A source that was quiet may send this many seconds' worth at once, unless it says how many facts."""

SHARE = 4
"""Once half of a source's burst is used, no address has more than this part of its rate."""

REMEMBERED = 20_000
"""Addresses; beyond that the one that sent longest ago is forgotten, and may begin anew."""


class RateLimiter:
    """A token bucket for each source that has a rate. A batch passes whole if a token is left, and is made up for.

    Where a key is public, whoever misuses it would use up what the shop's own visitors need. So a source that has less
    than half of its burst left gives each address a bucket of its own, a quarter of the source's.
    """

    def __init__(self) -> None:
        self._buckets: dict[tuple[int, str], tuple[float, int]] = {}
        self._of_address: OrderedDict[tuple[int, str, str], tuple[float, int]] = OrderedDict()

    def refuse_over(self, source: Source, *, now: int, address: str = "") -> None:
        """Raises RateLimited where not one fact would pass now, so that nothing is read in vain; counts nothing."""
        rate = source.limits.facts_per_second
        if rate == 0:
            return
        key, full = (source.workspace, source.id), float(source.limits.burst_facts or rate * BURST_SECONDS)
        left = _filled(self._buckets.get(key, (full, now)), rate, full, now)
        if left < 1:
            self._buckets[key] = (left, now)  # also where the clock was set back: it fills from here
            raise _too_fast(f"this source may send {rate} facts a second", left, rate)
        if address and left < full / 2 and (bucket := self._of_address.get((*key, address))) is not None:
            left = _filled(bucket, rate / SHARE, full / SHARE, now)
            if left < 1:
                self._of_address[(*key, address)] = (left, now)
                raise _one_too_fast(left, rate / SHARE)

    def take(self, source: Source, facts: int, *, now: int, address: str = "") -> None:
        """Count facts against the source's rate, and with an `address` against its part.

        Raises RateLimited with the time after which one may pass again.
        """
        rate = source.limits.facts_per_second
        if rate == 0:
            return
        key = (source.workspace, source.id)
        full = float(source.limits.burst_facts or rate * BURST_SECONDS)
        left = _filled(self._buckets.get(key, (full, now)), rate, full, now)
        if left < 1:
            self._buckets[key] = (left, now)
            raise _too_fast(f"this source may send {rate} facts a second", left, rate)
        if address and left < full / 2:
            self._take_part((*key, address), facts, rate / SHARE, full / SHARE, now)
        self._buckets[key] = (left - facts, now)

    def _take_part(self, key: tuple[int, str, str], facts: int, rate: float, full: float, now: int) -> None:
        left = _filled(self._of_address.pop(key, (full, now)), rate, full, now)
        self._of_address[key] = (left - facts if left >= 1 else left, now)
        if len(self._of_address) > REMEMBERED:
            self._of_address.popitem(last=False)
        if left < 1:
            raise _one_too_fast(left, rate)


FREE_MISSES = 30
"""Of one address in a minute; a website whose key is wrong has as many visitors as it has addresses."""
LATE_SECONDS = 1.0
MOST_LATE = 200
"""Answers that wait at once, of all addresses; one more is given at once, and its connection ends."""


class Misses:
    """Who shows write keys that are none, again and again, is answered late, one second each time.

    Whoever guesses keys, or only means to keep the server busy, asks anew when answered: a wait costs them their pace
    and us nothing. Who shows a right key from the same address is not concerned.
    """

    def __init__(self) -> None:
        self._of_address: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.late = 0
        """Answers that wait now."""

    def seconds_for(self, address: str, *, now: int) -> float:
        """Count a miss of this address; how long its answer waits."""
        left = _filled(self._of_address.pop(address, (float(FREE_MISSES), now)), FREE_MISSES / 60, FREE_MISSES, now)
        self._of_address[address] = (left - 1 if left >= 1 else left, now)
        if len(self._of_address) > REMEMBERED:
            self._of_address.popitem(last=False)
        return 0.0 if left >= 1 else LATE_SECONDS


def _filled(bucket: tuple[float, int], rate: float, full: float, now: int) -> float:
    left, at = bucket
    return min(full, left + max(0, now - at) * rate / SECOND)


def _one_too_fast(left: float, rate: float) -> RateLimited:
    return _too_fast(f"one address may send {rate:g} facts a second to this source now", left, rate)


def _too_fast(what: str, left: float, rate: float) -> RateLimited:
    return RateLimited(
        what, retry_after_seconds=(1 - left) / rate, hint="send again later, or raise the source's limit"
    )


STRANGERS = "strangers"
"""The part of those who have not shown a key yet."""
WEBHOOKS = "webhooks"
"""The part of deliveries whose signature is not verified yet: a flood at the collecting doors holds up none of them."""


class InFlight:
    """Bytes of request bodies held in memory now, all requests together.

    What is held is counted to parts, too, none of which may take all: strangers a quarter, one address a half. So
    whoever sends slowly, or sends without a key, makes nobody wait but those who do the same.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._of: dict[str, int] = {}

    def hold(self, size: int, of: Sequence[str] = ()) -> None:
        """Take up `size` bytes more, also of these parts. Raises Overloaded where that would be too many."""
        if self.held + size > self.limit or any(self._of.get(part, 0) + size > self._share(part) for part in of):
            raise Overloaded(
                f"{self.held} bytes of requests are being worked on", retry_after_seconds=1, hint="send again later"
            )
        self.held += size
        for part in of:
            self._of[part] = self._of.get(part, 0) + size

    def release(self, size: int, of: Sequence[str] = ()) -> None:
        """Give `size` bytes back."""
        self.held -= size
        for part in of:
            left = self._of.get(part, 0) - size
            if left > 0:
                self._of[part] = left
            else:
                self._of.pop(part, None)

    def _share(self, part: str) -> int:
        return self.limit // 4 if part in (STRANGERS, WEBHOOKS) else self.limit // 2
