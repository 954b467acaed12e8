"""An index of sessions: who met what, what follows what, what is popular now. Built from whole sessions, oldest first.

**Source:** sessions as in VMIS-kNN (Kersbergen, Sprangers, Schelter: Serenade, SIGMOD 2022), co-visits with distance
and age as in the item-to-item transitions of Ludewig & Jannach (UMUAI 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rapport.capabilities.recommendations.learning.rows import Floats, Ints, Longs, Pairs, Rows, pack, strongest

__all__ = ["SessionIndex", "build_index"]

NEWEST = 2_500
"""Sessions an item is remembered in, its newest."""

FOLLOWING = 5
"""Steps that a directed co-visit reaches ahead."""

AROUND = 10
"""Steps that a co-visit without direction reaches."""

ROW = 100
"""Others that each item keeps."""

RECENT_PART = 0.05
"""Of the sessions, the newest: what is popular in them is popular now."""

OLDEST_WEIGHT = 0.5
"""What a co-visit of the oldest session weighs against one of the newest."""

DIMENSIONS = 64
NEAR = 40
"""Neighbours of each item by its vector."""

_BLOCK = 500
_GROUP = 64


class SessionIndex(NamedTuple):
    """All that candidates are made of. Items and sessions are numbers; `sessions` and `postings` mirror each other."""

    sessions: Rows
    """Session → its items."""
    postings: Rows
    """Item → its newest sessions, newest first."""
    following: Pairs
    """Item → what came after it within FOLLOWING steps, nearer and newer weigh more."""
    next: Pairs
    """Item → what came right after it, counted."""
    around: Pairs
    """Item → what stood within AROUND steps of it."""
    near: Pairs
    """Item → items with a similar vector: met in the same surroundings, though perhaps never together."""
    popularity: Floats
    recent: Floats
    """Popularity in the newest RECENT_PART of the sessions."""
    last_met: Floats
    """Session that held the item last, as a part of all: 1 is the newest."""
    rarity: Floats
    """Logarithm of sessions over the item's own."""
    vectors: Floats
    """Item → its vector of length 1 (or 0, where it stood beside nothing)."""

    @property
    def items(self) -> int:
        return len(self.popularity)


def build_index(sessions: Sequence[Sequence[int]], *, items: int, dimensions: int = DIMENSIONS) -> SessionIndex:
    """The index of these sessions, oldest first, of items below `items`. About 20 s for a million steps."""
    lengths = np.fromiter((len(session) for session in sessions), dtype=np.int64, count=len(sessions))
    flat = np.fromiter((item for session in sessions for item in session), dtype=np.int32, count=int(lengths.sum()))
    owners = np.repeat(np.arange(len(sessions), dtype=np.int32), lengths)
    steps = _Steps(flat, owners, (owners / max(len(sessions), 1)).astype(np.float32))
    popularity = np.bincount(flat, minlength=items).astype(np.float32)
    recent = np.bincount(flat[steps.age >= 1 - RECENT_PART], minlength=items).astype(np.float32)
    last_met = np.zeros(items, dtype=np.float32)
    np.maximum.at(last_met, flat, steps.age)
    around = strongest(*_met_together(steps, AROUND), rows=items, most=ROW)
    vectors = _vectors(steps, items, dimensions)
    return SessionIndex(
        sessions=Rows(np.concatenate(([0], np.cumsum(lengths))).astype(np.int64), flat),
        postings=_postings(steps, items),
        following=strongest(*_followed(steps, FOLLOWING, aging=True), rows=items, most=ROW),
        next=strongest(*_followed(steps, 1, aging=False), rows=items, most=ROW),
        around=around,
        near=_near(vectors),
        popularity=popularity,
        recent=recent,
        last_met=last_met,
        rarity=np.log(max(len(sessions), 1) / np.maximum(popularity, 1)).astype(np.float32),
        vectors=vectors,
    )  # fmt: skip


class _Steps(NamedTuple):
    items: Ints
    sessions: Ints
    age: Floats
    """0 is the oldest session, 1 the newest."""


def _postings(steps: _Steps, items: int) -> Rows:
    """Each item's newest sessions, each session once."""
    keys = np.unique(steps.items.astype(np.int64) << 32 | steps.sessions)[::-1]
    rows = pack((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32), rows=items)
    owners = np.repeat(np.arange(items), np.diff(rows.starts))
    kept = np.arange(len(owners)) - rows.starts[owners] < NEWEST
    return pack(owners[kept].astype(np.int32), rows.values[kept], rows=items)


