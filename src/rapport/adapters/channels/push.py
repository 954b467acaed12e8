"""Web push: a short text, encrypted for each browser of the customer and handed to the browser's own push service.

An endpoint that answers 404 or 410 is gone and removed, alone. **Sources:** RFC 8030 (push), RFC 8291 (encryption),
RFC 8188 (its coding), RFC 8292 (VAPID: who sends it).
"""

from __future__ import annotations

import base64
import os
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection

from rapport.act.channels import ChannelSettings, Delivered, Outgoing
from rapport.adapters.channels.connecting import NeverSent, Unanswered, post
from rapport.capabilities.messages.model import PUSH
from rapport.capabilities.messages.service.composing import ready
from rapport.capabilities.messages.service.pushing import Endpoint, endpoints_of, forget, private_key
from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Misconfigured, RapportError
from rapport.storage.engine import Database

__all__ = ["PushChannel", "encrypted", "signed"]

LIVES_SECONDS = 86_400
"""So long a push service keeps it for a browser that is away."""
_RECORD = 4096
_POINT = (Encoding.X962, PublicFormat.UncompressedPoint)


class PushChannel:
    """Hands texts to the push services of the browsers that a customer has allowed to tell them."""

    name = PUSH

    def __init__(self, db: Database, given: ChannelSettings) -> None:
        self._db = db
        self._given = given

    def deliver(self, message: Outgoing, *, now: int) -> Delivered:
        """One attempt at each browser; delivered where one takes it, so that nobody is told twice for the others."""
        try:
            with self._db.read() as conn:
                text = ready(conn, message, self._given, now=now)
                endpoints = endpoints_of(conn, message.workspace, text.keys)
                key = private_key(conn, message.workspace)
        except Misconfigured as error:  # no key opens a secret for now
            return Delivered(result="retry", detail=error.message, retry_after_seconds=60)
        except RapportError as error:
            return Delivered(result="dead", detail=error.message)
        if not endpoints or key is None:
            return Delivered(result="dead", detail="no browser of theirs takes notifications")
        payload = msgspec.json.encode(
            {"title": text.title[:80], "body": text.text[:400], "url": text.url[:400], "id": message.id}
        )
        outcomes = [self._to(one, payload, key, now=now) for one in endpoints]
        gone = [one for one, found in zip(endpoints, outcomes, strict=True) if found.result == "gone"]
        if gone:
            with self._db.write() as conn:
                forget(conn, message.workspace, [one.id for one in gone])
        for result in ("delivered", "retry", "dead"):
            found = next((one for one in outcomes if one.result == result), None)
            if found is not None:
                return found
        return Delivered(result="dead", detail="no browser of theirs takes notifications any more")

    def switch_off(self, conn: Connection, message: Outgoing, *, reason: str) -> None:
        """Never: each endpoint is removed alone."""

    def _to(self, one: Endpoint, payload: bytes, key: ec.EllipticCurvePrivateKey, *, now: int) -> Delivered:
        try:
            body = encrypted(payload, one.p256dh, one.auth)
        except ValueError:
            return Delivered(result="gone", detail="the browser's key is none")
        parts = urlsplit(one.endpoint)
        token, public = signed(
            key, audience=f"{parts.scheme}://{parts.netloc}", contact=self._given.public_url, now=now
        )
        headers = {"authorization": f"vapid t={token}, k={public}", "content-encoding": "aes128gcm",
                   "content-type": "application/octet-stream", "ttl": str(LIVES_SECONDS)}  # fmt: skip
        try:
            answer = post(one.endpoint, body, headers, allow_private=self._given.allow_private)
        except NeverSent as error:
            return Delivered(result="retry", detail=str(error))
        except Unanswered as error:
            return Delivered(result="dead", detail=f"no answer ({error}): it may have gone, so it is not sent again")
        if answer.status in (404, 410):
            return Delivered(result="gone", detail=f"answered {answer.status}")
        if 200 <= answer.status < 300:
            return Delivered(result="delivered", detail=f"answered {answer.status}")
        again = answer.status == 429 or answer.status >= 500
        return Delivered(result="retry" if again else "dead", detail=f"answered {answer.status}")


def encrypted(
    plain: bytes, p256dh: bytes, auth: bytes, *, key: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """The body for a browser with this public key and secret: one record of aes128gcm. Raises ValueError for no key.

    `key` and `salt` are made by chance; tests give those of the standard's example.
    """
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), p256dh)
    ours = key or ec.generate_private_key(ec.SECP256R1())
    salt, public = salt or os.urandom(16), ours.public_key().public_bytes(*_POINT)
    shared = ours.exchange(ec.ECDH(), theirs)
    secret = _derive(shared, salt=auth, info=b"WebPush: info\x00" + p256dh + public, length=32)
    content = _derive(secret, salt=salt, info=b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derive(secret, salt=salt, info=b"Content-Encoding: nonce\x00", length=12)
    head = salt + _RECORD.to_bytes(4, "big") + bytes([len(public)]) + public
    return head + AESGCM(content).encrypt(nonce, plain + b"\x02", None)


def signed(key: ec.EllipticCurvePrivateKey, *, audience: str, contact: str, now: int) -> tuple[str, str]:
    """A token by which the push service knows who sends, and the public key, both as VAPID has them."""
    claims = {"aud": audience, "exp": now // SECOND + 12 * 3_600, "sub": contact or "https://rapport.invalid"}
    head = _text(msgspec.json.encode({"typ": "JWT", "alg": "ES256"}))
    told = f"{head}.{_text(msgspec.json.encode(claims))}"
    r, s = decode_dss_signature(key.sign(told.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{told}.{_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return token, _text(key.public_key().public_bytes(*_POINT))


def _derive(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
