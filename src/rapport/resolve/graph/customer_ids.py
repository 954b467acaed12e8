"""Customer ids: every identifier has one for ever, and from an id alone nobody learns or tests whom it names.

The key of an identifier is a plain hash, so whoever guesses an e-mail could compute it. A customer id is that key under
a permutation only this installation can compute: a Feistel network of four rounds with keyed BLAKE2b as round function,
which is indistinguishable from chance for whoever lacks the secret. A permutation needs no column and no index.

**Source** of four rounds: Luby and Rackoff, How to Construct Pseudorandom Permutations from Pseudorandom Functions,
1988.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b

import sqlalchemy as sa
from sqlalchemy import Connection

from rapport.kernel.errors import NotFound
from rapport.kernel.ids import CustomerId, Key, base32, from_base32
from rapport.resolve.graph import store
from rapport.storage.bulk import insert_ignore

__all__ = ["CustomerIds", "ensure_secret", "load_customer_ids"]

_PREFIX = "cus_"
_LENGTH = 26
_ROUNDS = (b"customer-id-0", b"customer-id-1", b"customer-id-2", b"customer-id-3")
_HALF = (1 << 64) - 1


class CustomerIds:
    """The customer ids of one installation.

    >>> ids = CustomerIds(b"secret")
    >>> ids.key(ids.customer_id(Key(b"0123456789abcdef")))
    b'0123456789abcdef'
    """

    def __init__(self, secret: bytes) -> None:
        self._rounds = [blake2b(digest_size=8, key=secret, person=person) for person in _ROUNDS]

    def customer_id(self, key: Key) -> CustomerId:
        """The permanent customer id of an identifier; a customer's own is that of its root."""
        left, right = divmod(int.from_bytes(key, "big"), 1 << 64)
        for number in range(len(_ROUNDS)):
            left, right = right, left ^ self._round(number, right)
        return CustomerId(_PREFIX + base32(left << 64 | right, length=_LENGTH))

    def key(self, customer_id: str) -> Key:
        """The identifier whose id this is. Raises NotFound for a text that is no customer id."""
        digits = customer_id.removeprefix(_PREFIX)
        try:
            number = from_base32(digits)
        except ValueError:
            number = -1
        if digits == customer_id or len(digits) != _LENGTH or not 0 <= number < 1 << 128:
            hint = "they look like cus_ and 26 characters; or name an identifier, such as user_id:ada"
            raise NotFound(f"{customer_id[:60]!r} is no customer id", hint=hint)
        left, right = number >> 64, number & _HALF
        for which in reversed(range(len(_ROUNDS))):
            left, right = right ^ self._round(which, left), left
        return Key((left << 64 | right).to_bytes(16, "big"))

    def _round(self, number: int, half: int) -> int:
        digest = self._rounds[number].copy()
        digest.update(half.to_bytes(8, "big"))
        return int.from_bytes(digest.digest(), "big")


def ensure_secret(conn: Connection) -> None:
    """Make the installation's secret in a write transaction, if there is none."""
    insert_ignore(conn, store.identity_secret, [{"id": 1, "secret": secrets.token_bytes(32)}], key=["id"])


def load_customer_ids(conn: Connection) -> CustomerIds:
    """The customer ids of this installation. The secret never changes, so the answer may be kept for ever.

    Raises NotFound before the first customer was seen (or `ensure_secret` called).
    """
    secret = conn.execute(sa.select(store.identity_secret.c.secret)).scalar()
    if secret is None:
        raise NotFound("this installation has no customers yet", hint="send the first fact")
    return CustomerIds(bytes(secret))
