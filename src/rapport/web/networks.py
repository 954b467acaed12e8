"""Networks by their names: does an address lie in one of them?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

__all__ = ["is_within", "networks_in"]


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in one of these networks; what is no address lies in none.

    >>> is_within("192.0.2.7", ["192.0.2.0/24"]), is_within("::ffff:192.0.2.7", ["192.0.2.7/32"])
    (True, True)
    >>> is_within("192.0.3.7", ["192.0.2.0/24", "2001:db8::/32"]), is_within("unknown", ["0.0.0.0/0"])
    (False, False)
    """
    return _is_within(address, tuple(networks))


def networks_in(named: Sequence[str] | str | None) -> tuple[str, ...]:
    """What of a list is an address or a network; names and sockets are left out.

    >>> networks_in(["127.0.0.1", "10.0.0.0/8", "proxy"]), networks_in(None)
    (('127.0.0.1', '10.0.0.0/8'), ())
    """
    return _networks_in(tuple(named.split(",")) if isinstance(named, str) else tuple(named or ()))


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        asked = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    forms = [asked, asked.ipv4_mapped] if isinstance(asked, IPv6Address) and asked.ipv4_mapped else [asked]
    return any(form in ip_network(network) for network in networks for form in forms)


@lru_cache(maxsize=16)
def _networks_in(named: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text.strip() for text in named if _is_network(text.strip()))


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
