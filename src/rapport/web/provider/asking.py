"""Speaks with an OpenID provider: discovery, where to send people, what their code is worth.

Every request leaves by the one guard against addresses of the own network, which `Fetch` stands for.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from rapport.kernel.clock import HOUR, SECOND
from rapport.kernel.errors import RapportError, Unauthenticated, Unavailable
from rapport.web.provider.tokens import PublicKey, key_id_of, keys_of, verified
from rapport.web.provider.wanted import ProviderSettings

__all__ = ["Begun", "Fetch", "Fetched", "Provider"]

_log = logging.getLogger(__name__)

KEEP = 1 * HOUR
"""How long the provider's own words are good; keys are asked for anew when one is not known."""
AGAIN = 10 * SECOND
"""A provider that did not answer is not asked again before, nor for keys that it does not have."""


class Fetched(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Fetch(Protocol):
    """Asks an address: a GET, or a POST of a form where there is one. Follows nothing, and bounds time and size.

    Raises Unavailable, which names no secret, where no answer came or the address may not be asked.
    """

    def __call__(
        self, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Fetched: ...


class Begun(NamedTuple):
    """A sign-in that was begun: where to send the browser, and what must be right when it comes back."""

    url: str
    nonce: str
    verifier: str


class _Words(msgspec.Struct, frozen=True):
    """What a provider says of itself. **Source**: OpenID Connect Discovery 1.0, 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """One provider. Safe to be asked by several threads."""

    def __init__(self, settings: ProviderSettings, fetch: Fetch) -> None:
        self.settings = settings
        self._fetch = fetch
        self._lock = Lock()
        self._asking = Lock()
        self._words: tuple[_Words, int] | None = None
        self._keys: tuple[list[PublicKey], int] = ([], 0)
        self._failed: tuple[RapportError, int] | None = None

    def begin(self, state: str, *, now: int) -> Begun:
        """Where to send somebody who wants to sign in. Raises Unavailable."""
        words = self.words(now=now)
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code", "client_id": self.settings.client_id, "redirect_uri": self.settings.redirect_uri,
            "scope": "openid email profile", "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        joint = "&" if urlsplit(words.authorization_endpoint).query else "?"
        return Begun(words.authorization_endpoint + joint + urlencode(asked), nonce, verifier)

    def refuse_other_issuer(self, said: str | None, *, now: int) -> None:
        """Raises Unauthenticated where an answer comes from somebody else than was asked (RFC 9207, mix-up)."""
        if said is None and not self.words(now=now).authorization_response_iss_parameter_supported:
            return
        if said != self.settings.issuer:
            raise Unauthenticated("this answer is not of the provider that was asked", hint="begin again")

    def claims_of(self, code: str, *, nonce: str, verifier: str, now: int) -> Mapping[str, Any]:
        """What the provider says of whoever brought this code. Raises Unauthenticated, Unavailable."""
        token = self._exchanged(code, verifier, now=now)
        keys = self._keys_for(key_id_of(token), now=now)
        wanted = self.settings
        return verified(token, keys, issuer=wanted.issuer, client_id=wanted.client_id, nonce=nonce, now=now)

    def words(self, *, now: int) -> _Words:
        """What the provider says of itself, asked once an hour. Raises Unavailable.

        While one thread asks, others go on with what it said before; those that have nothing yet wait for the answer.
        """
        known = self._known(now)
        if known is not None:
            return known
        before = self._words
        if not self._asking.acquire(blocking=before is None) and before is not None:
            return before[0]
        try:
            known = self._known(now)  # somebody may have asked while this one waited
            return known if known is not None else self._asked(now)
        finally:
            self._asking.release()

    def _known(self, now: int) -> _Words | None:
        """What needs not be asked. Raises Unavailable where it was in vain a moment ago."""
        with self._lock:
            if self._words is not None and now - self._words[1] < KEEP:
                return self._words[0]
            if self._failed is None or now - self._failed[1] >= AGAIN:
                return None
            if self._words is not None:
                return self._words[0]
            raise Unavailable(self._failed[0].message, hint=self._failed[0].hint)

    def _asked(self, now: int) -> _Words:
        try:
            words = self._discovered()
        except RapportError as error:
            _log.warning("the OpenID provider cannot be used: %s", error.message)
            with self._lock:
                self._failed = (error, now)
                if self._words is not None:  # what it said an hour ago is better than nothing
                    return self._words[0]
            raise
        with self._lock:
            self._words, self._failed = (words, now), None
        return words

    def _discovered(self) -> _Words:
        wanted = self.settings
        answer = self._fetch(f"{wanted.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            words = msgspec.json.decode(answer.body, type=_Words) if answer.status == 200 else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            words = None
        if words is None:
            raise Unavailable(
                f"{wanted.title} does not say how people sign in (it answered {answer.status})",
                hint="is RAPPORT_OIDC_ISSUER right? /.well-known/openid-configuration stands below it",
            )
        if words.issuer != wanted.issuer:
            raise Unavailable(
                f"{wanted.title} calls itself {words.issuer[:200]!r}, and RAPPORT_OIDC_ISSUER says {wanted.issuer!r}",
                hint="set it to exactly what the provider says",
            )
        schemes = ("https", "http") if wanted.allow_private else ("https",)
        for address in (words.authorization_endpoint, words.token_endpoint, words.jwks_uri):
            if urlsplit(address).scheme not in schemes or not address.isprintable():
                raise Unavailable(f"{wanted.title} names the address {address[:100]!r}, which is not https")
        return words

    def _exchanged(self, code: str, verifier: str, *, now: int) -> str:
        """The id_token for a code."""
        words, wanted = self.words(now=now), self.settings
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": wanted.redirect_uri,
            "code_verifier": verifier,
        }  # fmt: skip
        headers: dict[str, str] = {}
        if not wanted.client_secret:
            form["client_id"] = wanted.client_id
        elif "client_secret_basic" in words.token_endpoint_auth_methods_supported:
            both = f"{quote_plus(wanted.client_id)}:{quote_plus(wanted.client_secret)}"
            headers["authorization"] = "Basic " + base64.b64encode(both.encode()).decode()
        else:
            form |= {"client_id": wanted.client_id, "client_secret": wanted.client_secret}
        answer = self._fetch(words.token_endpoint, form=form, headers=headers)
        try:
            said = msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = {}
        token = said.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            why = str(said.get("error", f"status {answer.status}"))[:60]
            _log.warning("the OpenID provider gave no token: %r", why)
            raise Unauthenticated(f"{wanted.title} did not confirm who you are ({why})", hint="begin again")
        return token

    def _keys_for(self, key_id: str | None, *, now: int) -> list[PublicKey]:
        """The provider's keys; asked for anew where they are old, or this one is not among them (it was exchanged)."""
        with self._lock:
            keys, at = self._keys
        known = any(key.kid == key_id for key in keys) if key_id is not None else bool(keys)
        if (known and now - at < KEEP) or (keys and now - at < AGAIN):
            return keys
        answer = self._fetch(self.words(now=now).jwks_uri)
        try:
            found = keys_of(msgspec.json.decode(answer.body)) if answer.status == 200 else []
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            found = []
        if not found:
            raise Unavailable(f"{self.settings.title} does not tell its keys (it answered {answer.status})")
        with self._lock:
            self._keys = (found, now)
        return found
