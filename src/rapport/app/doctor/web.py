"""Looks at how people reach the server: does it answer, is TLS in front, do links and cookies fit that."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from rapport.adapters.channels.fetching import Fetching
from rapport.app.doctor.finding import Finding, bad, fair, well
from rapport.app.settings import Settings
from rapport.kernel.clock import now_us
from rapport.kernel.errors import Misconfigured, RapportError
from rapport.web.provider.asking import Provider

__all__ = ["answering", "encryption", "provider", "proxies"]

SECONDS = 3.0
SOON_DAYS = 14


def answering(settings: Settings) -> Iterator[Finding]:
    """Whether a server answers where the settings say."""
    try:
        httpx.get(f"{settings.address}/healthz", timeout=SECONDS, trust_env=False).raise_for_status()
    except httpx.HTTPError:
        yield fair(
            "server", f"nobody answers at {settings.address}",
            "Start `rapport serve`, or run this with the RAPPORT_HOST and RAPPORT_PORT that it has.",
        )  # fmt: skip
    else:
        yield well("server", f"it answers at {settings.address}")


def encryption(settings: Settings) -> Iterator[Finding]:
    """Whether visitors come over https, and everything here knows that."""
    public = urlsplit(settings.public_url)
    if not settings.public_url:
        to_do = "Set RAPPORT_PUBLIC_URL to the address in front, https://…: links in mails and messages begin with it."
        if _is_loopback(settings.host):
            yield fair("tls", "no address for the public is set: only this machine reaches the server", to_do)
        else:
            yield bad("tls", f"{settings.host} is open to the network without TLS", f"{to_do} Listen on 127.0.0.1.")
        return
    if public.scheme != "https" or not public.hostname:
        to_do = "Put a proxy with TLS in front and set RAPPORT_PUBLIC_URL to its https address."
        yield bad("tls", f"{settings.public_url} is not https: passwords and keys can be read on the way", to_do)
        return
    if not settings.secure_cookies:
        yield bad("cookies", "session cookies may travel without TLS", "Set RAPPORT_SECURE_COOKIES=true.")
    yield from _certificate(public.hostname, public.port or 443)


def proxies(settings: Settings) -> Iterator[Finding]:
    """Whether a proxy in front is believed, and nobody else."""
    try:
        named = settings.proxies
    except Misconfigured as error:
        yield bad("proxies", error.message, error.hint or "")
        return
    if settings.public_url and not named:
        to_do = "Set RAPPORT_TRUSTED_PROXIES to the proxy's address: else all visitors share its limits."
        yield fair("proxies", "no proxy is believed", to_do)


def provider(settings: Settings) -> Iterator[Finding]:
    """Whether the OpenID provider, where one is set, can be asked and is who it says."""
    try:
        wanted = settings.provider
        if wanted is None:
            return
        Provider(wanted, Fetching(allow_private=wanted.allow_private)).words(now=now_us())
    except RapportError as error:
        yield bad("provider", error.message, error.hint or "")
    else:
        yield well("provider", f"people can sign in by {wanted.title}; it sends them back to {wanted.redirect_uri}")


def _certificate(host: str, port: int) -> Iterator[Finding]:
    try:
        with (
            socket.create_connection((host, port), timeout=SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=host) as secured,
        ):
            ends = ssl.cert_time_to_seconds(str((secured.getpeercert() or {})["notAfter"]))
    except ssl.SSLError as error:
        yield bad("tls", f"the certificate of {host} is not good: {error.reason}", "See to it at the proxy in front.")
        return
    except (OSError, KeyError, ValueError):
        to_do = "From outside it may be otherwise: look at it with a browser."
        yield fair("tls", f"{host} port {port} does not answer from here", to_do)
        return
    days = int((ends - time.time()) // 86_400)
    if days < SOON_DAYS:
        yield fair("tls", f"the certificate of {host} ends in {days} days", "Does the proxy renew it by itself?")
    else:
        yield well("tls", f"{host} has a good certificate for {days} days")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
