"""Secrets that must be read again lie sealed in the database, where the environment brings a key.

What is sealed can be opened with the key alone, and only where it was put (`about`): a row that is copied to somebody
else's opens nothing. Without a key values lie as they are. A backup or a stolen disk then shows the secrets of
authenticator apps, webhooks, mail servers and providers; passwords, sessions and API keys are hashes in any case.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from rapport.kernel.errors import InvalidInput, Misconfigured

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = [
    "VARIABLE", "State", "has_key", "is_sealed", "opened", "opened_text", "sealed", "sealed_text", "state_of",
    "state_of_text",
]  # fmt: skip

VARIABLE = "RAPPORT_SECRET_KEY"

State: TypeAlias = Literal["sealed", "older", "readable", "closed"]
"""How a secret lies: sealed with the key that seals now, with one of those behind it, as it is, or so that no key of
the environment opens it.
"""

SHORTEST = 32
"""Characters of a key: no one that a person thought up."""

_MARK = b"\x00sealed1\x00"
_TEXT_MARK = "sealed1:"
"""The same where text is kept, which PostgreSQL takes without NUL: base64 follows."""
_NONCE_BYTES = 12

_SALT = b"rapport.storage.sealing"
"""The same everywhere: the key is random, and what is derived from it must be found again from nothing else."""


def sealed(plain: bytes, *, about: str) -> bytes:
    """The value as it is kept: sealed with the first key of the environment, or as it is where there is none.

    Raises Misconfigured for a key that is too short.
    """
    keys = _keys(os.environ.get(VARIABLE, ""))
    if not keys:
        return plain
    nonce = os.urandom(_NONCE_BYTES)
    return _MARK + nonce + keys[0].encrypt(nonce, plain, about.encode())


def opened(kept: bytes, *, about: str) -> bytes:
    """The value again, also one that was kept before there was a key.

    Raises Misconfigured where none of the environment's keys opens it.
    """
    if not is_sealed(kept):
        return kept
    found = _opened_by(_keys(os.environ.get(VARIABLE, "")), kept, about)
    if found is not None:
        return found[1]
    raise Misconfigured(
        f"a secret in the database cannot be opened with {VARIABLE}",
        hint="start with the key it was sealed with; an older one may stand behind the new one, after a comma",
    )


def sealed_text(plain: str, *, about: str) -> str:
    """`sealed`, where text is kept. Raises InvalidInput for a text that would be taken for a sealed one."""
    if plain.startswith(_TEXT_MARK):
        raise InvalidInput(f"a secret cannot begin with {_TEXT_MARK!r}", hint="make another one")
    kept = sealed(plain.encode(), about=about)
    return f"{_TEXT_MARK}{b64encode(kept).decode()}" if is_sealed(kept) else plain


def opened_text(kept: str, *, about: str) -> str:
    """`opened`, of what `sealed_text` made, or of a text that was kept before there was a key."""
    if not kept.startswith(_TEXT_MARK):
        return kept
    return opened(b64decode(kept.removeprefix(_TEXT_MARK)), about=about).decode()


def state_of(kept: bytes, *, about: str) -> State:
    """How a secret lies. Raises Misconfigured for a key that is too short."""
    if not is_sealed(kept):
        return "readable"
    found = _opened_by(_keys(os.environ.get(VARIABLE, "")), kept, about)
    return "closed" if found is None else "older" if found[0] else "sealed"


def state_of_text(kept: str, *, about: str) -> State:
    """The same of a text."""
    if not kept.startswith(_TEXT_MARK):
        return "readable"
    return state_of(b64decode(kept.removeprefix(_TEXT_MARK)), about=about)


def has_key() -> bool:
    """Whether the environment brings a key, so that what is kept from now on is sealed."""
    return bool(_keys(os.environ.get(VARIABLE, "")))


def is_sealed(kept: bytes) -> bool:
    """Whether a value lies sealed."""
    return kept.startswith(_MARK)


def _opened_by(keys: Sequence[AESGCM], kept: bytes, about: str) -> tuple[int, bytes] | None:
    """By which of the keys it opens, and what it is; None where by none."""
    from cryptography.exceptions import InvalidTag

    nonce, body = kept[len(_MARK) :][:_NONCE_BYTES], kept[len(_MARK) + _NONCE_BYTES :]
    for number, key in enumerate(keys):
        try:
            return number, key.decrypt(nonce, body, about.encode())
        except InvalidTag:
            continue
    return None


@lru_cache(maxsize=4)
def _keys(named: str) -> tuple[AESGCM, ...]:
    """The keys, the one that seals first. Deriving takes some tens of milliseconds, once."""
    found = [text.strip() for text in named.split(",") if text.strip()]
    if not found:
        return ()
    if any(len(text) < SHORTEST for text in found):
        raise Misconfigured(
            f"{VARIABLE} is too short: a key has at least {SHORTEST} characters",
            hint="`openssl rand -hex 32` makes one",
        )
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # a command that seals nothing need not load it
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return tuple(AESGCM(Scrypt(salt=_SALT, length=32, n=2**14, r=8, p=1).derive(text.encode())) for text in found)
