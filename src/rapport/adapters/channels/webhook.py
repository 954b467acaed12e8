"""Webhooks out: a signed POST as Standard Webhooks has it, to addresses that are checked before they are connected to.

The host is resolved here and the connection goes to the very address that was checked, so a name that answers
differently a moment later (DNS rebinding) reaches nothing. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import logging
import socket
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store, webhooks
from rapport.act.channels import Delivered, Outgoing
from rapport.kernel.clock import SECOND, to_datetime
from rapport.storage.engine import Database

__all__ = ["WebhookChannel", "is_public", "sign"]

TIMEOUT_SECONDS = 15.0
"""For the whole attempt, from the look-up of the name to the answer's status."""

CONNECT_SECONDS = 5.0

_MOST_PATIENCE_SECONDS = 86_400.0

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs whole addresses, which may hold tokens


class _Endpoint(NamedTuple):
    url: str
    secret: str
    enabled: bool


class _NotAllowed(Exception):
    """The host leads only to addresses that webhooks may not go to."""


class WebhookChannel:
    """Posts messages to the webhook endpoints kept in the database."""

    name = webhooks.CHANNEL

    def __init__(self, db: Database, *, allow_private: bool = False) -> None:
        self._db = db
        self._allow_private = allow_private

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt. 2xx is delivered, 410 switches the endpoint off, anything else is tried again."""
        endpoint = self._endpoint(message)
        if endpoint is None:
            return Delivered(result="dead", detail="the webhook was removed")
        if not endpoint.enabled:
            return Delivered(result="dead", detail="the webhook is switched off")
        try:
            response = asyncio.run(self._post(endpoint, message, now))
        except _NotAllowed as error:
            return Delivered(result="retry", detail=str(error))
        except TimeoutError:
            return Delivered(result="retry", detail=f"no answer within {TIMEOUT_SECONDS:g} seconds")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Delivered(result="retry", detail=_reason(error))
        return _outcome(response, now)

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        webhooks.switch_off(conn, message.workspace, message.destination, reason=reason)

    def _endpoint(self, message: Outgoing) -> _Endpoint | None:
        w = store.webhooks.c
        query = sa.select(w.url, w.secret, w.enabled)
        with self._db.read() as conn:
            row = conn.execute(query.where(w.workspace == message.workspace, w.id == message.destination)).first()
        return None if row is None else _Endpoint._make(row)

    async def _post(self, endpoint: _Endpoint, message: Outgoing, now: int) -> httpx.Response:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            url = httpx.URL(endpoint.url)
            address = await self._address(url)
            headers = {
                "content-type": "application/json",
                "user-agent": "Rapport-Webhooks/1",
                "host": url.netloc.decode("ascii"),
                **sign(message.payload, message_id=message.id, secret=endpoint.secret, now=now),
            }
            timeout = httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
            async with (
                httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "POST", url.copy_with(host=address), content=message.payload, headers=headers,
                    extensions={"sni_hostname": url.raw_host.decode("ascii")},
                ) as response,
            ):  # fmt: skip
                return response

    async def _address(self, url: httpx.URL) -> str:
        """An address of the host that may be connected to. Raises _NotAllowed where there is none."""
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.InvalidURL("not a web address")
        port = url.port or (443 if url.scheme == "https" else 80)
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.raw_host.decode("ascii"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if self._allow_private or is_public(address):
                return address
        raise _NotAllowed("the host is private, loopback or link-local (RAPPORT_ALLOW_PRIVATE_WEBHOOKS allows that)")


def sign(payload: bytes, *, message_id: str, secret: str, now: int) -> dict[str, str]:
    """The three headers by which the receiver knows who sent it, when, and that nothing was changed.

    **Source:** Standard Webhooks 1.0, "Signature scheme" (symmetric).
    """
    timestamp = str(now // SECOND)
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, f"{message_id}.{timestamp}.".encode() + payload, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def is_public(address: str) -> bool:
    """Whether this is an address of the public internet, whatever form it is written or wrapped in.

    >>> is_public("93.184.215.14"), is_public("127.0.0.1"), is_public("::ffff:10.0.0.1"), is_public("fe80::1%eth0")
    (True, False, False, False)
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour or _nat64(found)
        if inside is not None:
            return is_public(str(inside))
        if found.teredo is not None or found.is_site_local:
            return False
    return found.is_global and not found.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in ipaddress.IPv6Network("64:ff9b::/96") or address in ipaddress.IPv6Network("64:ff9b:1::/48"):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _outcome(response: httpx.Response, now: int) -> Delivered:
    status = response.status_code
    if 200 <= status < 300:
        return Delivered(result="delivered", detail=f"answered {status}")
    if status == 410:
        return Delivered(result="gone", detail="the endpoint answered 410 Gone")
    detail = f"answered {status}" + (" (redirects are not followed)" if 300 <= status < 400 else "")
    return Delivered(result="retry", detail=detail, retry_after_seconds=_retry_after(response, now))


def _retry_after(response: httpx.Response, now: int) -> float:
    """Seconds to wait at least, as the endpoint asks; 0 where it asks nothing readable."""
    given = response.headers.get("retry-after", "").strip()
    if not given:
        return 0.0
    try:
        wait = float(given) if given.isdigit() else (parsedate_to_datetime(given) - to_datetime(now)).total_seconds()
    except (ValueError, TypeError):
        return 0.0
    return min(max(wait, 0.0), _MOST_PATIENCE_SECONDS)


def _reason(error: Exception) -> str:
    """What went wrong without the address, which may hold a token."""
    if isinstance(error, socket.gaierror):
        return "the host name is not known"
    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error).upper():
        return "the certificate was not accepted"
    return type(error).__name__
