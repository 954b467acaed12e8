"""Passwords: which are good enough, and how they are kept."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rapport.kernel.errors import InvalidInput

__all__ = ["MAX_PASSWORD", "MIN_PASSWORD", "acceptable", "hashed", "matches", "nobodys", "outdated"]

MIN_PASSWORD = 12
MAX_PASSWORD = 200

GOOD_ENOUGH = 3
"""Of zxcvbn's five steps from 0: more than 10^8 guesses. **Source**: Wheeler, USENIX Security 2016."""

_LOOKED_AT = 72
"""Characters that zxcvbn weighs; what follows can only make a password stronger."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with 19 MiB and two passes. Source: OWASP Password Storage Cheat Sheet, second configuration."""

_hashing = threading.BoundedSemaphore(4)
"""At most this many hashes at once, so a flood of sign-ins cannot take the memory."""


@cache
def nobodys() -> str:
    """What a password is held against where there is no account, so that the answer takes as long."""
    return _hasher.hash(secrets.token_urlsafe(16))


def acceptable(password: str, *, known: Iterable[str] = ()) -> str:
    """The password, where it is long enough and neither common nor made of what is `known` of its owner.

    Asked offline, of lists of leaked passwords and names. Raises InvalidInput.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InvalidInput(
            f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, this one has {len(password)}",
            hint="four unrelated words make a good one",
        )
    # Imported where it is asked: its lists cost every other command a third of a second.
    from zxcvbn import zxcvbn

    weighed = zxcvbn(unicodedata.normalize("NFKC", password)[:_LOOKED_AT], user_inputs=[*known, "rapport"])
    if weighed["score"] < GOOD_ENOUGH:
        why = weighed["feedback"]["warning"].rstrip(".") or "It would be found within 100 million guesses"
        raise InvalidInput(f"this password is too easy to guess: {why}", hint="four unrelated words make a good one")
    return password


def hashed(password: str) -> str:
    """What is kept of a password. Costs some 20 ms of one core; never call it inside a transaction."""
    with _hashing:
        return _hasher.hash(_normal(password))


def matches(password: str, kept: str) -> bool:
    """Whether this is the password. One longer than any that is accepted is none, and is never cut."""
    with _hashing:
        try:
            right = _hasher.verify(kept, _normal(password[: MAX_PASSWORD + 1]))
        except (VerificationError, InvalidHashError):
            return False
    return len(password) <= MAX_PASSWORD and right


def outdated(kept: str) -> bool:
    """Whether a password should be hashed again, with today's costs."""
    return _hasher.check_needs_rehash(kept)


def _normal(password: str) -> bytes:
    """The same bytes for the same characters, however the keyboard composed them. Source: NIST SP 800-63B 5.1.1.2."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
