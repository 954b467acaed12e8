"""A Merkle tree as certificate logs have it: a list that only grows, and short proofs of what is in it. Pure.

What is stored of a tree are the hashes of its perfect subtrees, named by level (0: leaves) and position from the left;
they never change once they are there. Everything else is hashed of them when it is asked for.

**Source:** RFC 9162, section 2.1 (the hashes 2.1.1, inclusion 2.1.3, consistency 2.1.4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

__all__ = [
    "EMPTY",
    "Growing",
    "Node",
    "Range",
    "consistency_ranges",
    "consistent",
    "included",
    "inclusion_ranges",
    "leaf_hash",
    "node_hash",
    "nodes_of",
    "range_hash",
]

EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""

Range: TypeAlias = tuple[int, int]
"""Leaves, from the first to before the last."""


class Node(NamedTuple):
    """A perfect subtree: of `2 ** level` leaves, the one at this place from the left."""

    level: int
    position: int


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what two subtrees are together."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Growing:
    """The right edge of a tree, all that adding leaves needs: `peaks` are its perfect subtrees, the largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self._peaks = list(peaks)
        if len(self._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} perfect subtrees, not {len(self._peaks)}")

    def add(self, leaf: bytes) -> list[tuple[Node, bytes]]:
        """Add a leaf by its hash; returns the perfect subtrees that it completes, itself first."""
        made = [(Node(0, self.size), leaf)]
        self._peaks.append(leaf)
        level, whole = 0, self.size
        while whole & 1:
            right, left = self._peaks.pop(), self._peaks.pop()
            level, whole = level + 1, whole >> 1
            self._peaks.append(node_hash(left, right))
            made.append((Node(level, whole), self._peaks[-1]))
        self.size += 1
        return made

    def root(self) -> bytes:
        """The hash of the whole tree."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The subtrees whose hashes prove that a leaf is in the tree of this size, the nearest first."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    found: list[Range] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        left, right = (begin, middle), (middle, end)
        found.append(right if index < middle else left)
        begin, end = left if index < middle else right
    return found[::-1]


def consistency_ranges(first: int, size: int) -> list[Range]:
    """The subtrees whose hashes prove that the tree of `first` leaves is the beginning of that of `size`."""
    if not 0 < first <= size:
        raise ValueError(f"a tree of {first} leaves is no beginning of one of {size}")
    found: list[Range] = []
    begin, end, known = 0, size, True
    while first - begin != end - begin:
        middle = begin + _split(end - begin)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((begin, middle))
            begin, known = middle, False
    return ([] if known else [(begin, end)]) + found[::-1]


def nodes_of(several: Iterable[Range]) -> set[Node]:
    """The perfect subtrees that hashing these ranges takes."""
    return {node for one in several for node in _perfect(one)}


def range_hash(one: Range, nodes: Mapping[Node, bytes]) -> bytes:
    """The hash of the leaves of a range, of its perfect subtrees."""
    hashes = [nodes[node] for node in _perfect(one)]
    if not hashes:
        return EMPTY
    found = hashes[-1]
    for left in reversed(hashes[:-1]):
        found = node_hash(left, found)
    return found


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether this path proves that the leaf with this hash is in the tree with this root. RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        return False
    found, place, last = leaf, index, size - 1
    for one in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(one, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, one)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, first_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether this path proves that the one tree is the beginning of the other. RFC 9162, 2.1.4.2."""
    if not 0 < first <= size or first == size:
        return first == size and size > 0 and not path and first_root == root
    hashes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not hashes:
        return False
    place, last = first - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = hashes[0]
    for one in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, one)
        place, last = place >> 1, last >> 1
    return last == 0 and old == first_root and new == root


def _split(leaves: int) -> int:
    """The largest power of two below this number."""
    return int(1 << (leaves - 1).bit_length() - 1)


def _perfect(one: Range) -> list[Node]:
    """A range's perfect subtrees, from the left: it begins where a subtree of its size could."""
    begin, end = one
    found: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append(Node(level, begin >> level))
        begin += 1 << level
    return found
