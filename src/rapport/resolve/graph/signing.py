"""Signed texts: what a link carries so that nobody makes one up, with this installation's own secret.

A signature is bound to a use and a shop: a link of one kind opens nothing of another.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import InvalidInput, NotFound
from rapport.kernel.ids import WorkspaceId, base32
from rapport.resolve.graph import store

__all__ = ["Signer", "load_signer"]

_LONGEST = 900


class Signer:
    """Signs and checks the texts of one use in one shop."""

    def __init__(self, secret: bytes, use: bytes, workspace: WorkspaceId) -> None:
        self._secret = hmac.digest(secret, use, "sha256")
        self._workspace = workspace

    def sign(self, text: str) -> str:
        """The text with its signature."""
        return f"{text}.{self._signature(text)}"

    def read(self, token: str) -> str:
        """The text that was signed. Raises InvalidInput for one that is not ours."""
        text, _, signature = token[:_LONGEST].rpartition(".")
        if not text or not hmac.compare_digest(self._signature(text).encode(), signature.encode()):
            raise InvalidInput("this link is not complete", hint="open it as it stands in the message")
        return text

    def _signature(self, text: str) -> str:
        digest = hmac.new(self._secret, f"{self._workspace}.{text}".encode(), sha256).digest()
        return base32(int.from_bytes(digest[:16], "big"), length=26)


def load_signer(conn: Connection, use: bytes, workspace: WorkspaceId) -> Signer:
    """The signer of a use. Raises NotFound before the first customer was seen."""
    secret = conn.execute(sa.select(store.identity_secret.c.secret)).scalar()
    if secret is None:
        raise NotFound("this installation has no customers yet", hint="send the first fact")
    return Signer(bytes(secret), use, workspace)
