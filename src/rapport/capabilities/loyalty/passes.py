"""A member's card for the wallets of phones: an Apple pass as its file, a Google one as a signed link. Pure.

**Source**: Apple, *Wallet Passes* (PassKit package format: `pass.json`, `manifest.json` with the SHA-1 of each file, a
detached PKCS #7 signature of the manifest) and Google, *Google Wallet: Loyalty cards* (`LoyaltyClass`,
`LoyaltyObject`, `savetowallet` JWT). The serial number is the person's in this programme, so a card that is taken again
is the same card with what holds now. It is made of the least of their identifiers: whoever turns out to be one with
somebody else may get another serial, and takes a second card; the first one stays on the phone as it was.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from functools import lru_cache
from hashlib import blake2b, sha1
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import pkcs7
from joserfc import jwt
from joserfc.jwk import RSAKey

from rapport.capabilities.loyalty.pass_keys import AppleKeys, GoogleKeys
from rapport.kernel.clock import SECOND
from rapport.kernel.ids import Key, WorkspaceId

__all__ = ["APPLE_TYPE", "CardShown", "apple_pass", "google_link", "serial_of"]

APPLE_TYPE = "application/vnd.apple.pkpass"
_SAVE = "https://pay.google.com/gp/v/save/"
MOST_OF_LINK = 1_800
SHORT_TITLE = 20
_DARK = (24, 24, 31)
_SIZES = {"icon.png": 29, "icon@2x.png": 58, "icon@3x.png": 87}
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


class CardShown(NamedTuple):
    """What stands on a card, in the member's language. No name: whoever finds the phone learns nobody's."""

    serial: str
    number: str
    """The member's number, which is what the bar code says."""
    shop: str
    title: str
    balance: int
    tier: str
    labels: dict[str, str]
    """What the fields are called: `points`, `tier`, `number`, `next`, `until`, `as_of`."""
    way: str
    """How far the next tier is, in words."""
    soon: str
    """What expires first, in words; empty where nothing does."""
    as_of: str
    """Of which day the figures are."""


def serial_of(workspace: WorkspaceId, programme: str, person: Key) -> str:
    """The card's number, of which nobody learns an identifier; `person` is the least of the person's identifiers."""
    return blake2b(f"{workspace}:{programme}:".encode() + person, digest_size=16, person=b"loyalty-card").hexdigest()


def apple_pass(card: CardShown, keys: AppleKeys) -> bytes:
    """The `.pkpass` file, signed."""
    files = {name: _star(size) for name, size in _SIZES.items()}
    files["pass.json"] = json.dumps(_pass_json(card, keys), ensure_ascii=False).encode()
    manifest = json.dumps({name: sha1(body, usedforsecurity=False).hexdigest() for name, body in files.items()})
    files["manifest.json"] = manifest.encode()
    files["signature"] = _signature(files["manifest.json"], keys)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), body, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _pass_json(card: CardShown, keys: AppleKeys) -> dict[str, Any]:
    label = card.labels
    back = [("until", card.soon), ("as_of", card.as_of)]
    secondary = [("tier", card.tier), ("next", card.way)]
    bar = {"format": "PKBarcodeFormatQR", "message": card.number, "messageEncoding": "utf-8", "altText": card.number}
    return {
        "formatVersion": 1, "passTypeIdentifier": keys.pass_type, "teamIdentifier": keys.team,
        "serialNumber": card.serial, "organizationName": keys.organisation or card.shop, "description": card.title,
        "logoText": card.shop, "foregroundColor": "rgb(255, 255, 255)", "labelColor": "rgb(201, 201, 214)",
        "backgroundColor": f"rgb{_DARK}", "barcodes": [bar], "sharingProhibited": True,
        "storeCard": {
            "headerFields": [{"key": "number", "label": label["number"], "value": card.number[-8:]}],
            "primaryFields": [{"key": "points", "label": label["points"], "value": card.balance}],
            "secondaryFields": [{"key": key, "label": label[key], "value": value} for key, value in secondary if value],
            "backFields": [{"key": key, "label": label[key], "value": value} for key, value in back if value],
        },
    }  # fmt: skip


