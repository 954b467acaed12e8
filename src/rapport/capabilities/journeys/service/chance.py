"""Chance that is the same whenever it is asked."""

from __future__ import annotations

from hashlib import blake2b

from rapport.kernel.ids import Key

__all__ = ["percent_of"]


def percent_of(journey: str, what: str, root: Key) -> float:
    """A number from 0 to below 100 for a customer, evenly spread, another for each journey and each thing asked."""
    digest = blake2b(f"{journey}\x1f{what}\x1f".encode() + bytes(root), digest_size=8, person=b"journeys").digest()
    return int.from_bytes(digest, "big") / 2**64 * 100
