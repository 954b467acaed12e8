"""Webhooks out: a signed POST as Standard Webhooks has it, to addresses that are checked before they are connected to.

The host is resolved here and the connection goes to the very address that was checked, so a name that answers
differently a moment later (DNS rebinding) reaches nothing. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import socket
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx
import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.act import store, webhooks
from rapport.act.addresses import NotAllowed, is_public
from rapport.act.channels import Delivered, Outgoing
from rapport.adapters.channels.connecting import address_of
from rapport.kernel.clock import SECOND, to_datetime
from rapport.kernel.errors import Misconfigured
from rapport.storage.engine import Database
from rapport.storage.sealing import opened_text

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
    old_secret: str
    old_secret_until: int | None

    def secrets(self, now: int) -> list[str]:
        """Those that sign now, the newest first."""
        overlap = self.old_secret and self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if overlap else [self.secret]


class WebhookChannel:
    """Posts messages to the webhook endpoints kept in the database."""

    name = webhooks.CHANNEL

    def __init__(self, db: Database, *, allow_private: bool = False) -> None:
        self._db = db
        self._allow_private = allow_private

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt. 2xx is delivered, 410 switches the endpoint off, anything else is tried again."""
        try:
            endpoint = self._endpoint(message)
        except Misconfigured as error:  # no key opens its secret for now
            return Delivered(result="retry", detail=error.message, retry_after_seconds=60)
        if endpoint is None or not endpoint.enabled:
            why = "was removed" if endpoint is None else "is switched off"
            return Delivered(result="dead", detail=f"the webhook {why}")
        try:
            response = asyncio.run(self._post(endpoint, message, now))
        except NotAllowed as error:
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
        query = sa.select(*(w[name] for name in _Endpoint._fields))
        with self._db.read() as conn:
            row = conn.execute(query.where(w.workspace == message.workspace, w.id == message.destination)).first()
        if row is None:
            return None
        found, about = _Endpoint._make(row), webhooks.secret_of(message.workspace, message.destination)
        secret, old = (opened_text(kept, about=about) for kept in (found.secret, found.old_secret))
        return found._replace(secret=secret, old_secret=old)

    async def _post(self, endpoint: _Endpoint, message: Outgoing, now: int) -> httpx.Response:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            url = httpx.URL(endpoint.url)
            address = await address_of(url, allow_private=self._allow_private)
            headers = {
                "content-type": "application/json",
                "user-agent": "Rapport-Webhooks/1",
                "host": url.netloc.decode("ascii"),
                **sign(message.payload, message_id=message.id, secrets=endpoint.secrets(now), now=now),
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


def sign(payload: bytes, *, message_id: str, secrets: Sequence[str], now: int) -> dict[str, str]:
    """The three headers by which the receiver knows who sent it, when, and that nothing was changed.

    One signature of each secret, with a space between; the receiver takes any that it can verify.
    **Source:** Standard Webhooks 1.0, "Signature scheme" (symmetric) and "Webhook signing keys" (rotation).
    """
    timestamp = str(now // SECOND)
    signed = f"{message_id}.{timestamp}.".encode() + payload
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    signatures = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


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
