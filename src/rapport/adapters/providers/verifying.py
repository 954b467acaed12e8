"""Whether a delivery comes from the provider: its signature over what was sent, in the way of each.

**Sources**, as of 2026: Mailgun "Securing Webhooks"; SendGrid "Event Webhook Security Features"; Twilio "Webhooks
Security"; Meta "Webhooks: Validating Payloads"; Amazon SNS "Verifying the signatures of Amazon SNS messages".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import sha1, sha256
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import load_pem_x509_certificate

from rapport.adapters.providers.model import Delivery, Provider
from rapport.kernel.clock import DAY, SECOND, to_datetime
from rapport.kernel.errors import Unauthenticated

__all__ = ["CertificateOf", "is_amazons", "meta_token", "verify"]

T = TypeVar("T")

CertificateOf = Callable[[str], bytes]
"""Fetches the certificate (PEM) at an address that `is_amazons`."""

_AMAZON = re.compile(r"sns\.[a-z]{2}(-[a-z]+)+-\d+\.amazonaws\.com(\.cn)?")
"""With a region: `sns.s3-us-west-2` is whoever's who has called a bucket `sns`."""
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9a-f]+\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def verify(provider: Provider, sent: Delivery, secret: str, *, certificate_of: CertificateOf, now: int) -> None:
    """Raises Unauthenticated where it was not signed with what the shop has set."""
    if provider == "ses":
        _ses(sent, secret, certificate_of, now)
    else:
        _VERIFIERS[provider](sent, secret, now)


def meta_token(secret: str) -> str:
    """What Meta is given as verify token, made of the app's secret."""
    return hmac.new(secret.encode(), b"rapport: verify token", sha256).hexdigest()[:40]


def is_amazons(url: str) -> bool:
    """Whether an address is SNS's own, by HTTPS.

    >>> is_amazons("https://sns.eu-west-1.amazonaws.com/cert.pem"), is_amazons("https://sns.eu-west-1.amazonaws.com.evil.example/")
    (True, False)
    >>> is_amazons("https://sns.s3-us-west-2.amazonaws.com/cert.pem")
    False
    """
    try:
        parts = urlsplit(url)
        return (
            url.isprintable() and parts.scheme == "https" and parts.netloc == parts.hostname
            and bool(_AMAZON.fullmatch(parts.hostname or ""))
        )  # fmt: skip
    except ValueError:
        return False


def _mailgun(sent: Delivery, secret: str, now: int) -> None:
    """Signs its time and a token, not the body: that a token stands for one body is kept in the database."""
    said = _said(sent.body, _MailgunSaid).signature
    at, token, signature = str(said.timestamp), said.token, said.signature
    wanted = hmac.new(secret.encode(), f"{at}{token}".encode(), sha256).hexdigest()
    _same(signature if token else "", wanted, "signature")
    if not at.isdecimal() or abs(int(at) * SECOND - now) > DAY:
        raise Unauthenticated("the signature is older than a day", hint="is the clock of this machine right?")


def _sendgrid(sent: Delivery, secret: str, now: int) -> None:
    name = "x-twilio-email-event-webhook-signature"
    signature, at = sent.headers.get(name, ""), sent.headers.get("x-twilio-email-event-webhook-timestamp", "")
    if not signature:
        raise Unauthenticated(f"the delivery is not signed: no {name}", hint="switch on the Signed Event Webhook")
    try:
        key = _public_key(secret)
        key.verify(base64.b64decode(signature, validate=True), at.encode() + sent.body, ECDSA(hashes.SHA256()))
    except (InvalidSignature, binascii.Error, ValueError, TypeError, UnsupportedAlgorithm):
        raise _refused(name) from None


@lru_cache(maxsize=64)
def _public_key(text: str) -> EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(text))
    if not isinstance(key, EllipticCurvePublicKey):
        raise TypeError("no key of an elliptic curve")
    return key


