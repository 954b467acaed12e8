"""Whose is this API key, and does it open anything here and now? Asked at every call of the API."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

import anyio.to_thread

from rapport.kernel.clock import MINUTE, SECOND, now_us
from rapport.kernel.errors import Forbidden, Unauthenticated
from rapport.kernel.principal import Principal
from rapport.storage.engine import Database
from rapport.web import api_keys, store
from rapport.web.networks import is_within
from rapport.web.permissions import Permissions

__all__ = ["KeyRing"]


class _Known(NamedTuple):
    """What the database said of a secret."""

    asked_at: int
    """By a clock that is never set back: else a key that was revoked would open for as long as the jump."""
    principal: Principal | None = None
    until: int | None = None
    """From then on it opens nothing."""
    networks: tuple[str, ...] = ()


class KeyRing:
    """API keys by their secret, remembered for two seconds so that a busy client costs no query a request."""

    def __init__(self, db: Database, permissions: Permissions, *, remember: int = 2 * SECOND, size: int = 1000) -> None:
        self._db = db
        self._permissions = permissions
        self._remember = remember
        self._size = size
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._touched: dict[str, int] = {}
        self._lock = Lock()

    async def authenticate(self, authorization: str | None, *, address: str) -> Principal:
        """The principal of an `Authorization: Bearer rk_…` header that was sent from an address.

        Raises Unauthenticated, and Forbidden where the key may not be used from there.
        """
        scheme, _, secret = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated(
                "no API key was sent", hint="send it as `Authorization: Bearer rk_…`; keys are made in the console"
            )
        digest = store.digest_of(secret.strip())
        now = now_us()
        with self._lock:
            known = self._known.get(digest)
        if known is None or _moment() - known.asked_at > self._remember:
            known = await anyio.to_thread.run_sync(self._look_up, digest, now)
            with self._lock:
                self._known[digest] = known
                while len(self._known) > self._size:
                    self._known.popitem(last=False)
        return _opened(known, address, now)

    def forget(self) -> None:
        """Ask the database again at the next request: a key was changed."""
        with self._lock:
            self._known.clear()

    def _look_up(self, digest: bytes, now: int) -> _Known:
        asked_at = _moment()
        with self._db.read() as conn:
            found = api_keys.by_token(conn, digest, now=now)
        if found is None:
            return _Known(asked_at)
        key, until = found
        if not key.is_over(now) and now - self._touched.get(key.id, key.last_used_at or 0) > 5 * MINUTE:
            self._touched[key.id] = now
            with self._db.write() as conn:
                api_keys.touch(conn, key.id, now=now)
        principal = Principal(
            workspace=key.workspace, kind="api_key", id=key.id, name=key.name, role=None,
            scopes=self._permissions.of_key(key.scopes), purposes=frozenset(key.purposes),
        )  # fmt: skip
        return _Known(asked_at, principal, until, key.networks)


def _moment() -> int:
    return time.monotonic_ns() // 1000


def _opened(known: _Known, address: str, now: int) -> Principal:
    if known.principal is None:
        raise Unauthenticated("this API key is unknown or revoked", hint="make a new one in the console")
    if known.until is not None and now >= known.until:
        raise Unauthenticated(
            "this API key has ended", hint="in the console it can be given more time, or a new one made"
        )
    if known.networks and not is_within(address, known.networks):
        raise Forbidden(
            "this API key may not be used from your address", hint="its networks are on its page in the console"
        )
    return known.principal
