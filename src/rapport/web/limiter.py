"""How often one address may ask, where nobody signs in. Pure, in this process's memory."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import RateLimited

__all__ = ["AddressLimiter", "network_of"]

REMEMBERED = 20_000
"""Addresses; beyond that the one that asked longest ago is forgotten, and may begin anew."""


class AddressLimiter:
    """A token bucket for each address and thing asked, full at first and filled again over a minute."""

    def __init__(self, *, remember: int = REMEMBERED) -> None:
        self._remember = remember
        self._buckets: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def take(self, what: str, address: str, *, a_minute: int, now: int) -> None:
        """Count one request. Raises RateLimited with the time after which one may pass again."""
        key = (what, network_of(address))
        left, at = self._buckets.pop(key, (float(a_minute), now))
        left = min(float(a_minute), left + max(0, now - at) * a_minute / MINUTE)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > self._remember:
            self._buckets.popitem(last=False)
        if left < 1:
            raise RateLimited(
                f"this may be asked {a_minute} times a minute", retry_after_seconds=(1 - left) * 60 / a_minute,
                hint="wait a little, then ask again",
            )  # fmt: skip


def network_of(address: str) -> str:
    """Who an address is of: itself, or for IPv6 its /64, since whoever has one of those has them all.

    >>> network_of("192.0.2.7"), network_of("2001:db8::1:2")
    ('192.0.2.7', '2001:db8::')
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
