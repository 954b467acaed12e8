"""Identities of our own things. All are plain values, typed so that they cannot be mixed up."""

from __future__ import annotations

import os
import secrets
import time
from typing import NewType

__all__ = ["CustomerId", "FactId", "Key", "WorkspaceId", "base32", "from_base32", "new_id", "new_secret"]

WorkspaceId = NewType("WorkspaceId", int)
"""A shop in this installation: a small integer, the leading key of every table."""

FactId = NewType("FactId", str)
"""The fact's messageId, unique in its workspace for ever; at most 100 characters."""

CustomerId = NewType("CustomerId", str)
"""`cus_` and 26 base-32 characters. Every identifier has one for ever; a customer answers to all of its own."""

Key = NewType("Key", bytes)
"""16 bytes that stand for an identifier, and so for its strand: BLAKE2b of workspace, namespace and value."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """A new sortable id: prefix, 10 base-32 characters of milliseconds, 16 random ones (ULID layout)."""
    number = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    return f"{prefix}_{base32(number, length=26)}"


def new_secret(prefix: str) -> str:
    """A new random secret of 192 bits, URL-safe."""
    return f"{prefix}_{secrets.token_urlsafe(24)}"


def base32(number: int, *, length: int) -> str:
    """Crockford base 32, lower case, most significant first, cut or zero-filled to `length`."""
    out = []
    for _ in range(length):
        out.append(_ALPHABET[number & 31])
        number >>= 5
    return "".join(reversed(out))


def from_base32(text: str) -> int:
    """The number that `base32` wrote. Raises ValueError for any other character.

    >>> from_base32(base32(123_456, length=8))
    123456
    """
    number = 0
    for letter in text:
        digit = _ALPHABET.find(letter)
        if digit < 0:
            raise ValueError(f"{letter!r} is no base-32 digit")
        number = number << 5 | digit
    return number
