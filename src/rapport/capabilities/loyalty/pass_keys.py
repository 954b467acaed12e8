"""With what a shop's wallet passes are signed: set in the console or by API, kept sealed, shown to nobody again."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID
from msgspec import Meta

from rapport.capabilities.loyalty import store
from rapport.kernel.clock import SECOND, to_iso
from rapport.kernel.errors import InvalidInput, Misconfigured
from rapport.kernel.ids import WorkspaceId
from rapport.kernel.work import Connection
from rapport.storage.audit.entries import append as tell
from rapport.storage.bulk import upsert
from rapport.storage.resealing import SecretPlace
from rapport.storage.sealing import opened, sealed

__all__ = ["SECRETS", "WALLETS", "AppleKeys", "GoogleKeys", "KeysShown", "WalletKind", "keep_keys", "keys_of",
           "remove_keys", "shown_keys"]  # fmt: skip

WalletKind: TypeAlias = Literal["apple", "google"]
WALLETS: tuple[WalletKind, ...] = ("apple", "google")
Pem = Annotated[str, Meta(max_length=20_000)]
_k = store.pass_keys.c


class AppleKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pass type's certificate, as Apple gives it to members of its developer programme; all of it PEM."""

    pass_type: Annotated[str, Meta(pattern=r"^pass\.[A-Za-z0-9.-]{1,120}$")]
    team: Annotated[str, Meta(pattern="^[A-Z0-9]{10}$")]
    certificate: Pem
    private_key: Pem
    """Without a password."""
    intermediate: Pem
    """Apple's own certificate that signed it (Worldwide Developer Relations)."""
    organisation: Annotated[str, Meta(max_length=80)] = ""


class GoogleKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service account that may issue passes, and as which issuer."""

    issuer: Annotated[str, Meta(pattern="^[0-9]{1,30}$")]
    account: Annotated[str, Meta(pattern=r"^[^@\s]{1,200}@[^@\s]{1,200}$")]
    private_key: Pem
    logo_url: Annotated[str, Meta(max_length=500, pattern=r'^https://[^\s"<>]+$')]
    """Google shows it on the card; it must be reachable from everywhere."""


class KeysShown(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a wallet's keys, without any secret."""

    wallet: WalletKind
    about: str
    """The pass type, or the service account."""
    expires_at: str | None
    """When the certificate runs out; None where nothing does."""
    changed_at: str
    changed_by: str
    readable: bool
    """Whether the server can open them now."""


def keys_of(conn: Connection, workspace: WorkspaceId, wallet: WalletKind) -> AppleKeys | GoogleKeys | None:
    """What this wallet's passes are signed with, None where none is set. Raises Misconfigured as `opened` does."""
    row = conn.execute(sa.select(_k.body).where(_k.workspace == workspace, _k.wallet == wallet)).first()
    if row is None:
        return None
    body = opened(bytes(row.body), about=_about(workspace, wallet))
    if wallet == "apple":
        return msgspec.json.decode(body, type=AppleKeys)
    return msgspec.json.decode(body, type=GoogleKeys)


def shown_keys(conn: Connection, workspace: WorkspaceId) -> list[KeysShown]:
    """What is set, without any secret."""
    found = []
    rows = conn.execute(sa.select(store.pass_keys).where(_k.workspace == workspace).order_by(_k.wallet)).all()
    for row in rows:
        try:
            readable = keys_of(conn, workspace, row.wallet) is not None
        except Misconfigured:
            readable = False
        found.append(KeysShown(
            wallet=row.wallet, about=row.about, expires_at=to_iso(row.expires_at) if row.expires_at else None,
            changed_at=to_iso(row.changed_at), changed_by=row.changed_by, readable=readable,
        ))  # fmt: skip
    return found


def keep_keys(
    conn: Connection, workspace: WorkspaceId, keys: AppleKeys | GoogleKeys, *, by: str, now: int
) -> None:  # fmt: skip
    """Sign with these from now on. Raises InvalidInput for keys that would sign what no phone takes."""
    wallet: WalletKind = "apple" if isinstance(keys, AppleKeys) else "google"
    until = _check_apple(keys, now=now) if isinstance(keys, AppleKeys) else _check_google(keys)
    about = keys.pass_type if isinstance(keys, AppleKeys) else keys.account
    body = sealed(msgspec.json.encode(keys), about=_about(workspace, wallet))
    row: dict[str, Any] = {"workspace": workspace, "wallet": wallet, "body": body, "about": about, "expires_at": until,
                           "changed_at": now, "changed_by": by}  # fmt: skip
    upsert(conn, store.pass_keys, [row], key=("workspace", "wallet"),
           update=["body", "about", "expires_at", "changed_at", "changed_by"])  # fmt: skip
    tell(conn, workspace, "passes.changed", about=wallet, details={"by": by}, now=now)


def remove_keys(conn: Connection, workspace: WorkspaceId, wallet: WalletKind, *, by: str, now: int) -> bool:
    """Offer no more passes of this wallet. Returns whether any were."""
    gone: int = conn.execute(sa.delete(store.pass_keys).where(_k.workspace == workspace, _k.wallet == wallet)).rowcount
    if gone:
        tell(conn, workspace, "passes.changed", about=wallet, details={"by": by, "removed": True}, now=now)
    return gone > 0


def _about(workspace: WorkspaceId, wallet: str) -> str:
    return f"loyalty_pass_keys:{workspace}:{wallet}"


SECRETS = (SecretPlace(store.pass_keys, "body", lambda row: _about(row["workspace"], row["wallet"])),)


def _check_apple(keys: AppleKeys, *, now: int) -> int:
    """Until when they sign, in µs."""
    certificate = _certificates(keys.certificate, "certificate")[0]
    chain = _certificates(keys.intermediate, "intermediate")
    key = _private(keys.private_key)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise InvalidInput(
            "the private key is neither RSA nor of an elliptic curve", hint="the one the request was made with"
        )
    if _public(key.public_key()) != _public(certificate.public_key()):
        raise InvalidInput("the private key is not that of the certificate", hint="export both from the same entry")
    named = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.USER_ID)]
    if named and named != [keys.pass_type]:
        raise InvalidInput(f"the certificate is for {named[0][:120]!r}, not for {keys.pass_type!r}",
                           hint="each pass type has a certificate of its own")  # fmt: skip
    if certificate.issuer not in [one.subject for one in chain]:
        raise InvalidInput("the intermediate certificate did not sign this one", hint="Apple's WWDR certificate of the "
                           "generation that the certificate names as its issuer")  # fmt: skip
    until = certificate.not_valid_after_utc
    if until <= datetime.fromtimestamp(now / SECOND, UTC):
        raise InvalidInput(f"the certificate ran out at {until.isoformat()}", hint="renew it with Apple")
    return int(until.timestamp()) * SECOND


def _check_google(keys: GoogleKeys) -> int:
    if not isinstance(_private(keys.private_key), RSAPrivateKey):
        raise InvalidInput("the private key is no RSA key", hint="`private_key` of the service account's JSON file")
    return 0


def _certificates(pem: str, field: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise InvalidInput(
            f"the {field} cannot be read", hint="PEM: it begins with -----BEGIN CERTIFICATE-----"
        ) from error


def _private(pem: str) -> object:
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError) as error:
        locked = isinstance(error, TypeError) or bool(re.search("ENCRYPTED", pem))
        raise InvalidInput(
            "the private key cannot be read", hint="take its password off first" if locked else "PEM, whole"
        ) from error


def _public(key: Any) -> bytes:
    found: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found
