"""Does what a provider signed hold, and is it meant for us, for this sign-in, now? Pure.

**Source**: OpenID Connect Core 1.0, 3.1.3.7; RFC 8725 (best current practice for JSON Web Tokens).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from rapport.kernel.clock import SECOND
from rapport.kernel.errors import Unauthenticated

__all__ = ["ALGORITHMS", "PublicKey", "key_id_of", "keys_of", "verified"]

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Of public keys alone: with `none` anybody signs, with HS256 whoever knows the public key."""

LEEWAY = 60
"""Seconds by which two clocks may differ."""
OLDEST = 600
"""Seconds for which a token counts after it was made, whatever it says itself: it comes with the sign-in."""
LONGEST = 20_000
"""Characters of a token."""
SMALLEST_RSA = 2_048

_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = 8_000  # certificates may stand in it; they are not looked at

PublicKey = RSAKey | ECKey | OKPKey
_KINDS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


def keys_of(document: Any) -> list[PublicKey]:
    """The keys of a JWKS that may sign here; what is of another kind, or too short, is passed over."""
    entries = document.get("keys") if isinstance(document, dict) else None
    found: list[PublicKey] = []
    for entry in entries[:100] if isinstance(entries, list) else ():
        kind = _KINDS.get(str(entry.get("kty"))) if isinstance(entry, dict) else None
        if kind is None or entry.get("use", "sig") != "sig" or _is_short(entry):
            continue
        try:
            key = kind.import_key({name: value for name, value in entry.items() if name in _PUBLIC_PARTS})
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        found.append(key)
    return found


def _is_short(entry: Mapping[str, Any]) -> bool:
    """Whether it is an RSA key of fewer bits than are safe: six of them stand in each letter."""
    return entry.get("kty") == "RSA" and len(str(entry.get("n", "")).lstrip("A")) * 6 < SMALLEST_RSA


_PUBLIC_PARTS = frozenset({"kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"})
"""What of a key is public: should a provider publish a private one by mistake, it is not even read."""


def key_id_of(token: str) -> str | None:
    """The id of the key that a token says it was signed with. Raises Unauthenticated for what is no token."""
    return _text_of(_header(token), "kid")


def verified(
    token: str, keys: Sequence[PublicKey], *, issuer: str, client_id: str, nonce: str, now: int
) -> Mapping[str, Any]:
    """The claims of an id_token. Raises Unauthenticated, with what does not hold, where any of it does not."""
    header = _header(token)
    algorithm, key_id = header.get("alg"), _text_of(header, "kid")
    if algorithm not in ALGORITHMS:
        raise _refused(f"it is signed by {str(algorithm)[:20]!r}")
    if "crit" in header:
        raise _refused("it asks for what is not known here")
    named = [key for key in keys if key_id is None or key.kid == key_id]
    for key in named:
        if key.alg not in (None, algorithm):
            continue
        try:
            claims = jwt.decode(token, key, registry=_REGISTRY).claims
        except (JoseError, ValueError, TypeError):
            continue
        _check(claims, issuer=issuer, client_id=client_id, nonce=nonce, now=now // SECOND)
        return claims
    raise _refused("its signature is of none of the provider's keys")


def _check(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: int) -> None:
    if claims.get("iss") != issuer:
        raise _refused("it is of another issuer")
    audience = claims.get("aud")
    meant = audience if isinstance(audience, list) else [audience]
    if client_id not in meant:
        raise _refused("it is meant for another application")
    if (len(meant) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise _refused("it was given to another application")
    _check_times(claims, now)
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), nonce.encode()):
        raise _refused("it is of another sign-in")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isprintable():
        raise _refused("it does not say of whom it is")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    """`now` in seconds."""
    ends, made, begins = (_time_of(claims, name) for name in ("exp", "iat", "nbf"))
    if ends is None or now >= ends + LEEWAY:
        raise _refused("it has ended; are both clocks right?")
    if made is None or made > now + LEEWAY or made < now - OLDEST - LEEWAY:
        raise _refused("it was not made now; are both clocks right?")
    if begins is not None and begins > now + LEEWAY:
        raise _refused("it does not count yet; are both clocks right?")


def _header(token: str) -> Mapping[str, Any]:
    if len(token) > LONGEST or token.count(".") != 2:
        raise _refused("it is no signed token")
    try:
        header = jws.extract_compact(token.encode(), registry=_REGISTRY).protected
    except (JoseError, ValueError, TypeError, msgspec.MsgspecError) as error:
        raise _refused("it cannot be read") from error
    if not isinstance(header, dict):
        raise _refused("it cannot be read")
    return header


def _text_of(header: Mapping[str, Any], name: str) -> str | None:
    value = header.get(name)
    return value if isinstance(value, str) else None


def _time_of(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**11
    return value if is_time else None


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"what the provider sent does not hold: {why}", hint="begin again; if it stays so, ask IT")