def _followed(steps: _Steps, reach: int, *, aging: bool) -> tuple[Ints, Ints, Floats]:
    """Pairs (before, after) within `reach` steps of a session, each weighing 1/distance."""
    before, after, weights = [], [], []
    for distance in range(1, reach + 1):
        one, other = steps.items[:-distance], steps.items[distance:]
        good = (steps.sessions[:-distance] == steps.sessions[distance:]) & (one != other)
        age = OLDEST_WEIGHT + (1 - OLDEST_WEIGHT) * steps.age[distance:][good] if aging else np.ones(int(good.sum()))
        before.append(one[good])
        after.append(other[good])
        weights.append((age / distance).astype(np.float32))
    return np.concatenate(before), np.concatenate(after), np.concatenate(weights)


def _met_together(steps: _Steps, reach: int) -> tuple[Ints, Ints, Floats]:
    """Pairs in both directions within `reach` steps; all weigh the same but for their age."""
    before, after, weights = _followed(steps, reach, aging=True)
    return np.concatenate((before, after)), np.concatenate((after, before)), np.concatenate((weights, weights))


def _vectors(steps: _Steps, items: int, dimensions: int) -> Floats:
    """Vectors of items: the largest part of how much more often two stand together than chance would have it.

    **Source:** shifted positive pointwise mutual information and its decomposition (Levy & Goldberg, NeurIPS 2014).
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import svds

    owners, others, weights = _met_together(steps, FOLLOWING)
    counts = coo_matrix((weights.astype(np.float64), (owners, others)), shape=(items, items)).tocsr().tocoo()
    smallest = min(items, counts.nnz)
    if smallest < 3:
        return np.zeros((items, 1), dtype=np.float32)
    sums = np.asarray(counts.sum(axis=1)).ravel()
    smoothed = sums**0.75
    expected = sums[counts.row] * smoothed[counts.col] / smoothed.sum()
    counts.data = np.maximum(np.log(counts.data / expected), 0)
    left, strengths, _ = svds(
        counts.tocsr(), k=min(dimensions, smallest - 1), tol=1e-2, v0=np.ones(items), maxiter=200,
        return_singular_vectors="u",
    )  # fmt: skip
    found: Floats = (left * np.sqrt(strengths)).astype(np.float32)
    lengths: Floats = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9).astype(np.float32)
    return np.divide(found, lengths)


def _near(vectors: Floats) -> Pairs:
    """Each item's NEAR nearest by the angle between vectors. Quadratic in items, in blocks of bounded memory."""
    items = len(vectors)
    most = min(NEAR, max(items - 1, 1))
    starts: Longs = np.arange(items + 1, dtype=np.int64) * most
    others = np.empty((items, most), dtype=np.int32)
    weights = np.empty((items, most), dtype=np.float32)
    for start in range(0, items, _BLOCK):
        block = vectors[start : start + _BLOCK] @ vectors.T
        numbers = np.arange(len(block))
        block[numbers, start + numbers] = -1
        others[start : start + _BLOCK], weights[start : start + _BLOCK] = _largest(block, most)
    return Pairs(starts, others.ravel(), weights.ravel())


def _largest(block: Floats, most: int) -> tuple[Ints, Floats]:
    """The `most` largest of each row, largest first. They can only stand in the `most` groups of largest maxima."""
    rows, items = block.shape
    groups = -(-items // _GROUP)
    padded = np.full((rows, groups * _GROUP), -2, dtype=np.float32)
    padded[:, :items] = block
    grouped = padded.reshape(rows, groups, _GROUP)
    maxima = grouped.max(axis=2)
    best = np.argpartition(-maxima, min(most, groups) - 1, axis=1)[:, :most]
    inside = np.take_along_axis(grouped, best[:, :, None], axis=1).reshape(rows, -1)
    numbers = (best[:, :, None] * _GROUP + np.arange(_GROUP)).reshape(rows, -1)
    order = np.argpartition(-inside, most - 1, axis=1)[:, :most]
    values = np.take_along_axis(inside, order, axis=1)
    order = np.take_along_axis(order, np.argsort(-values, axis=1), axis=1)
    return np.take_along_axis(numbers, order, axis=1).astype(np.int32), np.take_along_axis(inside, order, axis=1)
