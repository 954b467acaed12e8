"""DKIM signatures by the shop's own key. **Source:** RFC 6376; canonicalisation relaxed/relaxed, rsa-sha256.

The package `dkim` canonicalises and verifies; it signs in pure Python (6 ms a mail), so OpenSSL
uses the key here.
"""

from __future__ import annotations

import base64
import re
import time
from functools import lru_cache
from hashlib import sha256

import dkim  # type: ignore[import-untyped]  # it has no types
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import CanonicalizationPolicy  # type: ignore[import-untyped]

from rapport.capabilities.messages.model import OWN_TROUBLE
from rapport.capabilities.messages.service.servers import MailServer
from rapport.kernel.errors import InvalidInput

__all__ = ["SIGNED", "sign"]

SIGNED = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""**Source** of the last two: RFC 8058, section 4. Without them no mail program shows its button."""

_RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
_LINE = 72


def sign(body: bytes, server: MailServer) -> bytes:
    """The mail with a signature in front, where the shop signs itself. Raises InvalidInput where its key is none."""
    if not server.dkim_selector or not server.dkim_key:
        return body
    key = _key(server.dkim_key)
    try:
        headers, text = dkim.rfc822_parse(body)
        domain = server.domain.encode("idna")
    except (dkim.DKIMException, UnicodeError) as error:
        raise InvalidInput(f"{OWN_TROUBLE}: DKIM cannot sign ({type(error).__name__})") from None
    known = {name.lower(): (name, value) for name, value in headers}
    there = [name for name in SIGNED if name in known]
    digest = base64.b64encode(sha256(_RELAXED.canonicalize_body(text)).digest())
    said = b"; ".join((
        b"v=1", b"a=rsa-sha256", b"c=relaxed/relaxed", b"d=" + domain,
        b"s=" + server.dkim_selector.encode(), b"t=%d" % time.time(), b"h=" + b":".join(there), b"bh=" + digest, b"b=",
    ))  # fmt: skip
    said = re.sub(rb"; (?=h=|bh=|b=)", b";\r\n ", said)
    own = [known[name] for name in there]
    canonical = _RELAXED.canonicalize_headers([*own, (b"DKIM-Signature", b" " + said + b"\r\n")])
    signed = b"".join(name + b":" + value for name, value in canonical).removesuffix(b"\r\n")
    made = base64.b64encode(key.sign(signed, PKCS1v15(), SHA256()))
    lines = b"\r\n ".join(made[at : at + _LINE] for at in range(0, len(made), _LINE))
    return b"DKIM-Signature: " + said + lines + b"\r\n" + body


@lru_cache(maxsize=64)
def _key(pem: str) -> RSAPrivateKey:
    """Read once for all mails."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidInput(f"{OWN_TROUBLE}: DKIM cannot sign ({type(error).__name__})") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidInput(f"{OWN_TROUBLE}: DKIM cannot sign (the key is no RSA key)")
    return key
