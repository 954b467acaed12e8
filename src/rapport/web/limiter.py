"""How often one address may ask, where nobody signs in. Pure, in this process's memory."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from rapport.kernel.clock import MINUTE
from rapport.kernel.errors import RateLimited

__all__ = ["AddressLimiter", "networks_of"]

REMEMBERED = 20_000
"""Addresses; beyond that the one that asked longest ago is forgotten, and may begin anew."""


class AddressLimiter:
    """A token bucket for each address and thing asked, full at first and filled again over a minute."""

    def __init__(self, *, remember: int = REMEMBERED) -> None:
        self._remember = remember
        self._buckets: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def take(self, what: str, address: str, *, a_minute: int, now: int) -> None:
        """Count one request. Raises RateLimited with the time after which one may pass again."""
        for network, allowed in networks_of(address):
            self._take((what, network), a_minute * allowed, now=now)

    def refuse_over(self, what: str, address: str, *, a_minute: int, now: int) -> None:
        """Raises RateLimited where one more would be too many; counts nothing."""
        for network, allowed in networks_of(address):
            left, at = self._buckets.get((what, network), (1.0, now))
            rate = a_minute * allowed
            left += max(0, now - at) * rate / MINUTE
            if left < 1:
                raise _too_often(rate, left)

    def _take(self, key: tuple[str, str], a_minute: int, *, now: int) -> None:
        left, at = self._buckets.pop(key, (float(a_minute), now))
        left = min(float(a_minute), left + max(0, now - at) * a_minute / MINUTE)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > self._remember:
            self._buckets.popitem(last=False)
        if left < 1:
            raise _too_often(a_minute, left)


def _too_often(a_minute: int, left: float) -> RateLimited:
    return RateLimited(
        f"this may be asked {a_minute} times a minute", retry_after_seconds=(1 - left) * 60 / a_minute,
        hint="wait a little, then ask again",
    )  # fmt: skip


def networks_of(address: str) -> list[tuple[str, int]]:
    """Who an address is of, with how many single askers that may be.

    IPv6 counts by its /64, since whoever has one of those addresses has them all, and together by the /48 that a
    provider gives to one customer.

    >>> networks_of("192.0.2.7"), networks_of("2001:db8:0:7::1:2")
    ([('192.0.2.7', 1)], [('2001:db8:0:7::', 1), ('2001:db8::/48', 10)])
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return [(address, 1)]
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped:
        return [(str(getattr(parsed, "ipv4_mapped", None) or parsed), 1)]
    house, site = (str(IPv6Address(int(parsed) >> bits << bits)) for bits in (64, 80))
    return [(house, 1), (f"{site}/48", 10)]