def _signature(manifest: bytes, keys: AppleKeys) -> bytes:
    key = serialization.load_pem_private_key(keys.private_key.encode(), None)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise TypeError(f"{type(key).__name__} signs no pass")  # refused where keys are set
    builder = pkcs7.PKCS7SignatureBuilder().set_data(manifest)
    builder = builder.add_signer(x509.load_pem_x509_certificate(keys.certificate.encode()), key, hashes.SHA256())
    for one in x509.load_pem_x509_certificates(keys.intermediate.encode()):
        builder = builder.add_certificate(one)
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities]
    return builder.sign(serialization.Encoding.DER, options)


def google_link(card: CardShown, programme: str, keys: GoogleKeys, *, now: int) -> str:
    """The address that saves the card, or brings the saved one to what holds now.

    Google takes addresses of `MOST_OF_LINK` characters at most: a longer one leaves out what matters least, from the
    day of its figures to the tier, and then all but the beginning of long titles.
    """
    texts = [(key, value) for key, value in (
        ("tier", card.tier), ("next", card.way), ("until", card.soon), ("as_of", card.as_of)
    ) if value]  # fmt: skip
    short = card._replace(title=card.title[:SHORT_TITLE], shop=card.shop[:SHORT_TITLE])
    ways = [(card, texts[:n]) for n in range(len(texts), -1, -1)] + [(short, [])]
    links = (_link(one, said, programme, keys, now=now) for one, said in ways)
    link = ""
    for link in links:
        if len(link) <= MOST_OF_LINK:
            break
    return link


def _link(card: CardShown, texts: list[tuple[str, str]], programme: str, keys: GoogleKeys, *, now: int) -> str:
    class_id, label = f"{keys.issuer}.{programme}", card.labels
    member = {
        "id": f"{keys.issuer}.{card.serial}", "classId": class_id, "state": "ACTIVE", "accountId": card.number,
        "barcode": {"type": "QR_CODE", "value": card.number, "alternateText": card.number},
        "loyaltyPoints": {"label": label["points"], "balance": {"int": card.balance}},
        "textModulesData": [{"id": key, "header": label[key], "body": value} for key, value in texts],
    }  # fmt: skip
    kind = {
        "id": class_id, "issuerName": card.shop, "programName": card.title, "reviewStatus": "UNDER_REVIEW",
        "programLogo": {"sourceUri": {"uri": keys.logo_url}},
    }  # fmt: skip
    claims = {
        "iss": keys.account, "aud": "google", "typ": "savetowallet", "iat": now // SECOND, "origins": [],
        "payload": {"loyaltyClasses": [kind], "loyaltyObjects": [member]},
    }  # fmt: skip
    token = jwt.encode(
        {"alg": "RS256", "typ": "JWT"}, claims, RSAKey.import_key(keys.private_key), algorithms=["RS256"]
    )
    return _SAVE + token


@lru_cache
def _star(size: int) -> bytes:
    """A PNG of a light star on dark ground, in so many points: each pass must have an icon."""
    rows = b"".join(
        b"\x00" + b"".join(bytes((255, 255, 255) if _is_in_star(x, y, size) else _DARK) for x in range(size))
        for y in range(size)
    )
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


_STAR = ((0.5, 0.14), (0.6, 0.39), (0.87, 0.41), (0.66, 0.58), (0.73, 0.84), (0.5, 0.69), (0.27, 0.84), (0.34, 0.58),
         (0.13, 0.41), (0.4, 0.39))  # fmt: skip


def _is_in_star(x: int, y: int, size: int) -> bool:
    """Whether a point lies within: a line from it to the right crosses the border an odd number of times."""
    px, py, inside = (x + 0.5) / size, (y + 0.5) / size, False
    for (ax, ay), (bx, by) in zip(_STAR, (*_STAR[1:], _STAR[0]), strict=True):
        if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
            inside = not inside
    return inside
