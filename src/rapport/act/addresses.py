"""Where anything may be sent that people name an address for: the public internet, never a cloud's own services."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from rapport.kernel.errors import InvalidInput

__all__ = ["NotAllowed", "allowed", "checked_url", "is_forbidden", "is_public", "refuse_private"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "168.63.129.16/32", "192.0.0.0/24",
        "100.100.100.200/32",
    )
)  # fmt: skip
"""Link-local addresses, and those where clouds answer their machines: AWS, Google, Azure, Oracle, Alibaba.

**Sources:** RFC 3927, RFC 4291; each provider's page about its instance metadata; RFC 6890 (192.0.0.0/24)."""

_EMBEDDING = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("::/96"),
    ipaddress.ip_network("::ffff:0:0:0/96"),
)
"""IPv6 addresses that end in an IPv4 address: NAT64 (RFC 6052, RFC 8215), those of old (RFC 4291), SIIT (RFC 2765)."""

_UNICAST = ipaddress.ip_network("2000::/3")
"""All of IPv6 that was ever given out. **Source:** IANA IPv6 Address Space."""

_NOT_GLOBAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
    )
)  # fmt: skip
"""What is reserved within the space of global addresses. The standard library of a Python knows what was reserved when
it was made; here what is later, or global by name alone (relays, sinks), is reserved, too.

**Source:** IANA IPv4 and IPv6 Special-Purpose Address Registries, as of 2025-10."""

_METADATA = frozenset(("metadata", "instance-data", "metadata.google.internal", "metadata.goog"))


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet, whatever form it is written or wrapped in.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("fe80::1%eth0")
    (True, False, False, False)
    """
    found = _reached(ipaddress.ip_address(address.partition("%")[0]))
    if isinstance(found, ipaddress.IPv6Address) and found not in _UNICAST:
        return False
    return found.is_global and not _is_in(found, _NOT_GLOBAL) and not _is_forbidden(_innermost(found))


def _reached(found: _Address) -> _Address:
    """Where a connection to this address goes: to an IPv4 address where it is written as IPv6, or by NAT64."""
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped
        if inside is None and found in _EMBEDDING[0]:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return inside or found
    return found


def is_forbidden(address: str) -> bool:
    """Whether it is link-local, or a cloud's own service: nobody may allow those.

    >>> is_forbidden("169.254.169.254"), is_forbidden("64:ff9b::a9fe:a9fe"), is_forbidden("127.0.0.1")
    (True, True, False)
    """
    return _is_forbidden(_innermost(ipaddress.ip_address(address.partition("%")[0])))


def allowed(addresses: Iterable[str], *, allow_private: bool) -> str:
    """The first of a host's addresses that may be connected to, which is then the one to connect to, so that a name
    that answers differently a moment later leads nowhere else. Raises NotAllowed where there is none.
    """
    found = list(addresses)
    for address in found:
        if is_public(address) or (allow_private and not is_forbidden(address)):
            return address
    if all(is_forbidden(address) for address in found):
        raise NotAllowed("the host is link-local, or a cloud's own service: nothing is ever sent there")
    raise NotAllowed("the host is private or loopback (RAPPORT_ALLOW_PRIVATE_WEBHOOKS allows that)")


class NotAllowed(Exception):
    """The host leads only to addresses that nothing may be sent to."""


def checked_url(url: str) -> str:
    """The address of a webhook, with what can be said of it without asking the network. Raises InvalidInput."""
    plain = url.strip()
    try:
        parts = urlsplit(plain)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if not plain.isprintable() or parts.scheme not in ("https", "http") or not host:
        raise InvalidInput(f"{url[:100]!r} is no web address", hint="https://example.com/hooks/rapport")
    if "@" in parts.netloc:
        raise InvalidInput("the address of a webhook must not hold a password", hint="messages are signed instead")
    written = _written_address(host)
    if host in _METADATA or (written is not None and is_forbidden(written)):
        raise InvalidInput(f"{host[:100]!r} is link-local, or a cloud's own service", hint="webhooks never go there")
    return plain


def refuse_private(url: str) -> None:
    """Raises InvalidInput where the address is one of the own machine or network by what is written.

    A name that only the network can tell about passes here, and is refused when a message goes there.

    >>> refuse_private("https://example.com/hook")
    """
    host = (urlsplit(url.strip()).hostname or "").rstrip(".")
    written = _written_address(host)
    is_private = not is_public(written) if written is not None else _is_local_name(host)
    if is_private:
        hint = "use an address of the public internet, or have the operator set RAPPORT_ALLOW_PRIVATE_WEBHOOKS"
        raise InvalidInput(f"{host[:100]!r} is an address of the own machine or network", hint=hint)


def _is_local_name(host: str) -> bool:
    return "." not in host or host.endswith(_LOCAL_NAMES)


_LOCAL_NAMES = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")
"""**Sources:** RFC 6761 (localhost), RFC 6762 (local), RFC 8375 (home.arpa), ICANN 2024-07-29 (internal)."""


def _innermost(found: _Address) -> _Address:
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is None and int(found) > 1 and any(found in network for network in _EMBEDDING):
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        return inside or found
    return found


def _is_forbidden(found: _Address) -> bool:
    return _is_in(found, _FORBIDDEN)


def _is_in(found: _Address, networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    return any(found in network for network in networks if network.version == found.version)


def _written_address(host: str) -> str | None:
    """The address a host is, if it is one: also in decimal, octal and hexadecimal, as the network reads them."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None