def _twilio(sent: Delivery, secret: str, now: int) -> None:
    """Over the address and the form's fields by name; of a field that comes twice each value once."""
    try:
        fields = parse_qs(sent.body.decode(), keep_blank_values=True, max_num_fields=500)
    except (UnicodeDecodeError, ValueError):
        raise _refused("x-twilio-signature") from None
    said = sent.url + "".join(f"{name}{value}" for name in sorted(fields) for value in sorted(set(fields[name])))
    wanted = base64.b64encode(hmac.new(secret.encode(), said.encode(), sha1).digest()).decode()
    _same(sent.headers.get("x-twilio-signature"), wanted, "x-twilio-signature")


def _meta(sent: Delivery, secret: str, now: int) -> None:
    wanted = "sha256=" + hmac.new(secret.encode(), sent.body, sha256).hexdigest()
    _same(sent.headers.get("x-hub-signature-256"), wanted, "x-hub-signature-256")


def _ses(sent: Delivery, secret: str, certificate_of: CertificateOf, now: int) -> None:
    """Signed by Amazon for whoever asks: that it is this shop's topic is what the secret says."""
    read = _said(sent.body, _AmazonSaid)
    said: dict[str, str] = {name: value for name in _OF_AMAZON if (value := getattr(read, name)) is not None}
    if not hmac.compare_digest(said.get("TopicArn", "").encode(), secret.encode()):
        raise Unauthenticated("the delivery is of another topic", hint="PUT the ARN of the topic that SES tells")
    names = _NOTIFICATION if said.get("Type") == "Notification" else _CONFIRMATION
    signed = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
    url = said.get("SigningCertURL", "")
    if not is_amazons(url) or not _CERTIFICATE.fullmatch(urlsplit(url).path):
        raise Unauthenticated("the certificate is not at an address of Amazon SNS", hint="was it sent by Amazon?")
    hashed = hashes.SHA256() if said.get("SignatureVersion") == "2" else hashes.SHA1()  # noqa: S303 - Amazon's first version
    try:
        certificate = load_pem_x509_certificate(certificate_of(url))
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or certificate.not_valid_after_utc < to_datetime(now):
            raise _refused("Signature")
        key.verify(base64.b64decode(said.get("Signature", "")), signed.encode(), PKCS1v15(), hashed)
    except (InvalidSignature, binascii.Error, ValueError):
        raise _refused("Signature") from None


class _MailgunSigned(msgspec.Struct, frozen=True):
    timestamp: str | int = ""
    token: str = ""
    signature: str = ""


class _MailgunSaid(msgspec.Struct, frozen=True):
    signature: _MailgunSigned = _MailgunSigned()


_OF_AMAZON = sorted({*_NOTIFICATION, *_CONFIRMATION, "SignatureVersion", "Signature", "SigningCertURL"})
_AmazonSaid = msgspec.defstruct("_AmazonSaid", [(name, str | None, None) for name in _OF_AMAZON], frozen=True)


def _said(body: bytes, what: type[T]) -> T:
    """The fields that a signature is about, and nothing else of the body: its sender is not known yet, and a tree of
    megabytes would be built for anybody.
    """
    try:
        return msgspec.json.decode(body, type=what)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unauthenticated("the delivery is not as the provider signs it") from None


def _same(sent: str | None, wanted: str, name: str) -> None:
    if not sent:
        raise Unauthenticated(f"the delivery is not signed: no {name}")
    if not hmac.compare_digest(sent.strip().encode("utf-8", "replace"), wanted.encode()):
        raise _refused(name)


def _refused(name: str) -> Unauthenticated:
    return Unauthenticated(
        f"the signature in {name} is not of this delivery by the secret that is set",
        hint="is the secret the one of this account, and the delivery passed on as it was sent?",
    )


_VERIFIERS: Mapping[Provider, Callable[[Delivery, str, int], None]] = {
    "mailgun": _mailgun, "sendgrid": _sendgrid, "twilio": _twilio, "meta": _meta,
}  # fmt: skip
