"""What the kinds of mergeable value share: their interface, stamps, and the rules that keep them bounded and exact."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from hashlib import blake2b
from typing import Any

State = list[Any]
"""A plain list that MessagePack can hold; its shape stands with each kind."""

Stamp = list[Any]
"""`[occurred_at, fact_id, source]` of the fact that determined the value."""

NEVER = -(1 << 63)
"""Before any `occurred_at`: where the latest begins."""

EVER = (1 << 63) - 1
"""After any `occurred_at`: where the earliest begins."""

_HALF = 1 << 63
_FULL = (1 << 64) - 1


class Mergeable(ABC):
    """One kind of mergeable value. Instances hold settings only; states are passed in."""

    __slots__ = ()

    @abstractmethod
    def zero(self) -> State:
        """A new state that has seen no fact."""

    @abstractmethod
    def fold(self, state: State, at: int, fact_id: str, source: str, value: Any) -> None:
        """Take one fact's value into `state`, in place."""

    @abstractmethod
    def merge(self, left: State, right: State) -> State:
        """The state of both sets of facts together, trimmed; the arguments stay as they are."""

    @abstractmethod
    def read(self, state: State) -> Any:
        """The value as plain data, None where there is none. Expects a trimmed state."""

    @abstractmethod
    def stamp(self, state: State) -> Stamp:
        """Which fact determined the value. Expects a trimmed state."""

    def trim(self, state: State) -> State:
        """The canonical form of `state`, in place where possible."""
        return state


def newer(left: State, right: State, start: int) -> Stamp:
    """The later of the stamps that begin at `start`."""
    a, b = left[start : start + 3], right[start : start + 3]
    return a if (a[0], a[1]) >= (b[0], b[1]) else b


@lru_cache(maxsize=65_536)
def hash64(text: str) -> int:
    """64 bits of BLAKE2b of the text: the order in which bounded containers keep their keys."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def keep_smallest(entries: dict[str, Any], limit: int) -> None:
    """Keep the keys with the smallest hashes. A key that is dropped can never come back into the final choice."""
    if len(entries) > limit:
        for key in sorted(entries, key=lambda k: (hash64(k), k))[limit:]:
            del entries[key]


def wrap64(number: int) -> int:
    """The number in 64 bits with sign, as addition in a register would leave it: exact for any sum that fits, and
    still independent of order where a hostile client makes one that does not.
    """
    return ((number + _HALF) & _FULL) - _HALF
