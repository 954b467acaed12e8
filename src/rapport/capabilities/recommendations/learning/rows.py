"""Rows of numbers of unequal length, packed one behind the other: which sessions held an item, what follows it."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Floats", "Ints", "Pairs", "Rows", "gather", "pack", "strongest"]

Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]
Longs: TypeAlias = NDArray[np.int64]


class Rows(NamedTuple):
    """Row `r` is `values[starts[r]:starts[r + 1]]`."""

    starts: Longs
    values: Ints

    def row(self, number: int) -> Ints:
        return self.values[self.starts[number] : self.starts[number + 1]]


class Pairs(NamedTuple):
    """For each item the others that go with it, strongest first, with how strongly."""

    starts: Longs
    others: Ints
    weights: Floats

    def row(self, number: int) -> tuple[Ints, Floats]:
        part = slice(self.starts[number], self.starts[number + 1])
        return self.others[part], self.weights[part]


def pack(owners: Ints, values: Ints, *, rows: int) -> Rows:
    """Values of the same owner become a row, in the order they come in."""
    order = np.argsort(owners, kind="stable")
    return Rows(_starts(owners, rows), values[order])


def gather(rows: Rows, numbers: Ints) -> tuple[Ints, Longs]:
    """The values of these rows one behind the other, and the length of each."""
    begins = rows.starts[numbers]
    lengths = rows.starts[numbers + 1] - begins
    total = int(lengths.sum())
    shift = np.repeat(begins - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
    return rows.values[np.arange(total) + shift], lengths


def strongest(owners: Ints, others: Ints, weights: Floats, *, rows: int, most: int) -> Pairs:
    """Weights of the same pair are added up; each owner keeps its `most` strongest."""
    keys, inverse = np.unique(owners.astype(np.int64) * rows + others, return_inverse=True)
    sums = np.bincount(inverse, weights=weights, minlength=len(keys)).astype(np.float32)
    mine, theirs = (keys // rows).astype(np.int32), (keys % rows).astype(np.int32)
    order = np.lexsort((theirs, -sums, mine))
    mine, theirs, sums = mine[order], theirs[order], sums[order]
    starts = _starts(mine, rows)
    kept = np.arange(len(mine)) - starts[mine] < most
    mine, theirs, sums = mine[kept], theirs[kept], sums[kept]
    return Pairs(_starts(mine, rows), theirs, sums)


def _starts(owners: Ints, rows: int) -> Longs:
    return np.concatenate(([0], np.cumsum(np.bincount(owners, minlength=rows)))).astype(np.int64)
